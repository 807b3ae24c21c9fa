"""The orders of the list of targets, and its first targets as a reader knows them."""

import math
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.core.paginator import Page
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from tom_targets.base_models import BaseTarget

from tom.kept_queries import AnyOf, Given, kept_query
from tom.targets.models import PUBLIC, Audience, AudienceSummary, TargetSummary
from tom.targets.visible import PRIVATE
from tom.web.candidate_order import of_readers, one_of
from tom.web.known import figure_of, programs_of
from tom.web.pagination import MOST_COUNTED, PER_PAGE, page_asked, page_of


class Order(NamedTuple):
    """A figure of a target's summary that a list is put in order by; what is not known is last."""

    figure: str
    falls: bool


ORDERS = {
    "seen": Order("last_detection", falls=True),
    "new": Order("first_detection", falls=True),
    "bright": Order("last_magnitude", falls=False),
}
BY_NAME = "name"
# So many are asked, in their order, whether they fit a filter, for one that is shown; where too few
# of them fit, so many times as many, and at most `MOST_ASKED` of each part.
WINDOW = 4
MOST_ASKED = 20_000
# Of more targets that fit, the figures are put in turn before the targets are read.
FEW_SORTED = 1_000
# A target's key, its name and its figure.
Row = tuple[int, str, Any]


def in_turn(asked: str, programs: Collection[int]) -> tuple[Any, ...]:
    """How targets of `join_summaries` are put in order: as the address asks, else seen last."""
    if asked == BY_NAME:
        return ("name",)
    order = _order(asked)
    figure = figure_of(order.figure, "pk", programs)
    return OrderBy(figure, descending=order.falls, nulls_last=True), "name"


def page_in_turn(
    request: HttpRequest,
    rows: QuerySet[BaseTarget],
    asked: str,
    *,
    which: Q,
    name: str,
    few: Collection[int] | None = None,
) -> Page[Any]:
    """The page of those targets of `join_summaries` that fit a filter, in the order asked for.

    `rows` are in that order, and bear `name` where one is sought. Where enough of the first in
    turn fit, no more are counted. Else all are asked: of a few all are sorted, of many the first
    are found by `find_first`. `few` are the keys of all that fit, if they are few and known.
    """
    programs = programs_of(request.user)
    if not which:
        page = page_of(request, rows, known=count_public(rows) if programs else 0)
        # Of few targets with a name all are sorted at once.
        if not name and asked != BY_NAME:
            page.object_list = find_first(rows, asked, programs, which=which, **_part(page))
        return page
    has_turn = not name and asked != BY_NAME
    least = min(PER_PAGE * page_asked(request), MOST_COUNTED) + 2  # a next page, and more
    near = _nearest(rows, asked, programs, which, least, few) if has_turn else None
    if near is not None:
        page = page_of(request, near, most=min(len(near) - 1, MOST_COUNTED))
        page.object_list = _read(rows, list(page))
        return page
    fitting = list(_placed(rows, asked, programs).filter(which).order_by()[: MOST_COUNTED + 1])
    is_few = len(fitting) <= MOST_COUNTED
    if is_few and has_turn:
        fitting.sort(key=lambda row: _turn(row, falls=_order(asked).falls))
    keys = [pk for pk, *_ in fitting]
    page = page_of(request, keys)
    part = _part(page)
    if is_few and has_turn:
        page.object_list = _read(rows, list(page))
    elif is_few:
        page.object_list = rows.filter(pk__in=keys)[part["first"] : part["last"]]
    elif has_turn:
        page.object_list = find_first(rows, asked, programs, which=which, **part)
    else:
        page.object_list = rows.filter(which)[part["first"] : part["last"]]
    return page


def _nearest(
    rows: QuerySet[BaseTarget],
    asked: str,
    programs: Collection[int],
    which: Q,
    least: int,
    few: Collection[int] | None,
) -> list[int] | None:
    """The first that fit, `least` or more, if they are found among the first; else None."""
    if few is None:
        return _near(rows, asked, programs, which, least)
    found = _first_of_few(rows, few, asked, programs, least) if len(few) > FEW_SORTED else []
    return found if len(found) >= least else None


def _first_of_few(
    rows: QuerySet[BaseTarget],
    few: Collection[int],
    asked: str,
    programs: Collection[int],
    least: int,
) -> list[int]:
    """The first of some thousand targets in turn, as far as they are known.

    Their figures alone are read of all: to join each with its target takes four times as long.
    """
    turn, size = _order(asked), WINDOW * least
    near = [
        _figures(part, turn, size, keys=list(few))
        for part in (PUBLIC, *([tuple(programs)] if programs else []))
    ]
    keys = {key for part in near for key, _ in part}
    read = _placed(rows, asked, programs).filter(pk__in=one_of(keys))
    placed = sorted((*_turn(row, falls=turn.falls), row[0]) for row in read)
    ends = [_turn((0, "", part[-1][1]), falls=turn.falls) for part in near if len(part) == size]
    end = min(ends, default=None)
    return [row[-1] for row in placed if end is None or row[:2] < end[:2]]


@kept_query
def _figures(programs: Audience, turn: Order, size: int, *, keys: Given) -> QuerySet[Any, Any]:
    """The figures of some targets in turn: those that everybody knows, or those of programs."""
    if programs:
        rows = of_readers(AudienceSummary.objects.all(), programs)
        rows = rows.filter(AnyOf("target", keys), (f"{turn.figure}__isnull", False))
    else:
        rows = TargetSummary.objects.filter(AnyOf("pk", keys))
    # As an expression: along the index of figures the database would look for few among all.
    figure = Coalesce(F(turn.figure), F(turn.figure))
    in_turn = rows.order_by(OrderBy(figure, descending=turn.falls, nulls_last=True))
    return in_turn.values_list("target", turn.figure)[:size]


def _placed(
    rows: QuerySet[BaseTarget], asked: str, programs: Collection[int]
) -> QuerySet[BaseTarget, Row]:
    """The targets of `join_summaries` with the figure that they are put in order by."""
    figure = figure_of(_order(asked).figure, "pk", programs)
    return rows.annotate(place=figure).values_list("pk", "name", "place")


def count_public(rows: QuerySet[BaseTarget]) -> int:
    """How many of some targets are public: if they are enough, no right is looked up to count."""
    return rows.filter(~PRIVATE).order_by()[: MOST_COUNTED + 1].count()


def _part(page: Page[Any]) -> dict[str, int]:
    """Where a page's rows stand in the list."""
    last = page.number * PER_PAGE
    return {"first": last - PER_PAGE, "last": last}


def find_first(
    rows: QuerySet[BaseTarget],
    asked: str,
    programs: Collection[int],
    *,
    first: int,
    last: int,
    which: Q = Q(),  # noqa: B008  nobody changes it
) -> list[BaseTarget]:
    """Some of the targets of `join_summaries`, in an order, as the reader of programs knows them.

    An index has the order of those that the reader's own summaries tell, another that of the
    rest: for both at once the database would read and sort all targets. Of `which`, a filter, the
    first targets of each are asked; where too few of very many fit, all that fit are sorted.
    """
    parts = _parts_in_turn(rows, asked, programs)
    if not which:
        keys = _keys_between(parts, asked, first=first, last=last)
    else:
        fitting = _first_fitting(parts, asked, last=last, which=which)
        found = _sorted_keys(rows, asked, programs, which) if fitting is None else fitting
        keys = list(found[first:last])
    return _read(rows, keys)


def keys_in_turn(
    rows: QuerySet[BaseTarget], asked: str, programs: Collection[int], *, first: int, last: int
) -> list[int]:
    """The keys of some of the targets of `join_summaries` in an order; not that of names."""
    return _keys_between(_parts_in_turn(rows, asked, programs), asked, first=first, last=last)


def _read(rows: QuerySet[BaseTarget], keys: Sequence[int]) -> list[BaseTarget]:
    read = rows.in_bulk(keys)
    return [read[pk] for pk in keys if pk in read]


def _parts_in_turn(
    rows: QuerySet[BaseTarget], asked: str, programs: Collection[int]
) -> list[QuerySet[BaseTarget, Row]]:
    """The targets in turn, in one part for each way in which the reader knows their figure."""
    figure, _ = _order(asked)
    columns = ("pk", "name", "place")
    return [
        rows.filter(part)
        .annotate(place=F(column))
        .order_by(*_in_place(asked))
        .values_list(*columns)
        for part, column in _parts(figure, programs)
    ]


def _in_place(asked: str) -> tuple[Any, ...]:
    return OrderBy(F("place"), descending=_order(asked).falls, nulls_last=True), "name"


def _keys_between(
    parts: Sequence[QuerySet[BaseTarget, Row]], asked: str, *, first: int, last: int
) -> list[int]:
    """Some of the targets of all parts in turn: the database puts the first of each together."""
    one, *others = (part[:last] for part in parts)
    together = one.union(*others, all=True).order_by(*_in_place(asked)) if others else one
    return [pk for pk, _, _ in together[first:last]]


def _first_fitting(
    parts: Sequence[QuerySet[BaseTarget, Row]], asked: str, *, last: int, which: Q
) -> list[int] | None:
    """The first `last` targets or more that fit; None: too few among those that are asked.

    So many of each part are asked at a time. As far as each was read, all that fit are known:
    behind the place where the first of them ended one of it may stand anywhere.
    """
    falls, size = _order(asked).falls, WINDOW * last
    while size <= max(MOST_ASKED, WINDOW * last):
        known, is_all = _known(parts, size, falls=falls, which=which)
        if is_all or len(known) >= last:
            return known
        size *= WINDOW
    return None


def _near(
    rows: QuerySet[BaseTarget], asked: str, programs: Collection[int], which: Q, least: int
) -> list[int] | None:
    """The first that fit, `least` or more, if they are among the first of all; else None.

    More are asked once, where they are likely to be enough.
    """
    parts, falls = _parts_in_turn(rows, asked, programs), _order(asked).falls
    known, is_all = _known(parts, WINDOW * least, falls=falls, which=which)
    if not is_all and len(known) < least <= WINDOW * len(known):
        known, is_all = _known(parts, WINDOW**2 * least, falls=falls, which=which)
    return known if len(known) >= least else None


def _known(
    parts: Sequence[QuerySet[BaseTarget, Row]], size: int, *, falls: bool, which: Q
) -> tuple[list[int], bool]:
    """Those that fit among the first `size` of each part, as far as each was read; if all were."""
    near = [list(part[:size]) for part in parts]
    keys = [pk for part in near for pk, _, _ in part]
    found = set(BaseTarget.objects.filter(which, pk__in=keys).values_list("pk", flat=True))
    ends = [_turn(part[-1], falls=falls) for part in near if len(part) == size]
    end = min(ends, default=(True, math.inf, ""))
    turns = sorted((_turn(row, falls=falls), row[0]) for part in near for row in part)
    return [pk for turn, pk in turns if pk in found and turn <= end], not ends


def _turn(row: Row, *, falls: bool) -> tuple[bool, float, str]:
    """By what a target is sorted as the database sorts it."""
    _, name, place = row
    if place is None:
        return True, 0.0, name
    number = place.timestamp() if isinstance(place, datetime) else place
    return False, -number if falls else number, name


def _sorted_keys(
    rows: QuerySet[BaseTarget], asked: str, programs: Collection[int], which: Q
) -> QuerySet[BaseTarget, int]:
    fitting = rows.filter(which).order_by(*in_turn(asked, programs))
    return fitting.values_list("pk", flat=True)


def _parts(figure: str, programs: Collection[int]) -> list[tuple[Q, str]]:
    """The targets by whose summaries a reader knows them, and the column of a figure for each."""
    public = f"summary__{figure}"
    if not programs:
        return [(Q(), public)]
    told = f"told__{figure}"
    return [(Q((f"{told}__isnull", False)), told), (_is_untold(figure, programs), public)]


def _order(asked: str) -> Order:
    return ORDERS.get(asked, ORDERS["seen"])


def _is_untold(figure: str, programs: Collection[int]) -> Q:
    """Ask for targets of which a reader of these programs knows no other figure than everybody.

    Of one program by its rows: of the joined table the database would read all of them.
    """
    if len(programs) > 1:
        return Q((f"told__{figure}__isnull", True))
    own = AudienceSummary.objects.filter(target=OuterRef("pk"), programs=list(programs))
    return ~Q(Exists(own.filter(**{f"{figure}__isnull": False})))
