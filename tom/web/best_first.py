"""The first candidates of an event in their order, found by indexes, as their reader knows them."""

import math
from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent


class Placed(NamedTuple):
    """A candidate's key, its rank among all (None: not ranked), and its target's name."""

    pk: int
    rank: int | None
    name: str


def find_best(
    rows: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    programs: Collection[int],
    *,
    most: int,
) -> list[Placed]:
    """The first `most` of an event's candidates, given by a query of `seen_by`, best first.

    One index has the ranks by public points, another those of narrower audiences: for both at
    once the database would read and sort all candidates.
    """
    if not programs:
        return _first(rows, "rank", most)
    ranked = rows.alias(told_event=F("known__event"))
    told = ranked.filter(told_event=event.pk, known_rank__isnull=False)
    alike = ranked.filter(_is_alike(programs))
    both = [*_first(told, "known_rank", most), *_first(alike, "rank", most)]
    return sorted(both, key=_place)[:most]


def _is_alike(programs: Collection[int]) -> Q:
    """Ask for candidates of which a reader of these programs knows no other rank than everybody.

    Of one program by its rows: of the joined table the database would guess that hardly any fits.
    """
    if len(programs) > 1:
        return Q(known_rank__isnull=True)
    own = CandidateStanding.objects.filter(candidate=OuterRef("pk"), programs=list(programs))
    return ~Q(Exists(own.filter(rank__isnull=False)))


def _first(rows: QuerySet[EventCandidate], column: str, most: int) -> list[Placed]:
    in_order = rows.order_by(F(column).asc(nulls_last=True), "target__name")
    return [Placed(*row) for row in in_order.values_list("pk", F(column), "target__name")[:most]]


def _place(row: Placed) -> tuple[float, str]:
    return math.inf if row.rank is None else row.rank, row.name
