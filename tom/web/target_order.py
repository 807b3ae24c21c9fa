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

from tom.kept_queries import AnyOf, Given, array_of, hashed, kept_query
from tom.targets.models import PUBLIC, Audience, AudienceSummary, TargetSummary, Visitor
from tom.targets.visible import Reader, is_public, is_shown, reader_of, visible_targets
from tom.web.candidate_order import likely_enough, of_readers
from tom.web.known import figure_of, fullest, join_summaries, programs_of, read_targets
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
LAST = (True, math.inf, 0)
# A target's key and its figure.
Row = tuple[int, Any]


def in_turn(asked: str, programs: Collection[int]) -> tuple[Any, ...]:
    """How targets of `join_summaries` are put in order: as the address asks, else seen last.

    Those with one figure stand as they were made.
    """
    if asked == BY_NAME:
        return ("name",)
    order = _order(asked)
    figure = figure_of(order.figure, "pk", programs)
    return OrderBy(figure, descending=order.falls, nulls_last=True), "pk"


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
    are found by `first_targets`. `few` are the keys of all that fit, if they are few and known.
    """
    user, programs = request.user, programs_of(request.user)
    if not which:
        page = page_of(request, rows, known=0 if name else count_public(user))
        # Of few targets with a name all are sorted at once.
        if not name and asked != BY_NAME:
            first, last = _part(page)
            page.object_list = first_targets(user, asked, first=first, last=last)
        return page
    has_turn = not name and asked != BY_NAME
    least = min(PER_PAGE * page_asked(request), MOST_COUNTED) + 2  # a next page, and more
    near = _nearest(user, asked, which, least, few) if has_turn else None
    if near is not None:
        page = page_of(request, near, most=min(len(near) - 1, MOST_COUNTED))
        page.object_list = read_targets(list(page), user)
        return page
    fitting = list(
        _placed(rows, _order(asked), programs).filter(which).order_by()[: MOST_COUNTED + 1]
    )
    is_few = len(fitting) <= MOST_COUNTED
    if is_few and has_turn:
        fitting.sort(key=lambda row: _turn(row, falls=_order(asked).falls))
    keys = [pk for pk, _ in fitting]
    page = page_of(request, keys)
    first, last = _part(page)
    if is_few and has_turn:
        page.object_list = read_targets(list(page), user)
    elif is_few:
        page.object_list = rows.filter(pk__in=keys)[first:last]
    elif has_turn:
        page.object_list = first_targets(user, asked, first=first, last=last, which=which)
    else:
        page.object_list = rows.filter(which)[first:last]
    return page


def _nearest(
    user: Visitor, asked: str, which: Q, least: int, few: Collection[int] | None
) -> list[int] | None:
    """The first that fit, `least` or more, if they are found among the first; else None."""
    if few is None:
        return _near(user, asked, which, least)
    found = _first_of_few(user, few, asked, least) if len(few) > FEW_SORTED else []
    return found if len(found) >= least else None


def _first_of_few(user: Visitor, few: Collection[int], asked: str, least: int) -> list[int]:
    """The first of some thousand targets in turn, as far as they are known.

    Their figures alone are read of all: to join each with its target takes four times as long.
    """
    turn, size, programs = _order(asked), WINDOW * least, programs_of(user)
    near = [
        _figures(part, turn, size, keys=array_of(few))
        for part in (PUBLIC, *([tuple(programs)] if programs else []))
    ]
    keys = {key for part in near for key, _ in part}
    read = _placed_of(reader_of(user), turn, keys=list(keys))
    placed = sorted(_turn(row, falls=turn.falls) for row in read)
    ends = [_turn(part[-1], falls=turn.falls) for part in near if len(part) == size]
    end = min(ends, default=None)
    return [pk for *place, pk in placed if end is None or tuple(place) < end[:2]]


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
    rows: QuerySet[BaseTarget], order: Order, programs: Collection[int]
) -> QuerySet[BaseTarget, Row]:
    """The targets of `join_summaries` with the figure that they are put in order by."""
    figure = figure_of(order.figure, "pk", programs)
    return rows.annotate(place=figure).values_list("pk", "place")


@kept_query
def _placed_of(reader: Reader, order: Order, *, keys: Given) -> QuerySet[BaseTarget, Row]:
    rows = listed_for(reader.user).filter(AnyOf("pk", keys)).order_by()
    return _placed(rows, order, programs_of(reader.user))


def count_public(user: Visitor) -> int:
    """How many targets a user sees without any right: if they are enough, none is looked up."""
    rows = TargetSummary.objects.filter(is_public(user, target="target")).order_by()
    return rows[: MOST_COUNTED + 1].count()


def _part(page: Page[Any]) -> tuple[int, int]:
    """Where a page's rows stand in the list."""
    last = page.number * PER_PAGE
    return last - PER_PAGE, last


def listed_for(user: Visitor) -> QuerySet[BaseTarget]:
    """The targets that a user may see, joined with the summaries that they know them by."""
    rows = visible_targets(user).filter(summary__isnull=False)
    return join_summaries(rows, "pk", programs_of(user))


def first_targets(
    user: Visitor,
    asked: str,
    *,
    first: int,
    last: int,
    which: Q = Q(),  # noqa: B008  nobody changes it
) -> list[BaseTarget]:
    """Those targets that fit a filter and stand between two places of an order; not that of names.

    Of a filter so many of all targets are asked at a time, in turn; where too few of very many fit,
    all that fit are sorted.
    """
    if not which:
        rows = _between(reader_of(user), _order(asked), first, last)
        return read_targets([pk for pk, _ in rows], user)
    size = WINDOW * last
    while size <= max(MOST_ASKED, WINDOW * last):
        known, is_all = _known(user, asked, size, which)
        if is_all or len(known) >= last:
            return read_targets(known[first:last], user)
        size *= WINDOW
    fitting = listed_for(user).filter(which).order_by(*in_turn(asked, programs_of(user)))
    return read_targets(list(fitting.values_list("pk", flat=True)[first:last]), user)


@kept_query
def _between(reader: Reader, order: Order, first: int, last: int) -> QuerySet[Any, Row]:
    return _rows_between(_parts(reader.user, order), order, first=first, last=last)


def others_in_turn(
    user: Visitor, asked: str, *, but: Collection[int], first: int, last: int
) -> list[int]:
    """The keys of all targets but some that stand between two places of an order."""
    rows = _between_but(reader_of(user), _order(asked), first, last, keys=array_of(but))
    return [pk for pk, _ in rows]


@kept_query
def _between_but(
    reader: Reader, order: Order, first: int, last: int, *, keys: Given
) -> QuerySet[Any, Row]:
    parts = [part.filter(~Q(AnyOf(hashed("target"), keys))) for part in _parts(reader.user, order)]
    return _rows_between(parts, order, first=first, last=last)


def _parts(user: Visitor, order: Order) -> list[QuerySet[Any, Row]]:
    """The targets that a user may see in turn, in one part for each way in which they know them.

    An index has the order of those that the reader's own summaries tell, another that of the
    rest: for both at once the database would read and sort all targets. Each by its summary: a page
    far behind reads thousands, and with their targets that takes twice as long.
    """
    programs = programs_of(user)
    shown = is_shown(user, target="target", one_by_one=True)
    public = TargetSummary.objects.filter(shown)
    if not programs:
        return [_in_order(public, order)]
    told = _told(programs).filter(**{f"{order.figure}__isnull": False})
    untold = public.filter(~Exists(told.filter(target=OuterRef("target"))))
    return [_in_order(told.filter(shown), order), _in_order(untold, order)]


def _told(programs: Collection[int]) -> QuerySet[AudienceSummary]:
    """Of each target the summary for the largest audience that a reader of programs is in."""
    rows = AudienceSummary.objects.all()
    if len(programs) == 1:  # the one audience there is
        return rows.filter(programs=list(programs))
    return fullest(rows, programs, owner="target")


def _in_order(rows: QuerySet[Any, Any], order: Order) -> QuerySet[Any, Row]:
    placed = rows.annotate(place=F(order.figure)).order_by(*_in_place(order))
    found: QuerySet[Any, Row] = placed.values_list("target_id", "place")
    return found


def _in_place(order: Order) -> tuple[Any, ...]:
    return OrderBy(F("place"), descending=order.falls, nulls_last=True), "target_id"


def _rows_between(
    parts: Sequence[QuerySet[Any, Row]], order: Order, *, first: int, last: int
) -> QuerySet[Any, Row]:
    """Some of the targets of all parts in turn: the database puts the first of each together."""
    one, *others = (part[:last] for part in parts)
    together = one.union(*others, all=True).order_by(*_in_place(order)) if others else one
    return together[first:last]


def _near(user: Visitor, asked: str, which: Q, least: int) -> list[int] | None:
    """The first that fit, `least` or more, if they are among the first of all; else None.

    More are asked once, where they are likely to be enough.
    """
    size = WINDOW * least
    known, is_all = _known(user, asked, size, which)
    if not is_all and len(known) < least <= WINDOW * len(known):
        known, is_all = _known(user, asked, likely_enough(size, len(known), least), which)
    return known if len(known) >= least else None


def _known(user: Visitor, asked: str, size: int, which: Q) -> tuple[list[int], bool]:
    """Those that fit among the first `size` of each part, as far as each was read; if all were.

    Behind the place where one part's first ended the rest of it may stand anywhere.
    """
    order, reader = _order(asked), reader_of(user)
    near = [_part_of(reader, order, at, size) for at in range(2 if programs_of(user) else 1)]
    keys = [pk for part in near for pk, _ in part]
    found = set(BaseTarget.objects.filter(which, pk__in=keys).values_list("pk", flat=True))
    ends = [_turn(part[-1], falls=order.falls) for part in near if len(part) == size]
    end = min(ends, default=LAST)
    turns = sorted(_turn(row, falls=order.falls) for part in near for row in part)
    return [turn[-1] for turn in turns if turn[-1] in found and turn <= end], not ends


@kept_query
def _part_of(reader: Reader, order: Order, at: int, size: int) -> QuerySet[Any, Row]:
    """The first `size` of one of the parts of all targets."""
    return _parts(reader.user, order)[at][:size]


def _turn(row: Row, *, falls: bool) -> tuple[bool, float, int]:
    """By what a target is sorted as the database sorts it."""
    pk, place = row
    if place is None:
        return True, 0.0, pk
    number = place.timestamp() if isinstance(place, datetime) else place
    return False, -number if falls else number, pk


def _order(asked: str) -> Order:
    return ORDERS.get(asked, ORDERS["seen"])
