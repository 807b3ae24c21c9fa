"""Show a list as everybody saw it at a time, or check that rankings can be repeated."""

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tom_targets.base_models import BaseTarget

from tom.events.models import NonLocalizedEvent
from tom.events.naming import root_of
from tom.formats.chances import write_chance
from tom.ranking.chances import public_scale
from tom.ranking.models import RankedCandidate, RankedCandidateQuerySet, Ranking
from tom.ranking.services import NotReproducibleError, ranking_as_of, rankings_of, unlike
from tom.strategies.models import Strategy

SHOWN = 20
Owner = NonLocalizedEvent | Strategy


class Command(BaseCommand):
    help = (
        "Show an event's candidates, or the list of a strategy without an event, in the order that"
        " it had at a time (UTC, ISO 8601; now if none is given), as everybody sees it: without"
        " private targets and private points. With --check N repeat N of its"
        " rankings from what was known then: exit 1 if one has another result."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("list", help="an event's id, as S261120ab, or a strategy's name")
        parser.add_argument("--at", metavar="TIME", help="as 2026-11-20T03:00:00Z")
        parser.add_argument("--check", type=int, metavar="N", help="how many rankings to repeat")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = _owner_of(options["list"])
        if options["check"] is not None:
            self._check(owner, options["check"])
        else:
            self._show(owner, _time_of(options["at"]))

    def _show(self, owner: Owner, when: datetime) -> None:
        ranking = ranking_as_of(owner, when)
        if ranking is None:
            message = f"{owner} had no ranking at {when:%Y-%m-%d %H:%M:%S} UTC"
            raise CommandError(message)
        by = f" by the number of {ranking.by}" if ranking.by else ""
        self.stdout.write(f"{owner}, ranked{by} {ranking.created:%Y-%m-%d %H:%M:%S} UTC")
        places = shown_publicly(ranking).in_order()
        rows = places.values_list(
            Coalesce("candidate__target__name", "target__name"),
            "log_weight",
            "log_weight_low",
            "log_weight_high",
        )
        scale = public_scale(ranking)
        for rank, (name, weight, *ends) in enumerate(rows[:SHOWN], start=1):
            low, high = (scale.end(weight, end) for end in ends)
            told = f"{_told(scale.chance(weight)):>9s}  ({_told(low)} to {_told(high)})"
            told = f"{weight:9.3f}" if ranking.by else told
            self.stdout.write(f"{rank:4d}  {name:20s} {told}")
        if scale.none is not None:
            self.stdout.write(f"      {'none of these':20s} {_told(scale.none):>9s}")
        left = places.count() - SHOWN
        if left > 0:
            self.stdout.write(f"      and {left} more")

    def _check(self, owner: Owner, n: int) -> None:
        rankings = list(rankings_of(owner).reverse())
        if not rankings or n < 1:
            message = f"{owner} has {len(rankings)} rankings; none was checked"
            raise CommandError(message)
        step = max(1, len(rankings) // n)
        failed = [ranking for ranking in rankings[::-step][:n] if not self._is_same(ranking)]
        if failed:
            sys.exit(1)

    def _is_same(self, ranking: Ranking) -> bool:
        when = f"{ranking.created:%Y-%m-%d %H:%M:%S.%f}"
        try:
            n = unlike(ranking)
        except NotReproducibleError as error:
            self.stdout.write(f"{when} UTC: {error}")
            return False
        told = "the same, bit for bit" if n == 0 else f"{n} places differ"
        self.stdout.write(f"{when} UTC: {told}")
        return n == 0


def _told(chance: float | None) -> str:
    """A chance with three digits; a dash for none. A small one is told as it is."""
    if chance is None:
        return "-"
    return f"{chance:.3g}" if chance < 0.5 else write_chance(chance, digits=3)


def shown_publicly(ranking: Ranking) -> RankedCandidateQuerySet:
    """The places of a ranking that everybody sees: their chances and that of none add to 1."""
    places = RankedCandidate.objects.as_of(ranking).filter(programs=[])
    if ranking.event_id is not None:
        return places.exclude(candidate__in=ranking.owned)
    return places.exclude(target__permissions=BaseTarget.Permissions.PRIVATE)


def _owner_of(name: str) -> Owner:
    """Find an event by its id, or by that of one joined to it; or else a strategy by its name."""
    named = NonLocalizedEvent.everything.filter(event_id=name).first()
    event = named and root_of(named)
    strategy = Strategy.objects.filter(kind="", name=name).first()
    owner = event or strategy
    if owner is None:
        message = f"there is no event {name!r}, and no list without an event of that name"
        raise CommandError(message)
    return owner


def _time_of(text: str | None) -> datetime:
    """Read a time; what has no zone is UTC."""
    if text is None:
        return timezone.now()
    try:
        found = parse_datetime(text)
        if found is not None:
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # of another zone within a day of the year 1 or 9999
        pass
    message = f"{text!r} is no time: write it as 2026-11-20T03:00:00Z"
    raise CommandError(message)
