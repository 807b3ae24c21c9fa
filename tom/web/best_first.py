"""The first candidates of an event in their order, found by indexes, as their reader knows them."""

import math
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent


class Placed(NamedTuple):
    """A candidate's key, its rank among all (None: not ranked), its target's name; what else."""

    pk: int
    rank: int | None
    name: str
    more: tuple[Any, ...] = ()


def find_best(
    rows: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    programs: Collection[int],
    *,
    most: int,
    more: Sequence[Combinable] = (),
) -> list[Placed]:
    """The first `most` of an event's candidates, given by a query of `seen_by`, best first.

    Each with the values of `more`, expressions over that query.

    One index has the ranks by public points, another those of narrower audiences: for both at
    once the database would read and sort all candidates.
    """
    if not programs:
        return _first(rows, "rank", most, more)
    ranked = rows.alias(told_event=F("known__event"))
    told = ranked.filter(told_event=event.pk, known_rank__isnull=False)
    alike = ranked.filter(_is_alike(programs))
    both = [*_first(told, "known_rank", most, more), *_first(alike, "rank", most, more)]
    return sorted(both, key=_place)[:most]


def _is_alike(programs: Collection[int]) -> Q:
    """Ask for candidates of which a reader of these programs knows no other rank than everybody.

    Of one program by its rows: of the joined table the database would guess that hardly any fits.
    """
    if len(programs) > 1:
        return Q(known_rank__isnull=True)
    own = CandidateStanding.objects.filter(candidate=OuterRef("pk"), programs=list(programs))
    return ~Q(Exists(own.filter(rank__isnull=False)))


def _first(
    rows: QuerySet[EventCandidate], column: str, most: int, more: Sequence[Combinable]
) -> list[Placed]:
    in_order = rows.order_by(F(column).asc(nulls_last=True), "target__name")
    found = in_order.values_list("pk", F(column), "target__name", *more)[:most]
    return [Placed(pk, rank, name, tuple(rest)) for pk, rank, name, *rest in found]


def _place(row: Placed) -> tuple[float, str]:
    return math.inf if row.rank is None else row.rank, row.name
