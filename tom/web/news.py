"""What is new to a person in an event's list: where the candidates stood at their last look."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, Rank

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.services import ranking_as_of
from tom.web.known import known_places, standing_of

MOST_RANKED = 1000
BEYOND = MOST_RANKED + 1


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
    chance the name decides, as in the ranking. Whoever stood below the first `MOST_RANKED` places
    has the rank `BEYOND`: to count all that stood above takes long.
    """
    then = None if when is None else ranking_as_of(event, when)
    if then is None:
        return {}
    stood = RankedCandidate.objects.as_of(then)
    first = stood.filter(programs__contained_by=list(programs)).order_by("-posterior")
    counted = list(first.values_list("candidate", "posterior")[:MOST_RANKED])
    # What stands below the last of them was not read, nor all that stand with it.
    floor = counted[-1][1] if len(counted) == MOST_RANKED else -1.0
    places = _standings(stood, {pk for pk, _ in counted}, programs)
    visible = seen.filter(pk__in=list(places)).order_by().values_list("pk", flat=True)
    order = sorted(places[pk] for pk in visible)
    shown = _standings(stood, {row.pk for row in candidates}, programs)
    return {
        pk: bisect_left(order, place) + 1 if -place[0] > floor else BEYOND
        for pk, place in shown.items()
    }


def _standings(
    stood: QuerySet[RankedCandidate], ids: Collection[int], programs: Collection[int]
) -> dict[int, tuple[float, str]]:
    """By what each of these candidates was put in order, as a reader of these programs knows it."""
    rows = known_places(stood.filter(candidate__in=ids), programs).distinct("candidate")
    columns = ("candidate", "posterior", "candidate__target__name")
    return {pk: (-chance, name) for pk, chance, name in rows.values_list(*columns)}


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
