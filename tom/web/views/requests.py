"""Observation requests: ask, follow, cancel."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from tom_targets.base_models import BaseTarget

from tom.changes.addresses import silent_addresses
from tom.events.models import NonLocalizedEvent
from tom.followup import services as followup
from tom.followup.asking import requests_at_place, why_not
from tom.followup.facilities import available_facilities
from tom.followup.models import ObservationRequest
from tom.followup.states import RequestState
from tom.kept_queries import Given, kept_query
from tom.photometry import magnitude_of
from tom.pipeline import cancel as cancel_task
from tom.pipeline import nudge
from tom.pipeline import submit as submit_task
from tom.targets.models import POINT_ORDER, LightCurvePoint, PointKind
from tom.targets.visible import Reader, reader_of
from tom.web.keys import read_pk
from tom.web.known import find_to_observe
from tom.web.pagination import page_of
from tom.web.people import person
from tom.web.permissions import CANCEL_REQUEST, REQUEST_OBSERVATION, SWITCH_SENDING
from tom.web.refusals import needs
from tom.web.request_form import RequestForm, choices, choose, empty_form, read_form
from tom.web.visibility import Nights, tonight_for


@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """Requests of targets that the user may see, the newest first."""
    rows = ObservationRequest.objects.visible_to(request.user).select_related(
        "target", "event", "created_by"
    )
    state = request.GET.get("state", "")
    state = "under-way" if state == "live" else state  # "live" is in links that people saved
    if state == "under-way":
        rows = rows.under_way()
    elif state in RequestState.values:
        rows = rows.filter(state=state)
    context = {
        "page": page_of(request, rows),
        "state": state,
        "states": RequestState.choices,
        "sending": followup.is_sending(),
        "silent": silent_addresses(),
        "may_switch": person(request).has_perm(SWITCH_SENDING),
    }
    name = "_list" if request.GET.get("part") == "list" else "list"
    return render(request, f"requests/{name}.html", context)


@require_safe
def request_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One request: its state, its history, and every exchange."""
    name = "_request" if request.GET.get("part") == "request" else "request"
    observation = _find(request, pk)
    context = _told(observation)
    if observation.target is None:
        context["plan"] = observation.plans.filter(created_by=person(request)).only("pk").first()
    if observation.event is not None:
        context["going_on"] = requests_going_on(observation.event, person(request))
    return render(request, f"requests/{name}.html", context)


def _find(request: HttpRequest, pk: int) -> ObservationRequest:
    rows = ObservationRequest.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("target", "event", "created_by"), pk=pk)


def _told(observation: ObservationRequest) -> dict[str, Any]:
    return {
        "observation": observation,
        "facility": available_facilities().get(observation.facility),
        "changes": observation.changes.select_related("by"),
        "strays": observation.strays.all(),
        "exchanges": observation.exchanges.order_by("-pk")[:50],
        "may_release": observation.state == RequestState.HELD
        and not followup.why_not_release(observation),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@needs(REQUEST_OBSERVATION)
def request_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for an observation of a target: the form, and what it sends."""
    target = find_to_observe(pk, request.user)
    if target is None:
        message = "no such target"
        raise Http404(message)
    named = request.POST.get("instrument", request.GET.get("instrument", ""))
    choice = choose(named)
    event = _event(request)
    if choice is None or target.ra is None or target.dec is None:
        return render(request, "requests/nowhere.html", {"target": target})
    now = timezone.now()
    if request.GET.get("part") == "hours":
        return _hours(request, target, read_form(choice, request.GET, now=now))
    if request.method != "POST":
        form = empty_form(choice, now=now, magnitude=_last_magnitude(request, target))
        return _show(request, target, event, form)
    form = read_form(choice, request.POST, now=now)
    return _ask(request, target, event, form)


def _last_magnitude(request: HttpRequest, target: BaseTarget) -> float | None:
    """Return the magnitude of the last detection that the user may see."""
    for flux, flux_error in _last_fluxes(reader_of(request.user), target=target.pk):
        found = magnitude_of(flux=flux, flux_error=flux_error)
        if found.magnitude is not None:
            return found.magnitude
    return None


@kept_query
def _last_fluxes(reader: Reader, *, target: Given) -> QuerySet[LightCurvePoint, Any]:
    points = LightCurvePoint.objects.visible_to(reader.user).filter(target=target)
    seen = points.exclude(kind=PointKind.LIMIT).filter(flux__gt=0)
    return seen.order_by("-time", *POINT_ORDER[1:]).values_list("flux", "flux_error")[:20]


def _hours(request: HttpRequest, target: BaseTarget, form: RequestForm) -> HttpResponse:
    context = {"target": target, "form": form, "nights": _nights(target, form)}
    return render(request, "requests/_hours.html", context)


def _nights(target: BaseTarget, form: RequestForm) -> Nights:
    return tonight_for(target, form.choice.instrument, timezone.now(), form.limits())


def _event(request: HttpRequest) -> NonLocalizedEvent | None:
    name = request.POST.get("event", request.GET.get("event", ""))
    return get_object_or_404(NonLocalizedEvent, event_id=name) if name else None


def _ask(
    request: HttpRequest, target: BaseTarget, event: NonLocalizedEvent | None, form: RequestForm
) -> HttpResponse:
    try:
        observation = followup.request_observation(
            duplicate_of=read_pk(request.POST.get("duplicate_of", "")),
            target=target,
            event=event,
            facility=form.choice.facility.name,
            instrument=form.choice.instrument.name,
            spec=form.spec(),
            by=person(request),
            cancel_if_retracted=event is not None and form.cancel_if_retracted,
        )
    except followup.InvalidSpecError as error:
        form.refuse(error.errors)
    except followup.RefusedRequestError as error:
        form.refuse({"form": [f"Not sent: {error}."]})
    except followup.DuplicateRequestError as error:
        return _show(request, target, event, form, duplicate=error.existing, is_duplicate=True)
    else:
        transaction.on_commit(partial(nudge, submit_task, observation.pk))
        return redirect("request", observation.pk)
    return _show(request, target, event, form)


def _show(
    request: HttpRequest,
    target: BaseTarget,
    event: NonLocalizedEvent | None,
    form: RequestForm,
    **more: object,
) -> HttpResponse:
    context = {
        "target": target,
        "event": event,
        "form": form,
        "choices": choices(),
        "nights": _nights(target, form),
        "under_way": requests_at_place(target, person(request)),
        "refusal": why_not(event, form.choice.facility, target=target),
        "sending": followup.is_sending(),
    }
    status = 200 if request.method != "POST" else 422
    return render(request, "requests/new.html", context | more, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(CANCEL_REQUEST)
def request_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether a request that is under way is cancelled, and cancel it."""
    observation = _find(request, pk)
    if request.method != "POST":
        may_cancel = observation.is_live and observation.state != RequestState.CANCEL_REQUESTED
        context = {"observation": observation, "may_cancel": may_cancel}
        return render(request, "requests/cancel.html", context)
    try:
        changed = followup.cancel_request(observation, person(request))
    except followup.IllegalMoveError:
        messages.warning(request, "The request has ended, or is being cancelled already.")
        return redirect("request", pk)
    if not changed:
        messages.warning(request, "The request has changed meanwhile: look at it again.")
    elif observation.state == RequestState.CANCEL_REQUESTED:
        transaction.on_commit(partial(nudge, cancel_task, pk))
    return redirect("request", pk)


@require_safe
def going_on(request: HttpRequest, event_id: str) -> HttpResponse:
    """The requests under way of a retracted event: the part of a page."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    context = {"event": event, "going_on": requests_going_on(event, person(request))}
    return render(request, "requests/_going_on.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(CANCEL_REQUEST)
def going_on_cancel(request: HttpRequest, event_id: str) -> HttpResponse:
    """Ask whether the requests under way of a retracted event are cancelled, and cancel them."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    observations = requests_going_on(event, person(request))
    if request.method != "POST":
        context = {"event": event, "going_on": observations}
        return render(request, "requests/cancel_all.html", context)
    canceled = [each.pk for each in observations if _cancel(each, person(request))]
    for pk in canceled:
        transaction.on_commit(partial(nudge, cancel_task, pk))
    messages.success(request, f"Requests that are being cancelled: {len(canceled)}.")
    return redirect("event", event_id)


def requests_going_on(event: NonLocalizedEvent, user: User) -> list[ObservationRequest]:
    """Return the requests under way of a retracted event that the user may see."""
    if not event.retracted:
        return []
    rows = followup.going_on(event).visible_to(user)
    return list(rows.select_related("target", "event").order_by("pk"))


def _cancel(observation: ObservationRequest, by: User) -> bool:
    try:
        return followup.cancel_request(observation, by)
    except followup.IllegalMoveError:
        return False  # it ended meanwhile


@require_POST
@needs(REQUEST_OBSERVATION)
def request_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a held request be sent after all."""
    observation = _find(request, pk)
    try:
        changed = followup.release_request(observation, person(request))
    except followup.RefusedRequestError as error:
        messages.warning(request, f"Not released: {error}.")
        return redirect("request", pk)
    except followup.IllegalMoveError:
        changed = False
    if changed:
        transaction.on_commit(partial(nudge, submit_task, pk))
    else:
        messages.warning(request, "The request is no longer held: look at it again.")
    return redirect("request", pk)


@require_POST
@needs(SWITCH_SENDING)
def switch_sending(request: HttpRequest) -> HttpResponse:
    """Stop all sending, or resume it."""
    if request.POST.get("sending") == "on":
        followup.resume_sending(person(request))
    else:
        followup.stop_sending(person(request), reason=request.POST.get("reason", "")[:500])
    return redirect("request_list")
