"""The list of targets in the order of a strategy's list; whom that does not rank comes after."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.contrib.auth.models import User
from django.core.paginator import Page
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from tom_targets.base_models import BaseTarget

from tom.kept_queries import AnyOf, Given, kept_query
from tom.ranking.models import RankedCandidate
from tom.strategies.models import Strategy
from tom.strategies.services import list_of
from tom.web.candidate_order import one_of
from tom.web.keys import read_pk
from tom.web.known import programs_of, read_targets
from tom.web.lists import first_places
from tom.web.pagination import MOST_COUNTED, PER_PAGE, page_asked, page_of
from tom.web.target_order import WINDOW, count_public, in_turn, others_in_turn

LIST = "list-"
"""An order of the list of targets begins so, and goes on with the key of a strategy."""
OTHERS = "seen"
"""The order of targets that a list does not rank."""


# So many pages of a list are found behind the one that is shown.
PAGES_AHEAD = 9


class Standing(NamedTuple):
    """The rank of a target in a list among what its reader may see, and its place there."""

    rank: int
    place: RankedCandidate


def strategy_asked(order: str, user: User) -> Strategy | None:
    """The strategy whose list an order names; None: it names none that the user may see."""
    key = read_pk(order.removeprefix(LIST)) if order.startswith(LIST) else None
    return None if key is None else list_of(key, user)


def page_by_list(
    request: HttpRequest,
    rows: QuerySet[BaseTarget],
    strategy: Strategy,
    user: User,
    *,
    which: Q,
    is_ranked_only: bool,
) -> tuple[Page[BaseTarget], dict[int, Standing]]:
    """The page of targets of `join_summaries` in a list's order, and how each of them stands.

    `which` is a filter; it is empty where all `rows` are asked for. Where enough of the list's
    first targets fit it, no more are asked. Of more than `MOST_COUNTED` that fit, those alone are
    shown that the list ranks. Without a filter no more of the list is read than stands before the
    page's end, and some pages ahead where it ends with the list.
    """
    last = min(PER_PAGE * page_asked(request), MOST_COUNTED)
    ahead = PER_PAGE * PAGES_AHEAD if is_ranked_only else 0
    if which:
        least = last + 2  # a next page, and more
        ranked = _ranked(strategy, user, most=WINDOW * least)
        near = _fitting_in_order(rows, ranked, which)
        if len(near) >= least:
            most = min(len(near) - 1, MOST_COUNTED)
            page = page_of(request, near, per_page=PER_PAGE, most=most)
            return _read(page, user, list(page), ranked)
    size = MOST_COUNTED if which else min(last + ahead, MOST_COUNTED)
    ranked = _ranked(strategy, user, most=size + 1)
    if which:
        found = _fitting(rows, ranked, which, user, only=is_ranked_only)
        page = page_of(request, found, per_page=PER_PAGE)
        keys: Sequence[int] = list(page)
    elif is_ranked_only:
        page = page_of(request, list(ranked), per_page=PER_PAGE, most=size)
        keys = list(page)
    else:
        ordered = rows.order_by("name")
        page = page_of(request, ordered, per_page=PER_PAGE, known=count_public(user))
        keys = _part(list(ranked), user, last=page.number * PER_PAGE)
    return _read(page, user, keys, ranked)


def _ranked(strategy: Strategy, user: User, *, most: int) -> dict[int, int]:
    """The first targets of a list and their places there, by their keys; in order."""
    return {target: pk for pk, target in first_places(strategy, user, most=most)}


def _read(
    page: Page[BaseTarget], user: User, keys: Sequence[int], ranked: dict[int, int]
) -> tuple[Page[BaseTarget], dict[int, Standing]]:
    """Put the targets with these keys on the page, and tell how each stands in the list."""
    page.object_list = read_targets(keys, user)
    return page, _standings(ranked, keys)


def _fitting_in_order(rows: QuerySet[BaseTarget], ranked: Collection[int], which: Q) -> list[int]:
    """The keys of some ranked targets that fit a filter, as they are ranked."""
    fitting = rows.filter(which, pk__in=one_of(ranked)).order_by()
    found = set(fitting.values_list("pk", flat=True))
    return [key for key in ranked if key in found]


def _part(ranked: Sequence[int], user: User, *, last: int) -> Sequence[int]:
    """The keys of one page of all targets: those that are ranked, then the others.

    Of the others no more are read than stand before the page's end, by the index of their order.
    """
    first = last - PER_PAGE
    if len(ranked) >= last:
        return ranked[first:last]
    first, missing = max(first - len(ranked), 0), last - len(ranked)
    near = others_in_turn(user, OTHERS, but=ranked, first=first, last=missing)
    return [*ranked[last - PER_PAGE : last], *near]


def _fitting(
    rows: QuerySet[BaseTarget], ranked: dict[int, int], which: Q, user: User, *, only: bool
) -> list[int]:
    """The keys of all that fit a filter, those that are ranked first."""
    fitting = rows.filter(which).order_by().values_list("pk", flat=True)
    found = set(fitting[: MOST_COUNTED + 1])
    if len(found) > MOST_COUNTED:
        return _fitting_in_order(rows, ranked, which)
    first = [key for key in ranked if key in found]
    others = found.difference(first)
    if only or not others:
        return first
    in_order = rows.filter(pk__in=one_of(others)).order_by(*in_turn(OTHERS, programs_of(user)))
    return [*first, *in_order.values_list("pk", flat=True)]


def _standings(ranked: dict[int, int], keys: Sequence[int]) -> dict[int, Standing]:
    ranks = {key: rank for rank, key in enumerate(ranked, start=1)}
    chosen = [ranked[key] for key in keys if key in ranked]
    places = {row.pk: row for row in _places(keys=chosen)}
    return {
        key: Standing(ranks[key], places[ranked[key]])
        for key in keys
        if key in ranked and ranked[key] in places
    }


@kept_query
def _places(*, keys: Given) -> QuerySet[RankedCandidate]:
    rows = RankedCandidate.objects.filter(AnyOf("pk", keys)).order_by()
    return rows.select_related("ranking").defer("ranking__basis")
