"""What is new to a person in an event's list: where the candidates stood at their last look."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet, Subquery, Window
from django.db.models.functions import Rank

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.scoring.models import Ranking
from tom.web.known import known_places, standing_of


def find_ranks(
    candidates: Sequence[EventCandidate],
    seen: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    programs: Collection[int],
    *,
    when: datetime | None,
) -> dict[int, int]:
    """The rank that each candidate had at a moment, among those that a reader sees now.

    By what the reader knows of them: ranks among all would tell of the others.
    """
    then = None if when is None else _ranking_at(event, when)
    if then is None:
        return {}
    stood = _join_places(seen, then, programs)
    own = stood.filter(pk__in=[row.pk for row in candidates], before__isnull=False)
    ranks = dict(own.values_list("pk", "before__rank"))
    if not ranks:
        return {}
    above = stood.filter(before__rank__lte=max(ranks.values())).order_by("before__rank")
    order = list(above.values_list("before__rank", flat=True))
    return {pk: bisect_left(order, rank) + 1 for pk, rank in ranks.items()}


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
    then = _ranking_at(event, when)
    if then is None:
        return None
    both = _join_places(seen, then, programs).alias(
        place=standing_of("rank", programs),
        rank_now=Window(Rank(), order_by=F("place").asc(nulls_last=True)),
        rank_then=Window(Rank(), order_by=F("before__rank").asc(nulls_last=True)),
    )
    ranked = both.filter(place__isnull=False, before__rank__isnull=False)
    moved: QuerySet[Any, Any] = ranked.exclude(rank_now=F("rank_then")).order_by().values("pk")
    return moved


def _ranking_at(event: NonLocalizedEvent, when: datetime) -> Ranking | None:
    rankings = Ranking.objects.filter(event=event, created__lte=when)
    return rankings.order_by("-created", "-pk").first()


def _join_places(
    seen: QuerySet[EventCandidate], then: Ranking, programs: Collection[int]
) -> QuerySet[Any, Any]:
    """Join candidates with their places in a ranking, as a reader of these programs knows them."""
    theirs = Q(places__ranking=then, places__programs=[])
    if programs:
        places = known_places(programs).filter(ranking=then).distinct("candidate")
        theirs = Q(places__in=Subquery(places.values("pk")))
    return seen.alias(before=FilteredRelation("places", condition=theirs))
