"""A list as it stood at an earlier time, as its reader knows it.

A place is stored from the ranking that made it to the one that ended it. So the list of any ranking
is read as it was stored. Its reader sees in it what they may see today: a right that somebody got
or lost since then counts for the past, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from tom_targets.base_models import BaseTarget

from tom.ranking.chances import Scale
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import ranking_as_of, rankings_of
from tom.strategies.watching import Near, near_watched
from tom.targets.visible import visible_targets
from tom.web.candidate_rows import read_curves
from tom.web.chances import scale_then
from tom.web.known import fullest, programs_of, seen_by
from tom.web.plots.sparkline import draw_sparkline
from tom.web.ranked_settings import settings_then


@dataclass(frozen=True)
class PastPlace:
    """The chance of a member then and the ends of its interval, 0 to 1; or a scorer's number."""

    posterior: float | None = None
    posterior_low: float | None = None
    posterior_high: float | None = None
    number: float | None = None


@dataclass(frozen=True)
class PastRow:
    """One member of a past list; `terms` follow the table's columns, None for none.

    `member` is the key of the event's candidate, or of the target of a list without an event. The
    light curve has the points that were stored then. `near` is the place, watched then, that the
    target is near.
    """

    rank: int
    member: int
    target: BaseTarget
    place: PastPlace
    terms: list[dict[str, Any] | None]
    sparkline: SafeString
    near: Near | None


@dataclass(frozen=True)
class PastList:
    """A list in one ranking, for one reader; the times are those of the rankings beside it."""

    ranking: Ranking
    user: User
    scale: Scale
    earlier: datetime | None
    later: datetime | None

    @property
    def path(self) -> str:
        """The way from a place to its target."""
        return "target" if self.ranking.event_id is None else "candidate__target"

    @property
    def settings(self) -> dict[str, Any] | None:
        """What the list looked for, by the names that a strategy gives it; None: it is not kept."""
        kind = self.ranking.event.kind if self.ranking.event else ""
        return settings_then(self.ranking.basis, kind) if self.ranking.basis else None

    def near(self, targets: Sequence[BaseTarget]) -> dict[int, Near]:
        """Which place, watched then, each target is near, by its key, if it is near any."""
        return near_watched(self.ranking.basis.get("rule", {}).get("watched"), targets)

    def places(self) -> QuerySet[RankedCandidate]:
        """The places that the reader may see, in order, of each member the fullest."""
        owner = "target" if self.ranking.event_id is None else "candidate"
        stood = RankedCandidate.objects.as_of(self.ranking)
        told = fullest(stood, programs_of(self.user), owner=owner)
        return self._seen(told).order_by("-log_weight", "target_id", "candidate__target__name")

    def _seen(self, places: QuerySet[RankedCandidate]) -> QuerySet[RankedCandidate]:
        if self.ranking.event_id is None:
            return places.filter(target__in=visible_targets(self.user))
        seen = seen_by(self.user).filter(event=self.ranking.event_id)
        return places.filter(candidate__in=seen.values("pk"))

    def chances(self, place: RankedCandidate) -> PastPlace:
        """What a place's weight was as a chance, or as a number."""
        weight = place.log_weight
        if self.ranking.by:
            return PastPlace(number=weight)
        ends = (
            self.scale.end(weight, end) for end in (place.log_weight_low, place.log_weight_high)
        )
        return PastPlace(self.scale.chance(weight), *ends)


def open_past(listing: Listing, user: User, *, when: datetime) -> PastList | None:
    """The list as it stood at a time; None: it was not ranked by then."""
    ranking = ranking_as_of(listing.owner, when)
    if ranking is None:
        return None
    rankings = rankings_of(listing.owner)
    earlier = rankings.filter(created__lt=ranking.created).first()
    later = rankings.filter(created__gt=ranking.created).last()
    return PastList(
        ranking=ranking,
        user=user,
        scale=scale_then(ranking, user),
        earlier=None if earlier is None else earlier.created,
        later=None if later is None else later.created,
    )


def read_rows(
    past: PastList, keys: Sequence[int], *, first: int
) -> tuple[list[str], list[PastRow]]:
    """Read these of `PastList.places`: the names of their terms, and a row for each.

    `first` is the rank of the first of them; the others follow it.
    """
    rows = RankedCandidate.objects.select_related("ranking", past.path).in_bulk(keys)
    places = [rows[key] for key in keys if key in rows]
    terms = [{term["name"]: term for term in place.read_terms()} for place in places]
    columns = list(dict.fromkeys(name for by_name in terms for name in by_name))
    targets = [target_of(place) for place in places]
    curves = read_curves(
        [target.pk for target in targets], past.user, stored_by=past.ranking.created
    )
    near = past.near(targets)
    event = past.ranking.event
    since = None if event is None else event.time
    return columns, [
        PastRow(
            rank=rank,
            member=place.candidate_id or target.pk,
            target=target,
            place=past.chances(place),
            terms=[by_name.get(name) for name in columns],
            sparkline=draw_sparkline(curves[target.pk], since=since),
            near=near.get(target.pk),
        )
        for rank, (place, target, by_name) in enumerate(
            zip(places, targets, terms, strict=True), start=first
        )
    ]


def target_of(place: RankedCandidate) -> BaseTarget:
    """The target of a place; its candidate, if it has one, was read with its target."""
    target: BaseTarget = (place.candidate or place).target  # type: ignore[assignment]  # one has it
    return target
