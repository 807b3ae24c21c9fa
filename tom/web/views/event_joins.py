"""Say that two events are one physical event, or take them apart."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from tom.events.joins import EventJoin
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.forms.event_names import keys_sought
from tom.intake_events import react_to_change
from tom.joining.doubts import LEVEL, find_doubts
from tom.joining.events import (
    CannotJoinEventsError,
    check_join,
    join_events,
    part_events,
    split_mission,
)
from tom.pipeline import nudge, rank
from tom.web.people import person
from tom.web.permissions import JOIN_EVENTS
from tom.web.refusals import needs


@require_POST
@needs(JOIN_EVENTS)
def join_event(request: HttpRequest, event_id: str) -> HttpResponse:
    """Join this event and another one, given by any of its names; say first what speaks against."""
    found = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    name = request.POST.get("other", "").strip()[:100]
    other = _named(name)
    if other is None or other.pk == found.pk:
        messages.error(request, f"There is no other event {name}." if name else "Name an event.")
        return redirect("event", event_id)
    try:
        check_join([found, other])
    except CannotJoinEventsError as error:
        messages.error(request, str(error))
        return redirect("event", event_id)
    doubts = None if request.POST.get("anyway") == "yes" else find_doubts(found, other)
    if doubts is not None:
        context = {"event": found, "other": other, "both": [found, other]}
        context |= {"doubts": doubts, "level": LEVEL}
        return render(request, "events/join.html", context, status=422)
    said = f"{found.event_id} and {other.event_id} are one event."
    return _do(request, found, said, partial(join_events, found, other, by=person(request)))


@require_POST
@needs(JOIN_EVENTS)
def part_event(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """Take apart two events that were joined."""
    found = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    join = get_object_or_404(EventJoin.objects.select_related("other"), kept=found, pk=pk)
    said = f"{join.other.event_id} is an event of its own again."
    return _do(request, found, said, partial(part_events, join, by=person(request)))


@require_POST
@needs(JOIN_EVENTS)
def split_event(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """Take the messages of one mission out of the event."""
    found = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    sequence = get_object_or_404(EventSequence.objects.filter(event=found), pk=pk)
    said = f"What {sequence.sender} says is of an event of its own."
    return _do(request, found, said, partial(split_mission, sequence, by=person(request)))


def _do(
    request: HttpRequest, found: NonLocalizedEvent, said: str, change: Callable[[], EventJoin]
) -> HttpResponse:
    """Change what belongs together, do what that calls for, and go to the event that is kept."""
    try:
        with transaction.atomic():
            join = change()
            for event in NonLocalizedEvent.objects.filter(pk__in=[join.kept_id, join.other_id]):
                react_to_change(event)
                transaction.on_commit(partial(nudge, rank, event.pk))
    except CannotJoinEventsError as error:
        messages.error(request, str(error))
        return redirect("event", found.event_id)
    messages.success(request, said)
    return redirect("event", join.kept.event_id)


def _named(name: str) -> NonLocalizedEvent | None:
    rows = NonLocalizedEvent.objects
    exact = rows.filter(event_id=name).first()
    named = (rows.filter(names__contains=[key]).order_by("pk") for key in keys_sought(name))
    return exact or next((found for each in named if (found := each.first())), None)
