"""The first candidates of an event in their order, found by indexes, as their reader knows them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import Given

# No two have one rank. Who has none comes last, as they were made: no target is read for its name.
IN_ORDER = (F("place").asc(nulls_last=True), "pk")


class Placed(NamedTuple):
    """A candidate's key, its rank among all (None: not ranked), and what else was asked for."""

    pk: int
    rank: int | None
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
    """
    return placed(best_first(rows, event.pk, programs, most=most, more=more))


def placed(found: Iterable[tuple[Any, ...]]) -> list[Placed]:
    """The rows of `best_first`."""
    return [Placed(pk, rank, tuple(rest)) for pk, rank, *rest in found]


def best_first(
    rows: QuerySet[EventCandidate],
    event: int | Given,
    programs: Collection[int],
    *,
    most: int,
    more: Sequence[Combinable] = (),
) -> QuerySet[EventCandidate, Any]:
    """As `find_best`, as a query.

    One index has the ranks by public points, another those of narrower audiences: of one query for
    both the database would read and sort all candidates. It puts the first of each together.
    """
    if not programs:
        together = _in_order(rows, "rank", more)
    else:
        ranked = rows.alias(told_event=F("known__event"))
        told = ranked.filter(told_event=event, known_rank__isnull=False)
        parts = (told, "known_rank"), (ranked.filter(_is_alike(programs)), "rank")
        one, other = (_in_order(part, column, more)[:most] for part, column in parts)
        together = one.union(other, all=True).order_by(*IN_ORDER)
    return together[:most]


def _is_alike(programs: Collection[int]) -> Q:
    """Ask for candidates of which a reader of these programs knows no other rank than everybody.

    Of one program by its rows: of the joined table the database would guess that hardly any fits.
    """
    if len(programs) > 1:
        return Q(known_rank__isnull=True)
    own = CandidateStanding.objects.filter(candidate=OuterRef("pk"), programs=list(programs))
    return ~Q(Exists(own.filter(rank__isnull=False)))


def _in_order(
    rows: QuerySet[EventCandidate], column: str, more: Sequence[Combinable]
) -> QuerySet[EventCandidate, Any]:
    rest = {f"more_{at}": value for at, value in enumerate(more)}
    placed = rows.annotate(place=F(column), **rest)
    return placed.order_by(*IN_ORDER).values_list("pk", "place", *rest)
