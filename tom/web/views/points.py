"""The points of a target's light curve: a table, and CSV."""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tom.targets.peaks import peaks_of
from tom.web.pagination import page_of
from tom.web.people import person
from tom.web.points_table import (
    COLUMN_OF,
    NEWEST,
    find_points,
    make_point_row,
    withdrawn_points,
    write_points,
)
from tom.web.views.targets import find_target

POINTS_SHOWN = 100
NUMBERS = ("magnitude", "flux")


class Header(NamedTuple):
    """A column to sort by: how it is sorted now, and what a click asks for."""

    name: str
    way: str  # as `aria-sort` has it, or empty
    sort: str
    is_number: bool


@require_safe
def points(request: HttpRequest, pk: int) -> HttpResponse:
    """The points that the user may see, as a table; htmx puts it into the target's page."""
    found, sort = find_target(request, pk), request.GET.get("sort", NEWEST)
    peaks = peaks_of(found.pk)
    page = page_of(request, find_points(found, person(request), sort), per_page=POINTS_SHOWN)
    context = {
        "target": found,
        "withdrawn": withdrawn_points(found, person(request)) if page.number == 1 else [],
        "page": page,
        "rows": [make_point_row(point, peaks) for point in page],
        "headers": [_header(name, sort) for name in COLUMN_OF],
    }
    name = "_points" if request.headers.get("HX-Request") else "points"
    return render(request, f"targets/{name}.html", context)


def _header(name: str, sort: str) -> Header:
    ways = {name: "ascending", f"-{name}": "descending"}
    turned = f"-{name}" if sort == name else name
    return Header(name, ways.get(sort, ""), turned, name in NUMBERS)


@require_safe
def points_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The points that the user may see, as CSV in order of time."""
    found = find_target(request, pk)
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in found.name)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-points.csv"'
    write_points(response, find_points(found, person(request), "time"), peaks_of(found.pk))
    return response
