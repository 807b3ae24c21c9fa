"""Scanning: go through a list one member at a time, and leave it to another person."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.candidates.scanning import hand_over, stop_at
from tom.candidates.scans import Hide
from tom.events.models import NonLocalizedEvent
from tom.reports.notifications.handed_scans import notify_handed
from tom.web.candidate_list import open_list
from tom.web.event_joins import find_joined
from tom.web.keys import read_pk
from tom.web.lists import find_strategy
from tom.web.people import person
from tom.web.permissions import VET_CANDIDATE
from tom.web.refusals import needs
from tom.web.scan_settings import read_settings
from tom.web.scan_sources import EventSource, ListSource, Source
from tom.web.scanning import (
    ScanList,
    choose,
    open_scan,
    place_of,
    seen,
    show_people,
    show_scan,
    successors,
)
from tom.web.verdicts import REASONS, REASONS_WITHOUT_EVENT

LONGEST_NOTE = 300


@require_safe
def scan(request: HttpRequest, event_id: str) -> HttpResponse:
    """One candidate of an event's list; `?part=` names a part that is swapped by itself."""
    found = NonLocalizedEvent.objects.filter(event_id=event_id).first()
    if found is None:
        return redirect("scan", find_joined(event_id).event_id)
    return _scan(request, source_of_event(request, found))


@require_safe
def list_scan(request: HttpRequest, pk: int) -> HttpResponse:
    """One target of a list without an event; `?part=` as of an event's list."""
    return _scan(request, source_of_list(request, pk))


def source_of_event(request: HttpRequest, event: NonLocalizedEvent) -> EventSource:
    """An event's list, as the person scans it."""
    return EventSource(open_list(event, person(request), now=timezone.now()))


def source_of_list(request: HttpRequest, pk: int) -> ListSource:
    """A list without an event, as the person scans it; Http404 if they may not see it."""
    user = person(request)
    return ListSource(find_strategy(pk, user), user, timezone.now())


def _scan(request: HttpRequest, source: Source) -> HttpResponse:
    place = place_of(source)
    scanned = open_scan(source, read_settings(request.GET, source.user, place), place)
    match request.GET.get("part"):
        case None:
            context = _go_to(scanned, choose(scanned, request.GET)) | _choices(scanned)
            return render(request, "scanning/page.html", context)
        case "scan":
            context = _go_to(scanned, choose(scanned, request.GET))
            return render(request, "scanning/_scan.html", context)
        case "people":
            key = seen(scanned, read_pk(request.GET.get("candidate", "")))
            return render(request, "scanning/_people.html", show_people(scanned, key))
        case _:
            message = "no such part"
            raise Http404(message)


def answer_verdict(
    request: HttpRequest, source: Source, key: int, query: str, *, is_given: bool
) -> HttpResponse:
    """Go on after a verdict in the list that `query` names; where one was taken back, stay."""
    settings, place = read_settings(QueryDict(query), source.user, None), place_of(source)
    scanned = open_scan(source, settings, place)
    following = scanned.next(key) if is_given else key
    context = _go_to(scanned, seen(scanned, following))
    if request.headers.get("HX-Request"):
        return render(request, "scanning/_scan.html", context)
    return redirect(scanned.address())


def _go_to(scanned: ScanList, key: int | None) -> dict[str, Any]:
    """Note that the person is at a member now, and gather what the page shows of it."""
    source, query = scanned.source, scanned.settings.query
    passed = scanned.passed(key)
    stop_at(source.user, source.listing, key, query=query, now=source.now, passed=passed)
    return show_scan(scanned, key)


def _choices(scanned: ScanList) -> dict[str, Any]:
    """What the forms of the page offer."""
    return {
        "reasons": REASONS if scanned.source.listing.event else REASONS_WITHOUT_EVENT,
        "orders": scanned.source.orders(scanned.settings.order),
        "hides": Hide.choices,
        "people": successors(scanned.source.listing, scanned.user),
    }


@require_POST
@needs(VET_CANDIDATE)
def scan_hand_over(request: HttpRequest, event_id: str) -> HttpResponse:
    """Leave the rest of an event's list to another person, who is notified."""
    found = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    return _hand_over(request, source_of_event(request, found))


@require_POST
@needs(VET_CANDIDATE)
def list_hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave the rest of a list without an event to another person, who is notified."""
    return _hand_over(request, source_of_list(request, pk))


def _hand_over(request: HttpRequest, source: Source) -> HttpResponse:
    note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
    others = successors(source.listing, source.user)
    successor = others.filter(username=request.POST.get("to", "")).first()
    if successor is None:
        messages.error(request, "Choose the person who goes on.")
        return redirect(source.page)
    place = hand_over(source.user, source.listing, successor, note=note)
    if place is None:
        messages.error(request, "You have not begun with this list: there is nothing to hand over.")
        return redirect(source.page)
    notify_handed(place, successor, now=timezone.now())
    messages.success(request, f"{successor.get_username()} goes on from where you stopped.")
    return redirect(source.home)
