"""Shifts: who is on shift, the hand-over page, claims of targets, and since you were away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from tom_targets.base_models import BaseTarget

from tom.events.models import NonLocalizedEvent
from tom.shifts.claims import ClaimedError, claim_target, claims_on, release_claim, take_claim
from tom.shifts.models import Claim, Shift
from tom.shifts.services import (
    ShiftError,
    add_shift,
    call_off,
    end_shift,
    take_over,
    write_note,
)
from tom.shifts.visits import away_since, mark_read
from tom.targets.visible import visible_targets
from tom.web.addresses import looked_at
from tom.web.people import person
from tom.web.permissions import MANAGE_TEAM, TAKE_SHIFT
from tom.web.refusals import LackingError, needs, require
from tom.web.shift_form import HOURS, ShiftForm, read_hours
from tom.web.shift_log import read_log

LOG_HOURS = 12
PAST_SHOWN = 20
COMING_SHOWN = 60
_TOO_LONG = "Choose for how many hours."


@require_safe
def shift_page(request: HttpRequest) -> HttpResponse:
    """Who is on shift, who comes, what is claimed and what happened; or one part of it."""
    part = request.GET.get("part")
    if part in PARTS:
        return render(request, f"shifts/_{part}.html", PARTS[part](request))
    context = _blank_form(request)
    for read in PARTS.values():
        context |= read(request)
    return render(request, "shifts/page.html", context)


def _now(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    on = Shift.objects.visible_to(request.user).on_at(now).select_related("person")
    rows = list(on)
    mine = next((row for row in rows if row.person_id == request.user.pk), None)
    return {"on": rows, "mine": mine, "hours": HOURS}


def _calendar(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    rows = Shift.objects.visible_to(request.user).standing().select_related("person")
    return {
        "coming": rows.filter(start__gt=now)[:COMING_SHOWN],
        "past": rows.filter(end__lte=now).order_by("-end", "-pk")[:PAST_SHOWN],
        "chooses": request.user.has_perm(MANAGE_TEAM),
    }


def _claimed(request: HttpRequest) -> dict[str, Any]:
    rows = Claim.objects.visible_to(request.user).held_at(timezone.now())
    return {"claimed": rows.select_related("by", "target", "event")}


def _log(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    entries = read_log(person(request), now - timedelta(hours=LOG_HOURS), now)
    return {"entries": entries, "log_hours": LOG_HOURS}


PARTS: dict[str, Callable[[HttpRequest], dict[str, Any]]] = {
    "now": _now,
    "calendar": _calendar,
    "claimed": _claimed,
    "log": _log,
}


def _blank_form(request: HttpRequest, data: Any = None) -> dict[str, Any]:
    user = person(request)
    chooses = user.has_perm(MANAGE_TEAM)
    return {"form": ShiftForm(data, user=user, chooses=chooses, now=timezone.now())}


# --- Changes of shifts --------------------------------------------------------------------------
@require_POST
@needs(TAKE_SHIFT)
def shift_add(request: HttpRequest) -> HttpResponse:
    """Plan a shift of one's own; whoever manages the team, of anybody."""
    context = _blank_form(request, request.POST)
    form: ShiftForm = context["form"]
    if form.is_valid():
        data, user = form.cleaned_data, person(request)
        whose = data.get("person", user)
        try:
            add_shift(whose, start=data["start"], end=data["end"], by=user, now=timezone.now())
        except ShiftError as error:
            form.add_error("end", str(error))
        else:
            messages.success(request, "The shift is planned.")
            return redirect("shift_page")
    for read in PARTS.values():
        context |= read(request)
    return render(request, "shifts/page.html", context, status=422)


@require_POST
@needs(TAKE_SHIFT)
def shift_begin(request: HttpRequest) -> HttpResponse:
    """Begin a shift of one's own now."""
    return _take(
        request,
        lambda now, end: add_shift(
            person(request), start=now, end=end, by=person(request), now=now
        ),
    )


@require_POST
@needs(TAKE_SHIFT)
def shift_take_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Take over from somebody who is on shift, with their claims."""
    shift = _find(request, pk)
    return _take(request, lambda now, end: take_over(shift, person(request), end=end, now=now))


def _take(request: HttpRequest, begin: Callable[[datetime, datetime], Shift]) -> HttpResponse:
    now, span = timezone.now(), read_hours(request.POST.get("hours", ""))
    if span is None:
        messages.error(request, _TOO_LONG)
        return redirect("shift_page")
    try:
        shift = begin(now, now + span)
    except ShiftError as error:
        messages.error(request, str(error))
        return redirect("shift_page")
    messages.success(request, f"You are on shift until {shift.end:%H:%M} UTC.")
    return redirect("shift_page")


@require_POST
@needs(TAKE_SHIFT)
def shift_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a shift now, and go to its hand-over page."""
    shift = _own(request, pk)
    if not end_shift(shift, by=person(request), now=timezone.now()):
        messages.warning(request, "That shift is not under way.")
        return redirect("shift_page")
    messages.success(request, "The shift is over. Write what the next person should know.")
    return redirect("shift", pk)


@require_POST
@needs(TAKE_SHIFT)
def shift_call_off(request: HttpRequest, pk: int) -> HttpResponse:
    """Call off a shift that has not begun."""
    if call_off(_own(request, pk), now=timezone.now()):
        messages.success(request, "The shift is called off.")
    else:
        messages.warning(request, "That shift has begun, or was called off before.")
    return redirect("shift_page")


@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """One shift: its log, what was claimed, and a note for the next person."""
    shift = _find(request, pk)
    note, wrong = shift.note, ""
    if request.method == "POST":
        note = request.POST.get("note", "").replace("\0", "").replace("\r\n", "\n").strip()
        wrong = _keep_note(request, pk, note)
        if not wrong:
            return redirect("shift", pk)
        shift = _find(request, pk)  # with what another person wrote
    now = timezone.now()
    end = min(shift.end, now)
    claims = Claim.objects.visible_to(request.user).held_at(min(end, now) - timedelta(seconds=1))
    context = {
        "shift": shift,
        "is_over": shift.end <= now,
        "entries": read_log(person(request), shift.start, end) if shift.start < now else [],
        "claimed": claims.filter(by=shift.person_id).select_related("by", "target", "event"),
        "may_write": _may_change(request, shift),
        "note": note,
        "wrong": wrong,
    }
    return render(request, "shifts/shift.html", context, status=422 if wrong else 200)


def _keep_note(request: HttpRequest, pk: int, note: str) -> str:
    """Store a note; return why not, "" if it is stored."""
    try:
        shift, after = _own(request, pk), _moment(request.POST.get("after", ""))
        write_note(shift, note, by=person(request), now=timezone.now(), after=after)
    except ShiftError as error:
        return str(error)
    messages.success(request, "The note is saved.")
    return ""


def _moment(text: str) -> datetime | None:
    """Read when a note was saved, as the form holds it; None where there was none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _find(request: HttpRequest, pk: int) -> Shift:
    rows = Shift.objects.visible_to(request.user).standing()
    return get_object_or_404(rows.select_related("person", "note_by", "taken_from__person"), pk=pk)


def _own(request: HttpRequest, pk: int) -> Shift:
    """Find a shift that the person may change: an own one, or any for whoever manages the team."""
    shift = _find(request, pk)
    if not _may_change(request, shift):
        raise LackingError(TAKE_SHIFT if shift.person_id == request.user.pk else MANAGE_TEAM)
    return shift


def _may_change(request: HttpRequest, shift: Shift) -> bool:
    user = person(request)
    own = shift.person_id == user.pk and user.has_perm(TAKE_SHIFT)
    return own or user.has_perm(MANAGE_TEAM)


# --- Claims -------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Who has a target; POST claims it, takes it from another, or releases it."""
    if request.method == "POST":
        require(request, TAKE_SHIFT)
    target = get_object_or_404(visible_targets(request.user), pk=pk)
    if request.method == "POST":
        _change_claim(request, target)
        if not request.headers.get("HX-Request"):
            return redirect(looked_at(request) or reverse("targets:detail", args=[pk]))
    held = claims_on([target.pk], now=timezone.now()).get(target.pk)
    context = {"claim": held, "target_pk": target.pk, "claim_event": _event_id(request)}
    context["claim_url"] = reverse("targets:claim", args=[target.pk])
    return render(request, "shifts/_claim.html", context)


def _change_claim(request: HttpRequest, target: BaseTarget) -> None:
    user, now = person(request), timezone.now()
    event = NonLocalizedEvent.objects.filter(event_id=_event_id(request)).first()
    match request.POST.get("do", "claim"):
        case "release":
            held = claims_on([target.pk], now=now).get(target.pk)
            if held is not None and held.by_id == user.pk:
                release_claim(held, by=user, now=now)
        case "take":
            take_claim(target, by=user, now=now, event=event)
        case _:
            try:
                claim_target(target, by=user, now=now, event=event)
            except ClaimedError as error:
                if not request.headers.get("HX-Request"):
                    messages.warning(request, str(error))


def _event_id(request: HttpRequest) -> str:
    values = request.POST if request.method == "POST" else request.GET
    return values.get("event", "").replace("\0", "")[:64]


# --- Since you were away ------------------------------------------------------------------------
@require_safe
def away(request: HttpRequest) -> HttpResponse:
    """What happened since the person was last here."""
    now, user = timezone.now(), person(request)
    since = away_since(user, now=now)
    entries = read_log(user, since, now) if since else []
    return render(request, "shifts/away.html", {"since": since, "entries": entries})


@require_POST
def away_read(request: HttpRequest) -> HttpResponse:
    """Note that the person has read it."""
    mark_read(person(request), now=timezone.now())
    return redirect("tonight")
