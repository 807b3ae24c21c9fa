"""Find an event's candidates by the filters of an address, in the order that it names."""

from collections.abc import Collection
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from django.http import QueryDict

from tom.candidates.models import EventCandidate
from tom.web.best_first import find_best
from tom.web.candidate_filters import choose, choose_unread
from tom.web.candidate_list import BEST_SHOWN, CandidateList, in_order
from tom.web.candidate_order import Turn, first_in_turn, is_long, some_in_turn
from tom.web.chances import openness_of
from tom.web.costs import cheapest_in_sql, worth_in_sql
from tom.web.kept_rows import filters_of
from tom.web.known import figure_of, standing_of
from tom.web.said import read_said
from tom.web.vettings import not_rejected

ORDERS = ("rank", "decide", "chance", "name", "level", "magnitude", "newest")
# Of a list as it opens so many times as many of the best are read: some lie outside of its region.
NEAR = 2
# Of very many candidates so many of those that tell the most are put in order by their costs, too:
# no index has what an observation costs.
PRICED = 300
# Those whose largest comes first; a minus before an order's name turns it round.
FALLING = {"decide", "chance", "newest"}
# A rank is the place by chance.
BEST_FIRST = (Turn("rank", falls=False), Turn("chance", falls=True))
NAMED_ORDERS = (
    ("", "best first"),
    ("decide", "observe to decide"),
    ("level", "credible level"),
    ("magnitude", "brightest"),
    ("newest", "seen last"),
)


def find_candidates(
    listing: CandidateList, query: QueryDict, *, kept: Collection[int] = ()
) -> QuerySet[EventCandidate]:
    """The candidates that the page's filters ask for, in its order.

    Those in `kept` stay, whatever the filters say.
    """
    rows = choose(listing, query, kept)
    return rows.order_by(*_order(_turn(query.get("order", "")), listing))


def find_first(
    listing: CandidateList, query: QueryDict, *, most: int, kept: Collection[int] = ()
) -> list[int]:
    """The keys of the first `most` of the candidates that `find_candidates` finds."""
    event, programs = listing.event, listing.programs
    turn = _turn(query.get("order", ""))
    if turn in BEST_FIRST and not kept and not filters_of(query):
        first = _first_without_filter(listing, most)
        if first is not None:
            return first
    rows = choose(listing, query, kept)
    if turn in BEST_FIRST:
        return [row.pk for row in find_best(rows, event, programs, most=most)]
    rows = rows.order_by(*_order(turn, listing))
    found = _first_in_turn(listing, rows, turn, most) if is_long(event) else None
    return list(rows.values_list("pk", flat=True)[:most]) if found is None else found[:most]


def _first_without_filter(listing: CandidateList, most: int) -> list[int] | None:
    """The first of a list as it opens: those in its region, and the best. Both by one search.

    None: too many of the first lie outside of the region.
    """
    level = standing_of("credible_level_2d", listing.programs)
    rows = listing.everything().filter(not_rejected(listing.vetting))
    size = NEAR * most
    found = find_best(rows, listing.event, listing.programs, most=size, more=[level])
    shown = [
        row.pk
        for at, row in enumerate(found)
        if (at < BEST_SHOWN and row.rank is not None)
        or (row.more[0] is not None and row.more[0] <= listing.level_shown)
    ]
    return shown[:most] if len(shown) >= most or len(found) < size else None


def _first_in_turn(
    listing: CandidateList, rows: QuerySet[EventCandidate], turn: Turn, most: int
) -> list[int] | None:
    programs = listing.programs
    is_priced = turn.name == "decide" and bool(listing.observers)
    if is_priced:
        most, rows = max(most, PRICED), rows.order_by(*_order(turn, listing, is_priced=False))
    figures = _column(turn.name, listing, is_priced=False), standing_of("rank", programs)
    found = first_in_turn(
        rows, listing.event, programs, turn, figures=figures, scale=listing.scale, most=most
    )
    if found is None or not is_priced:
        return found
    priced = rows.filter(pk__in=found[:PRICED]).order_by(*_order(turn, listing))
    return [*priced.values_list("pk", flat=True), *found[PRICED:]]


def find_page(
    listing: CandidateList, query: QueryDict, *, least: int, most: int, kept: Collection[int] = ()
) -> tuple[list[int], int]:
    """As `find_first`, for a page that needs `least`; and how many of the keys are cut into pages.

    Of another order than the best first, and of what brokers say, no more are sought than the page
    needs: to find ten pages takes long.
    """
    turn = _turn(query.get("order", ""))
    found = None
    if (turn not in BEST_FIRST or read_said(query)) and is_long(listing.event):
        rows = choose_unread(listing, query, kept)
        if turn in BEST_FIRST:
            found = _best_said(listing, rows, least)
        else:
            found = _first_in_turn(listing, rows.order_by(*_order(turn, listing)), turn, least)
    if found is None or len(found) < least:
        return find_first(listing, query, most=most + 1, kept=kept), most
    return found[: most + 1], min(len(found) - 1, most)


def _best_said(
    listing: CandidateList, rows: QuerySet[EventCandidate], least: int
) -> list[int] | None:
    rank, rows = standing_of("rank", listing.programs), in_order(rows, listing.programs)
    return some_in_turn(
        rows, listing.event, listing.programs, rank=rank, scale=listing.scale, least=least
    )


def is_by_worth(asked: str) -> bool:
    """Whether an order goes by what an observation would tell."""
    return asked.removeprefix("-") == "decide"


def order_choices(asked: str) -> list[tuple[str, str]]:
    """The orders to choose from, with that of a column where the address asks for it."""
    is_by_column = asked.removeprefix("-") in ORDERS and asked not in dict(NAMED_ORDERS)
    return [*NAMED_ORDERS, *([(asked, "as the columns say")] if is_by_column else [])]


def _priced(openness: Any, listing: CandidateList) -> Any:
    """What an observation tells for each minute of the quickest telescope."""
    magnitude, seen = (
        figure_of(name, "target", listing.programs) for name in ("last_magnitude", "last_detection")
    )
    minutes = cheapest_in_sql(listing.observers, magnitude=magnitude, seen=seen, now=listing.now)
    return worth_in_sql(openness, minutes)


def _turn(asked: str) -> Turn:
    """The order that an address names; a minus turns it round."""
    name = asked.removeprefix("-")
    if name not in ORDERS:
        return Turn("rank", falls=False)
    return Turn(name, falls=(name in FALLING) != asked.startswith("-"))


def _order(turn: Turn, listing: CandidateList, *, is_priced: bool = True) -> tuple[Any, ...]:
    """How the list is put in order, by what its reader knows.

    What is not known stays last either way. `is_priced`: what an observation costs counts, too.
    """
    column = _column(turn.name, listing, is_priced=is_priced)
    first = OrderBy(column, descending=turn.falls, nulls_last=True)
    # No two targets have one name: the rank decides nothing there.
    alike = turn.name in ("rank", "name")
    rank = [] if alike else [standing_of("rank", listing.programs).asc(nulls_last=True)]
    return first, *rank, F("target__name").asc()


def _column(name: str, listing: CandidateList, *, is_priced: bool = True) -> Any:
    programs = listing.programs
    match name:
        case "decide":
            weights = [standing_of(f"log_weight{end}", programs) for end in ("", "_low", "_high")]
            openness = openness_of(weights, listing.scale)
            return _priced(openness, listing) if is_priced and listing.observers else openness
        case "chance":
            return standing_of("log_weight", programs)
        case "name":
            # As an expression: along the index of names it would look for an event's few among all.
            return Coalesce(F("target__name"), Value(""))
        case "level":
            return standing_of("credible_level_2d", programs)
        case "magnitude":
            return figure_of("last_magnitude", "target", programs)
        case "newest":
            return figure_of("last_detection", "target", programs)
        case _:
            return standing_of("rank", programs)
