"""Events that people make by hand: make one, correct it, retract it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tom.events.by_hand import (
    CannotMakeEventError,
    CannotSayError,
    EventExistsError,
    correct_event,
    made_by,
    make_event,
    retract_event,
)
from tom.events.models import EventSequence
from tom.formats.values import clean
from tom.streams.models import AlertMessage
from tom.web.event_by_hand import MOST_WHY, NewEventForm, TellForm, initial_of, work_now
from tom.web.people import person
from tom.web.permissions import MAKE_EVENT
from tom.web.refusals import needs

Say = Callable[[], AlertMessage | None]


@require_http_methods(["GET", "HEAD", "POST"])
@needs(MAKE_EVENT)
def event_new(request: HttpRequest) -> HttpResponse:
    """Make an event by hand."""
    if request.method != "POST":
        return render(request, "events/new.html", {"form": NewEventForm()})
    form, exists = NewEventForm(request.POST, request.FILES), ""
    if form.is_valid():
        try:
            return _go_on(request, _make(request, form))
        except CannotMakeEventError as error:
            form.refuse(error.field, str(error))
        except EventExistsError as error:
            form.add_error("name", str(error))
            exists = error.event_id
    return render(request, "events/new.html", {"form": form, "exists": exists}, status=422)


def _make(request: HttpRequest, form: NewEventForm) -> AlertMessage:
    data = form.cleaned_data
    return make_event(
        form.told(),
        name=data["name"],
        kind=data["kind"],
        is_test=data["is_test"],
        by=person(request),
        now=timezone.now(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(MAKE_EVENT)
def event_by_hand(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct an event that one made by hand, or retract it."""
    first = get_object_or_404(made_by(person(request)).select_related("event"), pk=pk)
    if request.method != "POST":
        form = TellForm(initial=initial_of(first, first.event))
        return _show(request, first, form, status=200)
    if request.POST.get("do") == "retract":
        why = clean(request.POST.get("why", "").strip())[:MOST_WHY]
        return _say(request, first, lambda: retract_event(first, why=why, now=timezone.now()))
    form = TellForm(request.POST, request.FILES)
    if form.is_valid():
        told = form.told()
        try:
            return _say(request, first, lambda: correct_event(first, told, now=timezone.now()))
        except CannotMakeEventError as error:
            form.refuse(error.field, str(error))
    return _show(request, first, form, status=422)


def _show(
    request: HttpRequest, first: EventSequence, form: TellForm, *, status: int
) -> HttpResponse:
    context = {"form": form, "event": first.event, "first": first}
    return render(request, "events/by_hand.html", context, status=status)


def _say(
    request: HttpRequest, first: EventSequence, say: Callable[[], AlertMessage | None]
) -> HttpResponse:
    try:
        message = say()
    except CannotSayError as error:
        messages.error(request, str(error))
        return redirect("event", first.event.event_id)
    if message is None:
        messages.info(request, "Nothing changed: that was said already.")
        return redirect("event", first.event.event_id)
    return _go_on(request, message)


def _go_on(request: HttpRequest, message: AlertMessage) -> HttpResponse:
    """Do the message's work, and go to its event; if a worker must do it, to the message."""
    event = work_now(message)
    if event is None:
        messages.warning(request, "Your message is kept and waits to be worked on.")
        return redirect("message", message.pk)
    messages.success(request, f"What you said of {event.event_id} is in its chain.")
    return redirect("event", event.event_id)
