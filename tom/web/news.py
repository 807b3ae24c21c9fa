"""What is new to a person in an event's list: where the candidates stood at their last look."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import Coalesce, Rank

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.services import ranking_as_of
from tom.web.known import fullest, known_places, standing_of
from tom.web.places import count_above


def find_ranks(
    candidates: Sequence[EventCandidate],
    seen: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    programs: Collection[int],
    *,
    when: datetime | None,
) -> dict[int, int]:
    """The rank that each candidate had at a moment, among those that a reader sees now.

    By what the reader knows of them: ranks among all would tell of the others. Of those with one
    chance the name decides, as in the ranking.
    """
    then = None if when is None else ranking_as_of(event, when)
    if then is None:
        return {}
    stood = fullest(RankedCandidate.objects.as_of(then), programs)
    return _places(stood, seen, [row.pk for row in candidates])


def _places(
    stood: QuerySet[RankedCandidate], seen: QuerySet[EventCandidate], shown: Sequence[int]
) -> dict[int, int]:
    """The place of each shown candidate among those seen, by the chance that it stood with."""
    columns = ("candidate", "posterior", "candidate__target__name")
    held = {
        pk: (chance, name)
        for pk, chance, name in stood.filter(candidate__in=shown).values_list(*columns)
    }
    if not held:
        return {}
    chances = {chance for chance, _ in held.values()}
    reached = stood.filter(candidate__in=seen, posterior__gte=min(chances))
    above = count_above(
        [("", -chance) for chance in chances],
        reached.alias(whole=Value(""), place=-F("posterior")),
    )
    alike: dict[float, list[str]] = defaultdict(list)
    for _, chance, name in reached.filter(posterior__in=chances).values_list(*columns):
        alike[chance].append(name)
    for names in alike.values():
        names.sort()
    return {
        pk: above["", -chance] + bisect_left(alike[chance], name) + 1
        for pk, (chance, name) in held.items()
    }


def find_moved(
    seen: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    programs: Collection[int],
    *,
    when: datetime,
) -> QuerySet[Any, Any] | None:
    """Those among what a reader sees whose rank is another than at a moment; None: not known.

    Ranks count what the reader sees, now and then.
    """
    then = ranking_as_of(event, when)
    if then is None:
        return None
    both, stood = _join_places(seen, then, programs)
    both = both.alias(
        place=standing_of("posterior", programs),
        stood=stood,
        rank_now=Window(Rank(), order_by=[F("place").desc(nulls_last=True), "target__name"]),
        rank_then=Window(Rank(), order_by=[F("stood").desc(nulls_last=True), "target__name"]),
    )
    ranked = both.filter(place__isnull=False, stood__isnull=False)
    moved: QuerySet[Any, Any] = ranked.exclude(rank_now=F("rank_then")).order_by().values("pk")
    return moved


def _join_places(
    seen: QuerySet[EventCandidate], then: Ranking, programs: Collection[int]
) -> tuple[QuerySet[Any, Any], F | Coalesce]:
    """Join candidates with their places in a ranking; and the rank there, as a reader knows it."""
    held = Q(places__until=None) | Q(places__until__gt=then.pk)
    held &= Q(places__ranking__lte=then.pk)
    public = held & Q(places__programs=[])
    rows = seen.alias(before=FilteredRelation("places", condition=public))
    if not programs:
        return rows, F("before__posterior")
    theirs = held & Q(places__programs=list(programs))
    if len(programs) > 1:
        places = known_places(RankedCandidate.objects.as_of(then), programs).distinct("candidate")
        theirs = Q(places__in=Subquery(places.values("pk")))
    rows = rows.alias(before_own=FilteredRelation("places", condition=theirs))
    return rows, Coalesce(F("before_own__posterior"), F("before__posterior"))
