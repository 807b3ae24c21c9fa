"""Plans of a night: have one made, follow it, send it as requests."""

from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from tom.events.localizations import chosen_localization
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.followup.services import (
    DuplicateRequestError,
    InvalidSpecError,
    RefusedRequestError,
    UnknownFacilityError,
)
from tom.pipeline import make_plan, nudge, submit
from tom.planning import services
from tom.planning.models import Plan, PlanState
from tom.planning.plain import Task, write_task
from tom.planning.sending import Way, send_plan
from tom.planning.telescopes import TELESCOPES
from tom.web.api.access import MayPlan
from tom.web.api.parameters import takes
from tom.web.api.requests import ConflictError, RequestSerializer, told_requests
from tom.web.people import person
from tom.web.plan_covered import find_covered
from tom.web.plan_form import LONGEST_TEXT, PlanForm, form_of, named_telescope, read_plan_form
from tom.web.plan_send_form import SendForm, empty_send_form, send_choices
from tom.web.views.plans import PLANS_SHOWN, refuse_unplannable


class PlanSerializer(serializers.ModelSerializer[Plan]):
    """A plan: how far it is, what was asked, and what came of it."""

    event = serializers.CharField(source="event.event_id", read_only=True)
    requests = serializers.PrimaryKeyRelatedField[Any](many=True, read_only=True)
    task = serializers.JSONField(read_only=True, help_text="The telescope and what was asked")
    result = serializers.JSONField(
        read_only=True,
        help_text="`pointings`, `probability`, and `faults`: what the check says; empty: none yet",
    )

    class Meta:
        model = Plan
        fields = (
            *("id", "event", "map_name", "telescope", "state", "step", "reason"),
            *("created", "finished", "requests", "task", "result"),
        )


class ShortPlanSerializer(PlanSerializer):
    """A plan without what was asked and what came of it."""

    class Meta:
        model = Plan
        fields = tuple(
            name for name in PlanSerializer.Meta.fields if name not in {"task", "result"}
        )


class NewPlanSerializer(serializers.Serializer[dict[str, Any]]):
    """What to plan: a telescope, and which of its figures are others."""

    telescope = serializers.ChoiceField(choices=[each.name for each in TELESCOPES])
    values = serializers.DictField(
        child=serializers.CharField(max_length=LONGEST_TEXT, allow_blank=True),
        default=dict,
        help_text="Fields of the form of a plan, as one types them",
    )
    covered = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        max_length=PLANS_SHOWN,
        default=list,
        help_text="Your checked plans whose fields need no observation",
    )


class SendPlanSerializer(serializers.Serializer[dict[str, Any]]):
    """How a plan is sent; what is left out is as in the form."""

    facility = serializers.CharField(max_length=32)
    instrument = serializers.CharField(max_length=64)
    elements = serializers.DictField(
        child=serializers.CharField(max_length=64),
        default=dict,
        help_text="The facility's filter for each band of the plan",
    )
    seconds = serializers.FloatField(required=False, help_text="Of each exposure")
    leeway_minutes = serializers.FloatField(
        required=False, help_text="An exposure may begin within such a time around its planned one"
    )
    mode = serializers.CharField(max_length=32, required=False)
    cancel_if_retracted = serializers.BooleanField(
        default=False, help_text="Cancel it at the facility at once if the event is retracted"
    )


class PlanList(generics.GenericAPIView[Plan]):
    """List your own plans for an event, the newest first; have one made."""

    permission_classes = (IsAuthenticated, MayPlan)
    serializer_class = ShortPlanSerializer
    queryset = Plan.objects.none()

    def get_queryset(self) -> QuerySet[Plan]:
        return _own(self.request).filter(event=self._event()).defer("task", "form", "result")

    def _event(self) -> NonLocalizedEvent:
        return get_object_or_404(NonLocalizedEvent, event_id=self.kwargs["event_id"])

    @takes(in_pages=True)
    @extend_schema(responses=ShortPlanSerializer(many=True))
    def get(self, request: Request, event_id: str) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(ShortPlanSerializer(page, many=True).data)

    @extend_schema(request=NewPlanSerializer, responses={201: PlanSerializer})
    def post(self, request: Request, event_id: str) -> Response:
        event, user = self._event(), person(request)
        asked = NewPlanSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        form = _read(asked.validated_data, event, user)
        use = chosen_localization(event)
        refuse_unplannable(form, event, use, user)
        if form.errors or form.task is None or use is None:
            raise ValidationError(form.errors)
        plan = _make(event, use, form, form.task, user)
        transaction.on_commit(partial(nudge, make_plan, plan.pk))
        return Response(PlanSerializer(plan).data, status=status.HTTP_201_CREATED)


class PlanDetail(generics.RetrieveAPIView[Plan]):
    """Show one of your plans, with its pointings and what the check says."""

    permission_classes = (IsAuthenticated, MayPlan)
    serializer_class = PlanSerializer
    queryset = Plan.objects.none()

    def get_queryset(self) -> QuerySet[Plan]:
        return _own(self.request)


@extend_schema(request=SendPlanSerializer, responses={201: RequestSerializer(many=True)})
@api_view(["POST"])
@permission_classes([IsAuthenticated, MayPlan])
def send(request: Request, pk: int) -> Response:
    """Send a checked plan as requests."""
    plan = get_object_or_404(_own(request), pk=pk)
    asked = SendPlanSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    sent = _send(plan, _way(plan, asked.validated_data), by=person(request))
    for key in sent:
        transaction.on_commit(partial(nudge, submit, key))
    shown = told_requests(request).filter(pk__in=sent).order_by("pk")
    return Response(RequestSerializer(shown, many=True).data, status=status.HTTP_201_CREATED)


def _own(request: Request) -> QuerySet[Plan]:
    rows = Plan.objects.filter(created_by=person(request)).select_related("event")
    return rows.prefetch_related("requests").defer("form")


# --- Making one ---------------------------------------------------------------------------------
def _read(given: dict[str, Any], event: NonLocalizedEvent, user: User) -> PlanForm:
    """Read what is asked as the form does, which judges each field."""
    telescope = named_telescope(given["telescope"]) or TELESCOPES[0]
    usual = form_of(telescope, now=timezone.now()).values
    unknown = sorted(given["values"].keys() - usual.keys())
    if unknown:
        raise ValidationError({"values": [f"No fields of the form: {', '.join(unknown)[:300]}"]})
    done = Plan.objects.filter(
        event=event, created_by=user, state=PlanState.DONE, pk__in=given["covered"]
    )
    if len(done) != len(set(given["covered"])):
        raise ValidationError({"covered": ["Checked plans of yours for this event"]})
    return read_plan_form(
        usual | given["values"],
        covered=[str(plan.pk) for plan in done],
        done=list(done),
        find=find_covered(event, user),
    )


def _make(
    event: NonLocalizedEvent, use: EventLocalization, form: PlanForm, task: Task, user: User
) -> Plan:
    """Make the plan, unless the person has asked for the same one."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one call after another
        same = Plan.objects.filter(
            created_by=user, event=event, localization=use.localization_id, task=write_task(task)
        )
        known = same.exclude(state=PlanState.FAILED).values_list("pk", flat=True).first()
        if known is not None:
            raise ConflictError({"detail": "You have this plan.", "existing": str(known)})
        return services.make_plan(event, use, task, form=form.values, by=user)


# --- Sending it ---------------------------------------------------------------------------------
def _way(plan: Plan, given: dict[str, Any]) -> Way:
    """How the plan is sent, as the form reads it."""
    if plan.state != PlanState.DONE or not plan.result["pointings"]:
        message = "Only a plan that passed its check, with a pointing, is sent."
        raise ConflictError(message)
    name = f"{given['facility']}:{given['instrument']}"
    choices = [each for each in send_choices() if each.value == name]
    form = empty_send_form(plan, choices, name)
    if form is None:
        raise ValidationError({"instrument": ["no instrument that takes plans"]})
    form.read(_typed(form, given))
    way = form.way()
    if way is None:
        raise ValidationError(form.errors)
    return way


def _typed(form: SendForm, given: dict[str, Any]) -> dict[str, str]:
    """What is given, in the words of the form."""
    typed = {
        "seconds": str(given.get("seconds", form.seconds)),
        "leeway": str(given.get("leeway_minutes", form.leeway)),
        "mode": given.get("mode", form.mode),
    }
    typed |= {
        f"element-{i}": given["elements"].get(band, element) for i, band, element in form.bands
    }
    return typed | ({"cancel_if_retracted": "on"} if given["cancel_if_retracted"] else {})


def _send(plan: Plan, way: Way, *, by: User) -> list[int]:
    """Send the plan, each refusal as the answer it deserves; return the requests' keys."""
    try:
        return [each.pk for each in send_plan(plan, way, by=by)]
    except InvalidSpecError as error:
        raise ValidationError(error.errors) from error
    except UnknownFacilityError as error:
        raise ValidationError({"facility": [str(error)]}) from error
    except RefusedRequestError as error:
        raise ConflictError(str(error)) from error
    except DuplicateRequestError as error:
        existing = str(error.existing.pk) if error.existing else ""
        raise ConflictError({"detail": str(error), "existing": existing}) from error
