"""The coverage of an event: the page, its curve, its pointings as CSV, and uploaded tables."""

import csv
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tom.candidates.models import EventCandidate
from tom.events.localizations import chosen_localization
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.pipeline import nudge, trace
from tom.pointings.coverage import Coverage, Look, cover, looks_of
from tom.pointings.instruments import instruments
from tom.pointings.keeping import take_back, upload_pointings
from tom.pointings.models import Pointing, PointingTable
from tom.web.candidate_list import open_list
from tom.web.candidate_rows import read_candidates
from tom.web.coverage import (
    STATUSES,
    WITHIN_DAYS,
    Asked,
    find_depths,
    find_milestones,
    find_pointings,
    looks_after,
    read_asked,
    rings_of,
)
from tom.web.known import rank_visible
from tom.web.people import person
from tom.web.permissions import UNDO_ANY_UPLOAD, UPLOAD_POINTINGS
from tom.web.plots.footprints import draw_footprints
from tom.web.plots.skymap import draw_sky
from tom.web.plots.spots import Spot
from tom.web.pointing_form import PointingForm, read_pointing_form
from tom.web.refusals import LackingError, needs
from tom.web.spreadsheets import cell
from tom.web.team.groups import groups_to_choose
from tom.web.views.coverage_services import services_context

CANDIDATES_SHOWN = 50
PREVIEWED = 20
ERRORS_SHOWN = 50
CSV_COLUMNS = (
    *("facility", "instrument", "team", "source", "status", "time", "exposure_s", "band"),
    *("depth", "depth_unit", "ra", "dec", "position_angle", "id"),
)


@require_safe
def coverage(request: HttpRequest, event_id: str) -> HttpResponse:
    """What was pointed at for an event, what of its map that covers, and what is left."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    user, asked = person(request), read_asked(request.GET)
    visible = Pointing.objects.about(event).visible_to(user)
    known = sorted(visible.order_by().values_list("instrument", flat=True).distinct())
    looks = looks_after(event, looks_of(find_pointings(event, user, asked)))
    use = chosen_localization(event)
    found = cover(use.localization_id, looks, asked.magnitude) if use else None
    if found is not None and found.waiting:
        nudge(trace)
    listing = open_list(event, user, now=timezone.now())
    best = rank_visible(read_candidates(listing.spots[:CANDIDATES_SHOWN]), user)
    context = {
        "event": event,
        "asked": asked,
        "instruments": known,
        "statuses": list(STATUSES),
        "days": WITHIN_DAYS,
        "tables": PointingTable.objects.visible_to(user)
        .filter(event=event)
        .select_related("group", "created_by"),
        "n_looks": len(looks),
        "coverage": found,
        "depths": find_depths(event, best, user),
        "curve_url": _with_query(request, "coverage_curve", event),
        "csv_url": _with_query(request, "pointings_csv", event),
    }
    context |= services_context(event)
    if use is not None and found is not None:
        context |= _map(use, found, looks, best)
        context["milestones"] = find_milestones(event, found)
    return render(request, "coverage/page.html", context)


def _map(
    use: EventLocalization, found: Coverage, looks: Sequence[Look], best: Sequence[EventCandidate]
) -> dict[str, Any]:
    names = [share.telescope for share in found.telescopes]
    contours = use.localization.contours
    return {
        "chosen": use,
        "sky": draw_sky(contours, _spots(best)),
        "layer": draw_footprints(rings_of(looks, names), contours),
    }


def _spots(candidates: Sequence[EventCandidate]) -> list[Spot]:
    return [
        Spot(
            ra=row.target.ra,
            dec=row.target.dec,
            url=reverse("targets:detail", args=[row.target_id]),
            title=row.target.name,
            rank=row.rank,
        )
        for row in candidates
        if row.target.ra is not None and row.target.dec is not None
    ]


def _with_query(request: HttpRequest, name: str, event: NonLocalizedEvent) -> str:
    query = request.GET.urlencode()
    url = reverse(name, args=[event.event_id])
    return f"{url}?{query}" if query else url


@require_safe
def coverage_curve(request: HttpRequest, event_id: str) -> JsonResponse:
    """The probability covered, pointing by pointing, as the plot's script reads it."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    asked, use = read_asked(request.GET), chosen_localization(event)
    looks = looks_after(event, looks_of(find_pointings(event, person(request), asked)))
    found = cover(use.localization_id, looks, asked.magnitude) if use else None
    return JsonResponse(_curve(event, asked, found))


def _curve(event: NonLocalizedEvent, asked: Asked, found: Coverage | None) -> dict[str, Any]:
    steps = found.steps if found else []
    return {
        "event": event.event_id,
        "event_time": event.time.isoformat() if event.time else None,
        "magnitude": asked.magnitude,
        "waiting": found.waiting if found else 0,
        "time": [step.time.isoformat() for step in steps],
        "telescope": [step.telescope for step in steps],
        "probability": [step.probability for step in steps],
        "within_reach": [
            None if math.isnan(step.within_reach) else step.within_reach for step in steps
        ],
    }


@require_safe
def pointings_csv(request: HttpRequest, event_id: str) -> HttpResponse:
    """The pointings that the page's filters ask for, as CSV in order of time."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    rows = find_pointings(event, person(request), read_asked(request.GET))
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in event.event_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-pointings.csv"'
    writer = csv.writer(response)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_csv_row(row) for row in rows.order_by("time", "pk").iterator())
    return response


def _csv_row(row: Pointing) -> list[object]:
    return [
        cell(row.facility), cell(row.instrument), cell(row.team), row.source, row.status,
        row.time.isoformat(), row.exposure_s, cell(row.band), row.depth, row.depth_unit,
        row.ra, row.dec, row.position_angle, cell(row.external_id),
    ]  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@needs(UPLOAD_POINTINGS)
def pointings_upload(request: HttpRequest, event_id: str) -> HttpResponse:
    """Upload a table of pointings: read it, show what it would give, then store it."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    groups = groups_to_choose(person(request))
    context = {"event": event, "groups": groups, "cameras": sorted(instruments())}
    if request.method != "POST":
        return render(request, "coverage/upload.html", context)
    form = read_pointing_form(request, groups, now=timezone.now())
    if form.is_good and request.POST.get("do") == "store":
        return _store(request, event, form)
    context |= {
        "form": form,
        "shown": form.pointings[:PREVIEWED],
        "faults": form.faults[:ERRORS_SHOWN],
    }
    return render(request, "coverage/upload.html", context, status=200 if form.is_good else 422)


def _store(request: HttpRequest, event: NonLocalizedEvent, form: PointingForm) -> HttpResponse:
    kept = upload_pointings(
        form.pointings, event=event, group=form.group, name=form.name, by=person(request)
    )
    transaction.on_commit(partial(nudge, trace))
    text = f"{kept.added} pointing{' was' if kept.added == 1 else 's were'} stored."
    if kept.known:
        text += f" {kept.known} {'was' if kept.known == 1 else 'were'} known already."
    messages.success(request, text)
    return redirect("coverage", event.event_id)


@require_POST
@needs(UPLOAD_POINTINGS)
def pointings_undo(request: HttpRequest, event_id: str, table: int) -> HttpResponse:
    """Take back a table of one's own with its pointings; an administrator may take back any."""
    user = person(request)
    rows = PointingTable.objects.visible_to(user).filter(event__event_id=event_id)
    row = get_object_or_404(rows, pk=table)
    if row.created_by_id != user.pk and not user.is_superuser:
        raise LackingError(UNDO_ANY_UPLOAD)
    take_back(row)
    messages.success(request, "The table was taken back with its pointings.")
    return redirect("coverage", event_id)
