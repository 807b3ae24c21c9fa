"""What is new to a person in an event's list: where the candidates stood at their last look."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, Rank

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.scoring.models import RankedCandidate, Ranking
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

    By what the reader knows of them: ranks among all would tell of the others.
    """
    then = None if when is None else _ranking_at(event, when)
    if then is None:
        return {}
    shown = [row.pk for row in candidates]
    stood = fullest(RankedCandidate.objects.filter(ranking=then), programs)
    ranks = dict(stood.filter(candidate__in=shown).values_list("candidate", "rank"))
    if not ranks:
        return {}
    reached = stood.filter(candidate__in=seen, rank__lte=max(ranks.values()))
    rows = reached.alias(whole=F("ranking_id"), place=F("rank"))
    above = count_above([(then.pk, rank) for rank in ranks.values()], rows)
    return {pk: above[then.pk, rank] + 1 for pk, rank in ranks.items()}


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
    both, stood = _join_places(seen, then, programs)
    both = both.alias(
        place=standing_of("rank", programs),
        stood=stood,
        rank_now=Window(Rank(), order_by=F("place").asc(nulls_last=True)),
        rank_then=Window(Rank(), order_by=F("stood").asc(nulls_last=True)),
    )
    ranked = both.filter(place__isnull=False, stood__isnull=False)
    moved: QuerySet[Any, Any] = ranked.exclude(rank_now=F("rank_then")).order_by().values("pk")
    return moved


def _ranking_at(event: NonLocalizedEvent, when: datetime) -> Ranking | None:
    rankings = Ranking.objects.filter(event=event, created__lte=when)
    return rankings.order_by("-created", "-pk").first()


def _join_places(
    seen: QuerySet[EventCandidate], then: Ranking, programs: Collection[int]
) -> tuple[QuerySet[Any, Any], F | Coalesce]:
    """Join candidates with their places in a ranking; and the rank there, as a reader knows it."""
    public = Q(places__ranking=then, places__programs=[])
    rows = seen.alias(before=FilteredRelation("places", condition=public))
    if not programs:
        return rows, F("before__rank")
    theirs = Q(places__ranking=then, places__programs=list(programs))
    if len(programs) > 1:
        places = known_places(programs).filter(ranking=then).distinct("candidate")
        theirs = Q(places__in=Subquery(places.values("pk")))
    rows = rows.alias(before_own=FilteredRelation("places", condition=theirs))
    return rows, Coalesce(F("before_own__rank"), F("before__rank"))
