"""Scanning: go through an event's list one candidate at a time, and leave it to another person."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.candidates.models import EventCandidate, ScanPlace
from tom.candidates.scanning import hand_over, next_open, stop_at
from tom.candidates.scans import Hide
from tom.events.models import NonLocalizedEvent
from tom.reports.notifications.handed_scans import notify_handed
from tom.web.candidate_search import order_choices
from tom.web.event_joins import find_joined
from tom.web.keys import read_pk
from tom.web.people import people_here, person
from tom.web.permissions import VET_CANDIDATE
from tom.web.refusals import needs
from tom.web.scan_settings import read_settings
from tom.web.scanning import ScanList, choose, open_scan, read_visible, show_people, show_scan
from tom.web.verdicts import REASONS

LONGEST_NOTE = 300


@require_safe
def scan(request: HttpRequest, event_id: str) -> HttpResponse:
    """One candidate of an event's list; `?part=` names a part that is swapped by itself."""
    found = NonLocalizedEvent.objects.filter(event_id=event_id).first()
    if found is None:
        return redirect("scan", find_joined(event_id).event_id)
    user = person(request)
    place = ScanPlace.objects.filter(user=user, event=found).first()
    scanned = open_scan(found, user, read_settings(request.GET, user, place))
    match request.GET.get("part"):
        case None:
            context = _go_to(scanned, choose(scanned, request.GET, place)) | _choices(scanned)
            return render(request, "scanning/page.html", context)
        case "scan":
            context = _go_to(scanned, choose(scanned, request.GET, place))
            return render(request, "scanning/_scan.html", context)
        case "people":
            candidate = read_visible(scanned, read_pk(request.GET.get("candidate", "")))
            return render(request, "scanning/_people.html", show_people(scanned, candidate))
        case _:
            message = "no such part"
            raise Http404(message)


def answer_verdict(
    request: HttpRequest, candidate: EventCandidate, query: str, *, is_given: bool
) -> HttpResponse:
    """Go on after a verdict in the list that `query` names; where one was taken back, stay."""
    user = person(request)
    scanned = open_scan(candidate.event, user, read_settings(QueryDict(query), user, None))
    key = candidate.pk
    following = next_open(scanned.keys, scanned.hidden, after=key) if is_given else key
    context = _go_to(scanned, read_visible(scanned, following))
    if request.headers.get("HX-Request"):
        return render(request, "scanning/_scan.html", context)
    return redirect(scanned.address())


def _go_to(scanned: ScanList, candidate: EventCandidate | None) -> dict[str, Any]:
    """Note that the person is at a candidate now, and gather what the page shows of it."""
    stop_at(
        scanned.user,
        scanned.event,
        candidate,
        query=scanned.settings.query,
        now=scanned.listing.now,
    )
    return show_scan(scanned, candidate)


def _choices(scanned: ScanList) -> dict[str, Any]:
    """What the forms of the page offer."""
    return {
        "reasons": REASONS,
        "orders": order_choices(scanned.settings.order),
        "hides": Hide.choices,
        "people": people_here().exclude(pk=scanned.user.pk),
    }


@require_POST
@needs(VET_CANDIDATE)
def scan_hand_over(request: HttpRequest, event_id: str) -> HttpResponse:
    """Leave the rest of a list to another person, who is notified."""
    found = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
    others = people_here().exclude(pk=person(request).pk)
    successor = others.filter(username=request.POST.get("to", "")).first()
    if successor is None:
        messages.error(request, "Choose the person who goes on.")
        return redirect("scan", event_id)
    place = hand_over(person(request), found, successor, note=note)
    if place is None:
        messages.error(request, "You have not begun with this list: there is nothing to hand over.")
        return redirect("scan", event_id)
    notify_handed(place, successor, now=timezone.now())
    messages.success(request, f"{successor.get_username()} goes on from where you stopped.")
    return redirect("event", event_id)
