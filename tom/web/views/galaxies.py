"""The page of an event's likeliest galaxies, and their table as CSV."""

import csv
from itertools import accumulate

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tom.events.models import NonLocalizedEvent
from tom.followup.sites import sites
from tom.web.event_galaxies import open_list, rows_up, with_hours
from tom.web.pagination import page_of
from tom.web.spreadsheets import cell

CSV_COLUMNS = (
    *("rank", "name", "catalogue", "number", "ra", "dec", "share", "credible_level_2d"),
    *("distance_mpc", "distance_error_mpc", "distance_kind", "distance_offset_sigma"),
    *("b_magnitude", "luminosity", "completeness"),
)
TEXTS = {"name", "catalogue", "number", "distance_kind"}


@require_safe
def event_galaxies(request: HttpRequest, event_id: str) -> HttpResponse:
    """The galaxies of an event's map, the likeliest first; `?site=` names a site that sees them."""
    event = _event(event_id)
    found, now = open_list(event), timezone.now()
    asked = request.GET.get("site", "")
    every = found.found.galaxies if found.found else []
    sums = list(accumulate(row["share"] for row in every))
    summed = [{**row, "sum": total} for row, total in zip(every, sums, strict=True)]
    page = page_of(request, rows_up(summed, asked, now=now))
    context = {
        "event": event,
        "state": found.state,
        "found": found.found,
        "page": page,
        "rows": with_hours(list(page.object_list), now=now),
        "listed": sums[-1] if sums else 0.0,
        "sites": sorted(sites()),
        "site": asked,
    }
    return render(request, "events/galaxies.html", context)


@require_safe
def galaxies_csv(request: HttpRequest, event_id: str) -> HttpResponse:
    """The table of galaxies, with the page's filter, as CSV; hours tonight by site come last."""
    event = _event(event_id)
    found, now, names = open_list(event).found, timezone.now(), sorted(sites())
    rows = rows_up(found.galaxies if found else [], request.GET.get("site", ""), now=now)
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in event.event_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-galaxies.csv"'
    writer = csv.writer(response)
    writer.writerow([*CSV_COLUMNS, *(f"hours tonight at {site}" for site in names)])
    for row in with_hours(rows, now=now):
        told = [cell(row[key]) if key in TEXTS else row[key] for key in CSV_COLUMNS]
        writer.writerow([*told, *(row["tonight"].get(site, "") for site in names)])
    return response


def _event(event_id: str) -> NonLocalizedEvent:
    return get_object_or_404(NonLocalizedEvent.objects.select_related("used"), event_id=event_id)
