"""The orders of the list of targets, and its first targets as a reader knows them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.core.paginator import Page
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpRequest
from tom_targets.base_models import BaseTarget

from tom.targets.models import AudienceSummary
from tom.web.known import figure_of, programs_of
from tom.web.pagination import MOST_COUNTED, PER_PAGE, page_of


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
# So many are asked, in their order, whether they fit a filter, for one that is shown.
WINDOW = 4
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
    request: HttpRequest, rows: QuerySet[BaseTarget], asked: str, *, which: Q, name: str
) -> Page[Any]:
    """The page of those targets of `join_summaries` that fit a filter, in the order asked for.

    `rows` are in that order, and bear `name` where one is sought. Of a few that fit all are sorted;
    of many the first are found by `find_first`. What fits is asked for once.
    """
    programs = programs_of(request.user)
    if not which:
        page = page_of(request, rows)
        # Of few targets with a name all are sorted at once.
        if programs and not name and asked != BY_NAME:
            page.object_list = find_first(rows, asked, programs, which=which, **_part(page))
        return page
    keys = list(rows.filter(which).order_by().values_list("pk", flat=True)[: MOST_COUNTED + 1])
    page = page_of(request, keys)
    part = _part(page)
    if len(keys) <= MOST_COUNTED:
        page.object_list = rows.filter(pk__in=keys)[part["first"] : part["last"]]
    elif name or asked == BY_NAME:
        page.object_list = rows.filter(which)[part["first"] : part["last"]]
    else:
        page.object_list = find_first(rows, asked, programs, which=which, **part)
    return page


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
    first targets of each are asked; where too few of them fit, all that fit are sorted.
    """
    found = _find_places(rows, asked, programs, last=last, which=which)
    if found is None:
        fitting = rows.filter(which).order_by(*in_turn(asked, programs))
        keys = list(fitting.values_list("pk", flat=True)[first:last])
    else:
        keys = [pk for pk, _, _ in _sorted(found, falls=_order(asked).falls)[first:last]]
    read = rows.in_bulk(keys)
    return [read[pk] for pk in keys]


def _find_places(
    rows: QuerySet[BaseTarget], asked: str, programs: Collection[int], *, last: int, which: Q
) -> list[Row] | None:
    """The first `last` places or more; None: not known, for too few of the first fit."""
    figure, falls = _order(asked)
    found: list[Row] = []
    for part, column in _parts(figure, programs):
        in_order = OrderBy(F(column), descending=falls, nulls_last=True), "name"
        columns = rows.filter(part).annotate(place=F(column)).order_by(*in_order)
        near = list(columns.values_list("pk", "name", "place")[: WINDOW * last if which else last])
        if which:
            keys = [pk for pk, _, _ in near]
            fitting = set(rows.filter(which, pk__in=keys).order_by().values_list("pk", flat=True))
            if len(fitting) < last and len(near) == WINDOW * last:
                return None
            near = [row for row in near if row[0] in fitting]
        found += near
    return found


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


def _sorted(rows: list[Row], *, falls: bool) -> list[Row]:
    known = sorted((row for row in rows if row[2] is not None), key=_name)
    known.sort(key=_place, reverse=falls)
    return known + sorted((row for row in rows if row[2] is None), key=_name)


def _name(row: Row) -> str:
    return row[1]


def _place(row: Row) -> datetime | float:
    place: datetime | float = row[2]
    return place
