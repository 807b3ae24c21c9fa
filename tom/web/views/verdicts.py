"""Verdicts: give one, take one's last one back, the bar of the target page."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.candidates.models import (
    EventCandidate,
    EventCandidateQuerySet,
    Verdict,
    VerdictReason,
    Vetting,
)
from tom.candidates.scanning import return_to
from tom.candidates.verdicts import give_verdict, give_verdict_in_list, undo_last_verdict
from tom.events.models import NonLocalizedEvent
from tom.strategies.listings import Listing
from tom.web.addresses import looked_at
from tom.web.candidate_list import open_list
from tom.web.candidate_rows import Listed, make_rows
from tom.web.event_joins import find_joined
from tom.web.kept_rows import keep_row
from tom.web.keys import read_pk
from tom.web.known import rank_visible
from tom.web.lists import find_listed, find_strategy, is_listed_publicly
from tom.web.people import person
from tom.web.permissions import VET_CANDIDATE
from tom.web.refusals import needs
from tom.web.verdicts import (
    REASONS,
    REASONS_WITHOUT_EVENT,
    VerdictBar,
    make_bar,
    read_listed,
)
from tom.web.vettings import show_vettings
from tom.web.views.scanning import answer_verdict, source_of_event, source_of_list

LONGEST_NOTE = 300


@require_POST
@needs(VET_CANDIDATE)
def vet_candidate(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """Store a person's verdict on a candidate, and answer with its row or its bar."""
    candidate = _find(request, event_id, pk)
    wrong = _why_not(request.POST, REASONS)
    if wrong:
        return HttpResponse(wrong, status=400, content_type="text/plain")
    query, is_scan = read_listed(request.POST).query, request.POST.get("on") == "scan"
    if not is_scan:  # first: as soon as the verdict is stored the page asks for the list again
        keep_row(request, candidate.event_id, QueryDict(query), candidate.pk)
    verdict = give_verdict(candidate, by=person(request), **_read(request.POST))
    if is_scan:
        source = source_of_event(request, candidate.event)
        is_given = verdict.verdict != Vetting.NEW
        return answer_verdict(request, source, pk, query, is_given=is_given)
    if not request.headers.get("HX-Request"):
        return redirect(looked_at(request) or reverse("event", args=[event_id]))
    return _answer(request, _find(request, event_id, pk))


@require_POST
@needs(VET_CANDIDATE)
def vet_listed(request: HttpRequest, pk: int, target_pk: int) -> HttpResponse:
    """Store a person's verdict on a target of a list without an event; answer with the next one."""
    source = source_of_list(request, pk)
    target = find_listed(source.strategy, target_pk, source.user)
    wrong = _why_not(request.POST, REASONS_WITHOUT_EVENT)
    if wrong:
        return HttpResponse(wrong, status=400, content_type="text/plain")
    verdict = give_verdict_in_list(
        source.strategy,
        target,
        by=source.user,
        is_public=is_listed_publicly(source.strategy, target),
        **_read(request.POST),
    )
    query, is_given = read_listed(request.POST).query, verdict.verdict != Vetting.NEW
    return answer_verdict(request, source, target_pk, query, is_given=is_given)


@require_POST
@needs(VET_CANDIDATE)
def undo_verdict(request: HttpRequest) -> HttpResponse:
    """Take back one's last verdict, in the list that the page names or in any, and say which."""
    listing = _named_list(request)
    undone = undo_last_verdict(person(request), of=listing)
    if undone:
        member = undone.candidate_id or undone.on.pk
        return_to(person(request), undone.listing, member, now=timezone.now())
    if not request.headers.get("HX-Request"):
        messages.info(request, _words_of(undone, listing))
        return redirect(_without_member(looked_at(request)) or "/")
    if undone and undone.candidate:
        undone.candidate.refresh_from_db(fields=["vetting"])
        show_vettings([undone.candidate], person(request))
    return render(request, "events/_undone.html", {"undone": undone, "listing": listing})


def _named_list(request: HttpRequest) -> Listing | None:
    """The list that a form names, if the person may see it, else Http404; None: it names none."""
    event_id, strategy = request.POST.get("event", ""), request.POST.get("list", "")
    if strategy:
        return Listing(None, find_strategy(read_pk(strategy) or 0, person(request)))
    if not event_id:
        return None
    found = NonLocalizedEvent.objects.filter(event_id=event_id).first()
    return Listing(found or find_joined(event_id), None)


def _words_of(undone: Verdict | None, listing: Listing | None) -> str:
    if undone is None:
        return f"You have no verdict{f' in {listing}' if listing else ''} to take back."
    said = undone.get_verdict_display().lower()
    return f"Taken back: “{said}” for {undone.on.name} of {undone.listing}."


def _without_member(address: str) -> str:
    """A page's address without the member that it names: scanning goes on where one stopped."""
    path, _, query = address.partition("?")
    left = QueryDict(query, mutable=True)
    for name in ("after", "candidate"):
        left.pop(name, None)
    return f"{path}?{left.urlencode()}" if left else path


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


def _why_not(values: QueryDict, reasons: Sequence[tuple[str, str, str]]) -> str:
    if values.get("vetting", "") not in Vetting.values:
        return "no such status"
    if values.get("reason", "") not in ("", *(value for _, value, _ in reasons)):
        return "no such reason"
    if len(values.get("note", "").strip()) > LONGEST_NOTE:
        return f"the note is longer than {LONGEST_NOTE} characters"
    return ""


def _read(values: QueryDict) -> dict[str, Any]:
    """What a form says that has no fault."""
    reason = values.get("reason", "")
    return {
        "verdict": Vetting(values.get("vetting", "")),
        "reason": VerdictReason(reason) if reason else None,
        "note": values.get("note", "").strip(),
        "key": _read_key(values.get("key", "")),
    }


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
