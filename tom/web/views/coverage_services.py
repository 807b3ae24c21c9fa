"""Services that are asked for the pointings for an event, and what came of it."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.events.models import NonLocalizedEvent
from tom.lookups.pointings import SETTINGS, services_for, want_pointings
from tom.pipeline import ask_pointings, nudge
from tom.pointings.models import Source
from tom.web.permissions import UPLOAD_POINTINGS
from tom.web.refusals import needs


def services_context(event: NonLocalizedEvent) -> dict[str, Any]:
    """What the part of the page shows of the services."""
    found = services_for(event)
    under_way = any(each.query and each.query.is_under_way for each in found)
    return {"services": found, "services_under_way": under_way}


@require_safe
def services(request: HttpRequest, event_id: str) -> HttpResponse:
    """The part of the page that says what the services answered."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    context = {"event": event} | services_context(event)
    return render(request, "coverage/_services.html", context)


@require_POST
@needs(UPLOAD_POINTINGS)
def ask(request: HttpRequest, event_id: str, source: str) -> HttpResponse:
    """Ask a service for the pointings for an event."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    if source not in SETTINGS:
        message = "no such service"
        raise Http404(message)
    query = want_pointings(event, Source(source), now=timezone.now())
    if query is None:
        messages.info(request, "It is not asked now: it answered a short while ago, or cannot be.")
    else:
        transaction.on_commit(partial(nudge, ask_pointings, query))
    return redirect("coverage", event_id)
