"""Find an event's candidates by the filters of an address, in the order that it names."""

from collections.abc import Collection
from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.db.models.expressions import Combinable, OrderBy
from django.http import QueryDict

from tom.candidates.models import EventCandidate
from tom.web.best_first import find_best
from tom.web.candidate_filters import Chosen, choose
from tom.web.candidate_list import BEST_SHOWN, CandidateList, in_order
from tom.web.candidate_order import Row, Turn, first_in_turn, is_long, named, some_in_turn
from tom.web.chances import openness_of
from tom.web.costs import faded, worth_a_minute
from tom.web.kept_rows import filters_of
from tom.web.known import figure_of, rank_visible, standing_of
from tom.web.places import ALL_RANKED
from tom.web.said import read_said

ORDERS = ("rank", "decide", "chance", "name", "level", "magnitude", "newest")
# Of a list as it opens so many times as many of the best are read: some lie outside of its region.
NEAR = 2
# Of very many candidates so many of those that tell the most are put in order by their costs, too:
# no index has what an observation costs.
PRICED = 150
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

    Those in `kept` stay, whatever the filters say. What an observation costs counts for nothing.
    """
    rows = choose(listing, query, kept).rows
    return rows.order_by(*_order(_turn(listing, query), listing))


def read_found(listing: CandidateList, query: QueryDict) -> list[EventCandidate]:
    """All that the page's filters ask for, in its order, as the list's reader knows them."""
    rows = find_candidates(listing, query)
    joined = rows.select_related("target", "target__summary")
    found = rank_visible(joined, listing.user, most=ALL_RANKED)
    turn = _turn(listing, query)
    if not _is_priced(turn, listing):
        return found
    place = {pk: at for at, pk in enumerate(_all_by_price(rows, turn, listing))}
    return sorted(found, key=lambda row: place.get(row.pk, len(place)))


def find_first(
    listing: CandidateList, query: QueryDict, *, most: int, kept: Collection[int] = ()
) -> list[int]:
    """The keys of the first `most` of the candidates that `find_candidates` finds."""
    turn = _turn(listing, query)
    if turn in BEST_FIRST and not kept and not filters_of(query):
        first = _first_without_filter(listing, most)
        if first is not None:
            return first
    chosen = choose(listing, query, kept)
    if turn not in BEST_FIRST and not chosen.is_few and is_long(listing.event):
        found = _first_in_turn(listing, chosen.rows, turn, most)
        if found is not None:
            return found[:most]
    return _first_of_all(listing, chosen, turn, most)


def _first_of_all(listing: CandidateList, chosen: Chosen, turn: Turn, most: int) -> list[int]:
    """The first of the chosen candidates, where all of them are put in order."""
    if turn in BEST_FIRST:
        best = find_best(chosen.rows, listing.event, listing.programs, most=most)
        return [row.pk for row in best]
    if _is_priced(turn, listing):
        return _all_by_price(chosen.rows, turn, listing)[:most]
    rows = chosen.rows.order_by(*_order(turn, listing))
    return list(rows.values_list("pk", flat=True)[:most])


def _first_without_filter(listing: CandidateList, most: int) -> list[int] | None:
    """The first of a list as it opens: those in its region, and the best. Both by one search.

    None: too many of the first lie outside of the region.
    """
    level = standing_of("credible_level_2d", listing.programs)
    size = NEAR * most
    found = listing.best_unrejected(size, more=(level,))
    shown = [
        row.pk
        for at, row in enumerate(found)
        if (at < BEST_SHOWN and row.rank is not None)
        or (row.more[0] is not None and row.more[0] <= listing.level_shown)
    ]
    return shown[:most] if len(shown) >= most or len(found) < size else None


def _first_in_turn(
    listing: CandidateList, chosen: QuerySet[EventCandidate], turn: Turn, most: int
) -> list[int] | None:
    rows = chosen.order_by(*_order(turn, listing))
    programs, is_priced = listing.programs, _is_priced(turn, listing)
    if is_priced:
        most = max(most, PRICED)
    figures = _column(turn.name, listing), standing_of("rank", programs)
    found = first_in_turn(
        rows,
        listing.event,
        programs,
        turn,
        figures=figures,
        scale=listing.scale,
        most=most,
        more=_costing(turn, listing) if is_priced else (),
    )
    if found is None:
        return None
    n_priced = PRICED if is_priced else 0
    return [
        *_by_price(found[:n_priced], turn, listing),
        *(pk for pk, *_ in found[n_priced:]),
    ]


def _is_priced(turn: Turn, listing: CandidateList) -> bool:
    """Whether an order goes by what an observation costs, too."""
    return turn.name == "decide" and bool(listing.observers)


def _all_by_price(rows: QuerySet[EventCandidate], turn: Turn, listing: CandidateList) -> list[int]:
    """The keys of all of these candidates, as of `_by_price`."""
    rows = rows.order_by(*_order(turn, listing))
    return _by_price(rows.values_list("pk", *_costing(turn, listing)), turn, listing)


def _costing(turn: Turn, listing: CandidateList) -> tuple[Combinable, ...]:
    """What `_by_price` goes by: what an observation tells, and how bright it was when."""
    programs = listing.programs
    return (
        _column(turn.name, listing),
        figure_of("last_magnitude", "target", programs),
        figure_of("last_detection", "target", programs),
    )


def _by_price(read: Collection[Row], turn: Turn, listing: CandidateList) -> list[int]:
    """The keys of candidates by what a minute of the quickest telescope tells of them.

    Each is read with `_costing`. Those alike stay in their order.
    """
    if not read:
        return []
    keys, openness, magnitudes, seen = zip(*read, strict=True)
    by_now = faded(magnitudes, seen, now=listing.now)
    worth = worth_a_minute(openness, by_now, listing.observers)
    # What is not known, NaN, is last either way.
    places = np.argsort(-worth if turn.falls else worth, kind="stable")
    return [keys[at] for at in places]


def find_page(
    listing: CandidateList, query: QueryDict, *, least: int, most: int, kept: Collection[int] = ()
) -> tuple[list[int], int]:
    """As `find_first`, for a page that needs `least`; and how many of the keys are cut into pages.

    Of another order than the best first, and of what brokers say, no more are sought than the page
    needs: to find ten pages takes long.
    """
    turn = _turn(listing, query)
    if (turn in BEST_FIRST and not read_said(query)) or not is_long(listing.event):
        return find_first(listing, query, most=most + 1, kept=kept), most
    chosen, found = choose(listing, query, kept), None
    if turn not in BEST_FIRST and not chosen.is_few:
        found = _first_in_turn(listing, chosen.rows, turn, least)
    elif not chosen.is_few:
        found = _best_said(listing, chosen.rows, least)
    if found is None or len(found) < least:
        return _first_of_all(listing, chosen, turn, most + 1), most
    return found[: most + 1], min(len(found) - 1, most)


def _best_said(
    listing: CandidateList, rows: QuerySet[EventCandidate], least: int
) -> list[int] | None:
    rank, rows = standing_of("rank", listing.programs), in_order(rows, listing.programs)
    return some_in_turn(
        rows, listing.event, listing.programs, rank=rank, scale=listing.scale, least=least
    )


def is_by_worth(listing: CandidateList, asked: str) -> bool:
    """Whether an order goes by what an observation would tell; of a settled list none does."""
    return _is_to_decide(asked) and not listing.is_settled


def order_of(listing: CandidateList, asked: str) -> str:
    """The order of an address; "", the best first, where it is none of this list."""
    return "" if _is_to_decide(asked) and listing.is_settled else asked


def order_choices(listing: CandidateList, asked: str) -> list[tuple[str, str]]:
    """The orders to choose from, with that of a column where the address asks for it."""
    asked = order_of(listing, asked)
    is_by_column = asked.removeprefix("-") in ORDERS and asked not in dict(NAMED_ORDERS)
    named = [each for each in NAMED_ORDERS if order_of(listing, each[0]) == each[0]]
    return [*named, *([(asked, "as the columns say")] if is_by_column else [])]


def _is_to_decide(asked: str) -> bool:
    return asked.removeprefix("-") == "decide"


def _turn(listing: CandidateList, query: QueryDict) -> Turn:
    """The order that an address names; a minus turns it round."""
    asked = order_of(listing, query.get("order", ""))
    name = asked.removeprefix("-")
    if name not in ORDERS:
        return Turn("rank", falls=False)
    return Turn(name, falls=(name in FALLING) != asked.startswith("-"))


def _order(turn: Turn, listing: CandidateList) -> tuple[Any, ...]:
    """How the list is put in order, by what its reader knows.

    What is not known stays last either way.
    """
    column = _column(turn.name, listing)
    first = OrderBy(column, descending=turn.falls, nulls_last=True)
    # No two targets have one name: the rank decides nothing there.
    is_settled = turn.name in ("rank", "name")
    rank = [] if is_settled else [standing_of("rank", listing.programs).asc(nulls_last=True)]
    return first, *rank, "pk"


def _column(name: str, listing: CandidateList) -> Any:
    programs = listing.programs
    match name:
        case "decide":
            weights = [standing_of(f"log_weight{end}", programs) for end in ("", "_low", "_high")]
            return openness_of(weights, listing.scale)
        case "chance":
            return standing_of("log_weight", programs)
        case "name":
            return named()
        case "level":
            return standing_of("credible_level_2d", programs)
        case "magnitude":
            return figure_of("last_magnitude", "target", programs)
        case "newest":
            return figure_of("last_detection", "target", programs)
        case _:
            return standing_of("rank", programs)
