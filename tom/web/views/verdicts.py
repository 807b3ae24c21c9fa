"""Verdicts: give one, take one's last one back, the bar of the target page."""

import uuid

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.candidates.models import EventCandidate, EventCandidateQuerySet, VerdictReason, Vetting
from tom.candidates.scanning import return_to
from tom.candidates.verdicts import give_verdict, undo_last_verdict
from tom.web.addresses import looked_at
from tom.web.candidate_list import open_list
from tom.web.candidate_rows import Listed, make_rows
from tom.web.kept_rows import keep_row
from tom.web.known import rank_visible
from tom.web.people import person
from tom.web.permissions import VET_CANDIDATE
from tom.web.refusals import needs
from tom.web.verdicts import VerdictBar, make_bar, read_listed
from tom.web.vettings import show_vettings
from tom.web.views.scanning import answer_verdict

LONGEST_NOTE = 300


@require_POST
@needs(VET_CANDIDATE)
def vet_candidate(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """Store a person's verdict on a candidate, and answer with its row or its bar."""
    candidate = _find(request, event_id, pk)
    value, reason = request.POST.get("vetting", ""), request.POST.get("reason", "")
    note = request.POST.get("note", "").strip()
    wrong = _why_not(value, reason, note)
    if wrong:
        return HttpResponse(wrong, status=400, content_type="text/plain")
    give_verdict(
        candidate,
        Vetting(value),
        by=person(request),
        reason=VerdictReason(reason) if reason else None,
        note=note,
        key=_read_key(request.POST.get("key", "")),
    )
    query = read_listed(request.POST).query
    if request.POST.get("on") == "scan":
        return answer_verdict(request, candidate, query, is_given=value != Vetting.NEW)
    keep_row(request, candidate.event_id, QueryDict(query), candidate.pk)
    if not request.headers.get("HX-Request"):
        return redirect(looked_at(request) or reverse("event", args=[event_id]))
    return _answer(request, _find(request, event_id, pk))


@require_POST
@needs(VET_CANDIDATE)
def undo_verdict(request: HttpRequest) -> HttpResponse:
    """Take back one's last verdict, wherever it was, and say which."""
    undone = undo_last_verdict(person(request))
    if undone:
        return_to(person(request), undone.candidate, now=timezone.now())
    if not request.headers.get("HX-Request"):
        return redirect(looked_at(request) or "/")
    if undone:
        undone.candidate.refresh_from_db(fields=["vetting"])
        show_vettings([undone.candidate], person(request))
    return render(request, "events/_undone.html", {"undone": undone})


@require_safe
def bar(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """The target page's bar, as it is now."""
    candidate = _find(request, event_id, pk)
    made = _bar_of(request, candidate, read_listed(request.GET))
    return render(request, "targets/_verdict.html", {"bar": made})


def _bar_of(request: HttpRequest, candidate: EventCandidate, listed: Listed) -> VerdictBar:
    (ranked,) = rank_visible([candidate], person(request))
    return make_bar(request, ranked, listed, person(request))


def _find(request: HttpRequest, event_id: str, pk: int) -> EventCandidate:
    rows: EventCandidateQuerySet = EventCandidate.objects.visible_to(request.user)
    joined = rows.select_related("event", "target", "target__summary", "vetted_by")
    return get_object_or_404(joined, pk=pk, event__event_id=event_id)


def _why_not(value: str, reason: str, note: str) -> str:
    if value not in Vetting.values:
        return "no such status"
    if reason and reason not in VerdictReason.values:
        return "no such reason"
    if len(note) > LONGEST_NOTE:
        return f"the note is longer than {LONGEST_NOTE} characters"
    return ""


def _read_key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _answer(request: HttpRequest, candidate: EventCandidate) -> HttpResponse:
    """The part of the page that the verdict was given on."""
    listed = read_listed(request.POST)
    if request.POST.get("on") == "bar":
        made = _bar_of(request, candidate, listed)
        return render(request, "targets/_verdict.html", {"bar": made})
    listing = open_list(candidate.event, person(request), now=timezone.now())
    columns, rows = make_rows(listing, [candidate], listed=listed)
    context = {"row": rows[0], "columns": columns, "event": candidate.event, "listed": listed}
    context["level_shown"] = listing.level_shown
    return render(request, "events/_candidate.html", context)
