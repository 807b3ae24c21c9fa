"""The efficiency of an event's pointings: the page, and its grid as CSV."""

import csv
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from tom.events.models import NonLocalizedEvent
from tom.pointings.efficiency import FIRST_SEEN_HOURS, LEVELS, Found, upper_limits
from tom.pointings.models import Pointing
from tom.sky.at2017gfo import NAME
from tom.web.coverage import STATUSES, WITHIN_DAYS, read_asked
from tom.web.efficiency import Stage, grid_rows, open_efficiency, whole_magnitudes
from tom.web.people import person
from tom.web.plots.heat import draw_heat

CSV_COLUMNS = ("decline_mag_per_day", "absolute_magnitude", "chance_once", "chance_twice")


@require_safe
def efficiency(request: HttpRequest, event_id: str) -> HttpResponse:
    """The chance that the pointings would have caught a kilonova, and what none found excludes.

    `?part=efficiency` is fetched again while it is computed.
    """
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    user, asked = person(request), read_asked(request.GET)
    visible = Pointing.objects.about(event).visible_to(user)
    opened = open_efficiency(event, user, asked)
    context = {
        "event": event,
        "asked": asked,
        "instruments": sorted(visible.order_by().values_list("instrument", flat=True).distinct()),
        "statuses": list(STATUSES),
        "days": WITHIN_DAYS,
        "opened": opened,
        "part_url": _part(request),
        "csv_url": _csv_url(request, event),
    }
    if opened.found is not None:
        context |= _figures(opened.found)
    part = request.GET.get("part") == "efficiency"
    template = "coverage/_efficiency.html" if part else "coverage/efficiency.html"
    return render(request, template, context)


def _figures(found: Found) -> dict[str, Any]:
    columns, rows = whole_magnitudes(found)
    return {
        "found": found,
        "kilonova": NAME,
        "first_seen_hours": FIRST_SEEN_HOURS,
        "heat": draw_heat(found),
        "levels": LEVELS,
        "limits": upper_limits(found),
        "columns": columns,
        "rows": rows,
    }


def _part(request: HttpRequest) -> str:
    query = request.GET.copy()
    query["part"] = "efficiency"
    return f"{request.path}?{query.urlencode()}"


def _csv_url(request: HttpRequest, event: NonLocalizedEvent) -> str:
    query = request.GET.copy()
    query.pop("part", None)
    url = reverse("efficiency_csv", args=[event.event_id])
    return f"{url}?{query.urlencode()}" if query else url


@require_safe
def efficiency_csv(request: HttpRequest, event_id: str) -> HttpResponse:
    """The chances of the whole grid; its headings alone, where there are none."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    opened = open_efficiency(event, person(request), read_asked(request.GET))
    if opened.stage == Stage.WAITING:
        text = "The efficiency is being computed. Ask again in some seconds.\n"
        return HttpResponse(
            text, status=202, content_type="text/plain", headers={"Retry-After": "5"}
        )
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in event.event_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-efficiency.csv"'
    writer = csv.writer(response)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(grid_rows(opened.found) if opened.found else [])
    return response
