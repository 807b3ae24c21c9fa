"""The messages of an event's chain: set a wrong one aside, and undo that."""

from functools import partial

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from tom.events.models import EventSequence
from tom.events.services import set_aside, take_back
from tom.intake_events import react_to_change
from tom.pipeline import nudge, rank
from tom.web.people import person
from tom.web.permissions import SET_ASIDE_MESSAGE
from tom.web.refusals import needs


@require_POST
@needs(SET_ASIDE_MESSAGE)
def set_message_aside(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """Set a message aside: its event ignores it; `undo` lets it count again."""
    rows = EventSequence.objects.filter(event__event_id=event_id)
    sequence = get_object_or_404(rows, pk=pk)
    with transaction.atomic():
        if request.POST.get("undo"):
            event = take_back(sequence)
        else:
            event = set_aside(sequence, by=person(request))
        react_to_change(event)
        transaction.on_commit(partial(nudge, rank, event.pk))
    return redirect("event", event_id)
