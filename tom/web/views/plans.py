"""The plans of an event: the form, one plan as it is made, and its exports."""

import math
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Func, IntegerField, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from tom.events.localizations import chosen_localization
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.pipeline import make_plan, nudge
from tom.planning import services
from tom.planning.export import as_csv, as_json, as_treasure_map, why_no_treasure_map
from tom.planning.models import Plan, PlanState
from tom.planning.plain import read_schedule
from tom.planning.telescopes import TELESCOPES
from tom.web.keys import read_pk
from tom.web.people import person
from tom.web.permissions import REQUEST_OBSERVATION
from tom.web.plan_covered import find_covered
from tom.web.plan_form import PlanForm, form_again, form_of, named_telescope, read_plan_form
from tom.web.plots.plan_map import draw_plan
from tom.web.refusals import needs

PLANS_SHOWN = 30


@require_http_methods(["GET", "HEAD", "POST"])
@needs(REQUEST_OBSERVATION)
def plan_list(request: HttpRequest, event_id: str) -> HttpResponse:
    """The form of a plan, and one's own plans for the event; POST asks for one."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    own = _own(request, event)
    use = chosen_localization(event)
    if request.method != "POST":
        return _show(request, event, _blank(request, own))
    done = own.filter(state=PlanState.DONE)
    user = person(request)
    form = read_plan_form(
        request.POST.dict(),
        covered=request.POST.getlist("covered"),
        done=list(done[:PLANS_SHOWN]),
        find=find_covered(event, user),
    )
    refuse_unplannable(form, event, use, user)
    if form.errors or form.task is None or use is None:
        return _show(request, event, form, status=422)
    plan = services.make_plan(event, use, form.task, form=form.values, by=user)
    transaction.on_commit(partial(nudge, make_plan, plan.pk))
    return redirect("plan", event.event_id, plan.pk)


@require_safe
@needs(REQUEST_OBSERVATION)
def plan_page(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """One plan; `?part=plan` is fetched again while it is made."""
    plan = find_plan(request, event_id, pk)
    part = request.GET.get("part") == "plan"
    return render(request, "plans/_plan.html" if part else "plans/plan.html", _about(plan))


@require_safe
@needs(REQUEST_OBSERVATION)
def plan_export(request: HttpRequest, event_id: str, pk: int, form: str) -> HttpResponse:
    """A plan that the check passed, as a file."""
    plan = find_plan(request, event_id, pk)
    if plan.state != PlanState.DONE:
        message = "only a checked plan is exported"
        raise Http404(message)
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in plan.event.event_id)
    match form:
        case "json":
            answer: HttpResponse = JsonResponse(as_json(plan), json_dumps_params={"indent": 1})
        case "csv":
            answer = HttpResponse(as_csv(plan), content_type="text/csv; charset=utf-8")
        case "treasuremap" if not why_no_treasure_map(plan):
            answer = JsonResponse(as_treasure_map(plan), json_dumps_params={"indent": 1})
        case _:
            message = "no such form"
            raise Http404(message)
    ending = "csv" if form == "csv" else "json"
    file_name = f"{name}-plan-{plan.pk}{'-treasuremap' if form == 'treasuremap' else ''}.{ending}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return answer


def refuse_unplannable(
    form: PlanForm, event: NonLocalizedEvent, use: EventLocalization | None, user: User
) -> None:
    """Say in a form why no plan can be made of it for an event's map."""
    if use is None:
        form.refuse("form", "The event has no map to plan for.")
    elif event.retracted:
        form.refuse("form", f"{event.event_id} is retracted: there is nothing to look for.")
    elif services.has_too_many(user):
        form.refuse("form", "Your earlier plans are still being made. Try again in a minute.")
    elif form.task and form.task.wanted.reach_mpc < math.inf and not _has_distances(use):
        form.refuse("source_magnitude", "The map has no distances: leave it empty.")


def _has_distances(use: EventLocalization) -> bool:
    return use.localization.distance_fraction > 0


def _own(request: HttpRequest, event: NonLocalizedEvent) -> QuerySet[Plan]:
    return Plan.objects.filter(event=event, created_by=person(request))


def find_plan(request: HttpRequest, event_id: str, pk: int) -> Plan:
    """Return a person's own plan, without its map; or answer 404."""
    rows = Plan.objects.filter(event__event_id=event_id, created_by=person(request))
    rows = rows.select_related("event", "localization").defer(
        "localization__fits", "localization__packed"
    )
    return get_object_or_404(rows, pk=pk)


def _blank(request: HttpRequest, own: QuerySet[Plan]) -> PlanForm:
    """The form with a declared telescope's figures, or as it was filled in for an earlier plan."""
    again = read_pk(request.GET.get("again", ""))
    earlier = None if again is None else own.filter(pk=again).first()
    if earlier is not None:
        return form_again(earlier)
    telescope = named_telescope(request.GET.get("telescope", "")) or TELESCOPES[0]
    return form_of(telescope, now=timezone.now())


def _show(
    request: HttpRequest, event: NonLocalizedEvent, form: PlanForm, *, status: int = 200
) -> HttpResponse:
    rows = _own(request, event).defer("task", "form", "result")
    pointings = Func(
        F("result__pointings"), function="jsonb_array_length", output_field=IntegerField()
    )
    rows = rows.annotate(n_pointings=pointings, probability=F("result__probability"))
    plans = list(rows[:PLANS_SHOWN])
    context = {
        "event": event,
        "use": chosen_localization(event),
        "form": form,
        "telescopes": [each.name for each in TELESCOPES],
        "plans": plans,
        "done": [plan for plan in plans if plan.state == PlanState.DONE],
    }
    return render(request, "plans/list.html", context, status=status)


def _about(plan: Plan) -> dict[str, Any]:
    requests = plan.requests.select_related("event").order_by("pk")
    context: dict[str, Any] = {"plan": plan, "event": plan.event, "requests": requests}
    if not plan.result:
        return context
    schedule = read_schedule(plan.result)
    if schedule.pointings:
        contours = plan.localization.contours
        context["map"] = draw_plan(contours, schedule.pointings, plan.task["telescope"])
    upto, rows = 0.0, []
    for each in schedule.pointings:
        upto += each.gain
        rows.append((each, upto))
    return context | {
        "schedule": schedule,
        "more": f"{schedule.more_possible:.1%}",
        "rows": rows,
        "visits": plan.task.get("visits"),
        "no_treasure_map": why_no_treasure_map(plan),
    }
