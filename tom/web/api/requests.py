"""Observation requests: ask for one, follow it, cancel it."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest, StateChange
from tom.followup.services import (
    DuplicateRequestError,
    IllegalMoveError,
    InvalidSpecError,
    RefusedRequestError,
    UnknownFacilityError,
    cancel_request,
    request_observation,
)
from tom.followup.spec import Exposure, ObservationSpec
from tom.followup.states import RequestState
from tom.pipeline import cancel, nudge, submit
from tom.web.api.access import MayCancelRequests, MayRequestObservations
from tom.web.api.filters import read_choice
from tom.web.api.parameters import takes
from tom.web.known import find_to_observe
from tom.web.people import person


class ConflictError(APIException):
    """What is asked for is at odds with how things stand."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "It has changed meanwhile: read it again."


class StateChangeSerializer(serializers.ModelSerializer[StateChange]):
    """One change of a request's state."""

    by = serializers.CharField(source="by.username", default=None, allow_null=True)

    class Meta:
        model = StateChange
        fields = ("old", "new", "reason", "by", "created")


class RequestSerializer(serializers.ModelSerializer[ObservationRequest]):
    """A request and where it stands."""

    event = serializers.CharField(source="event.event_id", default=None, allow_null=True)
    target_name = serializers.CharField(
        source="target.name",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="Null, as `target`: it is for fields of a plan",
    )
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)
    changes = StateChangeSerializer(many=True, read_only=True)
    sent = serializers.DateTimeField(
        source="tried_at", read_only=True, help_text="When it was last being sent"
    )

    class Meta:
        model = ObservationRequest
        fields = (
            *("id", "target", "target_name", "event", "facility", "instrument", "spec", "key"),
            *("window_start", "window_end", "cancel_if_retracted"),
            *("state", "reason", "attempts", "sent"),
            *("remote_id", "remote_state", "polled", "created_by", "created", "changes"),
        )


def _spec_schema() -> dict[str, Any]:
    """Describe `ObservationSpec` without references, which would point outside its own part."""
    schema = ObservationSpec.model_json_schema()
    schema.pop("$defs", None)
    schema["properties"]["exposures"]["items"] = Exposure.model_json_schema()
    return schema


@extend_schema_field(_spec_schema())
class SpecField(serializers.DictField):
    """What to observe, as `ObservationSpec` has it."""


class NewRequestSerializer(serializers.Serializer[dict[str, Any]]):
    """What to observe: a target, for an event or not, on an instrument of a facility."""

    target = serializers.IntegerField()
    event = serializers.CharField(required=False, allow_null=True, help_text="Event id")
    facility = serializers.CharField(max_length=32)
    instrument = serializers.CharField(max_length=64)
    spec = SpecField()
    cancel_if_retracted = serializers.BooleanField(
        default=False, help_text="Cancel it at the facility at once if the event is retracted"
    )
    duplicate_of = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="Number of the request under way of which this one is a wanted duplicate",
    )


class RequestList(generics.ListCreateAPIView[ObservationRequest]):
    """List the requests of targets that you may see, the newest first; ask for an observation."""

    permission_classes = (IsAuthenticated, MayRequestObservations)
    serializer_class = RequestSerializer
    queryset = ObservationRequest.objects.none()

    def get_queryset(self) -> QuerySet[ObservationRequest]:
        requests = told_requests(self.request)
        state = read_choice(self.request, "state", RequestState.values)
        return requests.filter(state=state) if state else requests

    @takes(OpenApiParameter("state", str, enum=RequestState.values))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=NewRequestSerializer, responses={201: RequestSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = NewRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = _ask(request, asked.validated_data)
        transaction.on_commit(partial(nudge, submit, made.pk))
        shown = told_requests(request).get(pk=made.pk)
        return Response(RequestSerializer(shown).data, status=status.HTTP_201_CREATED)


class RequestDetail(generics.RetrieveAPIView[ObservationRequest]):
    """Show one request with its changes of state."""

    serializer_class = RequestSerializer
    queryset = ObservationRequest.objects.none()

    def get_queryset(self) -> QuerySet[ObservationRequest]:
        return told_requests(self.request)


@extend_schema(request=None, responses={202: RequestSerializer})
@api_view(["POST"])
@permission_classes([IsAuthenticated, MayCancelRequests])
def cancel_one(request: Request, pk: int) -> Response:
    """Cancel a request: at once where it was never sent, else by telling the facility."""
    row = get_object_or_404(told_requests(request), pk=pk)
    try:
        changed = cancel_request(row, by=person(request))
    except IllegalMoveError as error:
        raise ConflictError(str(error)) from error
    if not changed:
        raise ConflictError
    transaction.on_commit(partial(nudge, cancel, row.pk))
    shown = told_requests(request).get(pk=pk)
    return Response(RequestSerializer(shown).data, status=status.HTTP_202_ACCEPTED)


def told_requests(request: Request) -> QuerySet[ObservationRequest]:
    """Requests whose target the user may see, with all that the API tells of them."""
    rows = ObservationRequest.objects.visible_to(request.user)
    rows = rows.select_related("target", "event", "created_by")
    return rows.prefetch_related("changes__by").order_by("-created", "-pk")


def _ask(request: Request, asked: dict[str, Any]) -> ObservationRequest:
    """Make the request, each refusal as the answer it deserves."""
    target = find_to_observe(asked["target"], request.user)
    if target is None:
        raise ValidationError({"target": ["no such target"]})
    try:
        return request_observation(
            duplicate_of=asked["duplicate_of"],
            target=target,
            event=_named_event(asked.get("event")),
            facility=asked["facility"],
            instrument=asked["instrument"],
            spec=asked["spec"],
            by=person(request),
            cancel_if_retracted=asked["cancel_if_retracted"],
        )
    except InvalidSpecError as error:
        raise ValidationError({"spec": error.errors}) from error
    except UnknownFacilityError as error:
        raise ValidationError({"facility": [str(error)]}) from error
    except RefusedRequestError as error:
        raise ConflictError(str(error)) from error
    except DuplicateRequestError as error:
        existing = str(error.existing.pk) if error.existing else ""
        raise ConflictError({"detail": str(error), "existing": existing}) from error


def _named_event(event_id: str | None) -> NonLocalizedEvent | None:
    if event_id is None:
        return None
    event = NonLocalizedEvent.objects.filter(event_id=event_id).first()
    if event is None:
        raise ValidationError({"event": ["no such event"]})
    return event
