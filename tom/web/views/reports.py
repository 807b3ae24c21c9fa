"""Reports and alarms: what a person drafts, confirms or answers."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from tom.events.models import NonLocalizedEvent
from tom.pipeline import nudge, tell
from tom.reports.alarms.alarms import acknowledge_alarm
from tom.reports.alarms.models import Alarm
from tom.reports.hermes.circular_form import TableError, write_circular, write_rows
from tom.reports.hermes.drafts import NotADraftError, edit_report, retry_report, why_off
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.telling import confirm_report, discard_report, draft_report
from tom.reports.public_data import CannotTellError
from tom.web.circular_drafts import chosen_of, offer_candidates, promising
from tom.web.keys import read_pk
from tom.web.people import person
from tom.web.permissions import ACKNOWLEDGE_ALARM, TELL
from tom.web.refusals import needs

ROWS_SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@needs(TELL)
def tell_event(request: HttpRequest, event_id: str) -> HttpResponse:
    """Choose the candidates of a report, and draft the message."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    user = person(request)
    shown = offer_candidates(event, user)
    chosen = promising(shown)
    error = ""
    if request.method == "POST":
        given = map(read_pk, request.POST.getlist("candidate"))
        chosen = {pk for pk in given if pk is not None}
        try:
            report = draft_report(event, chosen_of(event, user, chosen), by=user)
        except CannotTellError as refusal:
            error = str(refusal)
        else:
            return redirect("report", report.pk)
    context = {"event": event, "candidates": shown, "chosen": chosen, "error": error}
    context["off"] = why_off()
    return render(request, "reports/tell.html", context, status=422 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(TELL)
def report_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One report: the draft, which can be changed, or what became of it."""
    report = _find(request, pk)
    if request.method != "POST":
        name = "_report" if request.GET.get("part") == "report" else "report"
        return render(request, f"reports/{name}.html", _told(report))
    given = {name: request.POST.get(name, "") for name in ("title", "authors", "text", "table")}
    try:
        edit_report(report, **given)
    except (CannotTellError, TableError) as refusal:
        context = _told(report) | given | {"error": str(refusal)}
        return render(request, "reports/report.html", context, status=422)
    except NotADraftError:
        messages.warning(request, "The report is no longer a draft: nothing was changed.")
    return redirect("report", pk)


def _told(report: Report) -> dict[str, Any]:
    data = report.body.get("data", {})
    return {
        "report": report,
        "is_draft": report.state == ReportState.DRAFT,
        "off": why_off(),
        "title": report.body.get("title", ""),
        "authors": report.body.get("authors", ""),
        "text": report.body.get("message_text", ""),
        "table": write_rows(data.get("photometry", [])),
        "rows": data.get("photometry", [])[:ROWS_SHOWN],
        "circular": write_circular(report.body),
        "json": json.dumps(report.body, indent=2, ensure_ascii=False),
    }


def _find(request: HttpRequest, pk: int) -> Report:
    rows = Report.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("event", "created_by", "confirmed_by"), pk=pk)


@require_POST
@needs(TELL)
def report_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a draft, once."""
    return _send(request, pk, confirm_report, late="The report was confirmed before.")


@require_POST
@needs(TELL)
def report_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed report again, once."""
    late = "The report has not failed, or is being sent again already."
    return _send(request, pk, retry_report, late=late)


def _send(
    request: HttpRequest, pk: int, begin: Callable[[Report, User], bool], *, late: str
) -> HttpResponse:
    """Begin to send a report; where somebody did before, say so."""
    try:
        begun = begin(_find(request, pk), person(request))
    except CannotTellError as refusal:
        messages.error(request, f"Not sent: {refusal}.")
        return redirect("report", pk)
    if begun:
        transaction.on_commit(partial(nudge, tell, pk))
    else:
        messages.warning(request, late)
    return redirect("report", pk)


@require_POST
@needs(TELL)
def report_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a draft."""
    report = _find(request, pk)
    if not discard_report(report):
        messages.warning(request, "The report is no longer a draft.")
        return redirect("report", pk)
    return redirect("event", report.event.event_id)


@require_POST
@needs(ACKNOWLEDGE_ALARM)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer an alarm."""
    alarms = Alarm.objects.visible_to(request.user).select_related("event")
    alarm = get_object_or_404(alarms, pk=pk, event__isnull=False)
    acknowledge_alarm(alarm, person(request))
    return redirect("event", alarm.event.event_id)  # type: ignore[union-attr]  # it has one
