"""Send a plan as requests: what is asked for, what it takes, and the click that sends it."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tom.followup import services as followup
from tom.followup.asking import why_not
from tom.followup.models import ObservationRequest
from tom.pipeline import nudge
from tom.pipeline import submit as submit_task
from tom.planning.models import PlanState
from tom.planning.sending import Way, send_plan
from tom.web.people import person
from tom.web.permissions import REQUEST_OBSERVATION
from tom.web.plan_send_form import SendForm, empty_send_form, send_choices
from tom.web.refusals import needs
from tom.web.views.plans import find_plan


@require_http_methods(["GET", "HEAD", "POST"])
@needs(REQUEST_OBSERVATION)
def plan_send(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """What a plan asks of a facility, to confirm; POST sends it."""
    plan = find_plan(request, event_id, pk)
    choices = send_choices()
    is_sent = request.method == "POST"
    data = request.POST if is_sent else request.GET
    form = empty_send_form(plan, choices, data.get("instrument", ""))
    if form is None or plan.state != PlanState.DONE or not plan.result["pointings"]:
        return render(request, "plans/nothing_to_send.html", {"plan": plan, "event": plan.event})
    if is_sent:
        form.read(request.POST.dict())
    way = form.way()
    if is_sent and way is not None and (sent := _send(request, form, way)):
        messages.success(request, f"Requests that are being sent: {len(sent)}.")
        return redirect("plan", event_id, pk)
    return _show(request, form, way)


def _send(request: HttpRequest, form: SendForm, way: Way) -> list[ObservationRequest]:
    """Send a plan; nothing is returned if it is refused, which the form then tells."""
    try:
        sent = send_plan(form.plan, way, by=person(request))
    except followup.InvalidSpecError as error:
        form.refuse(error.errors)
    except followup.RefusedRequestError as error:
        form.refuse({"form": [f"Not sent: {error}."]})
    except followup.DuplicateRequestError as error:
        form.refuse({"form": [_already(error)]})
    else:
        for each in sent:
            transaction.on_commit(partial(nudge, submit_task, each.pk))
        return sent
    return []


def _already(error: followup.DuplicateRequestError) -> str:
    which = f"request {error.existing.pk}" if error.existing else "a request"
    return f"Not sent: {which} of this plan is under way on this instrument. Cancel it first."


def _show(request: HttpRequest, form: SendForm, way: Way | None) -> HttpResponse:
    event = form.plan.event
    context = {
        "plan": form.plan,
        "event": event,
        "form": form,
        "choices": send_choices(),
        "cost": form.cost(way, now=timezone.now()) if way else None,
        "refusal": why_not(event, form.choice.facility, target=None),
        "sending": followup.is_sending(),
    }
    status = 200 if request.method != "POST" else 422
    return render(request, "plans/send.html", context, status=status)
