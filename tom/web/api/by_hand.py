"""Events made by hand: make one, correct one's own, retract it."""

import binascii
from base64 import b64decode
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tom.events.by_hand import (
    CannotMakeEventError,
    CannotSayError,
    EventExistsError,
    Told,
    correct_event,
    made_by,
    make_event,
    retract_event,
)
from tom.events.models import EventKind, EventSequence
from tom.forms.by_hand import MOST_NAME, Circle
from tom.streams.models import AlertMessage
from tom.web.api.access import MayMakeEvents
from tom.web.api.events import EventList, EventSerializer, told_events
from tom.web.api.requests import ConflictError
from tom.web.event_by_hand import MOST_BYTES, MOST_WHY, work_now
from tom.web.people import person

HTTP_202 = status.HTTP_202_ACCEPTED
MOST_TEXT = MOST_BYTES * 4 // 3 + 4


class CircleSerializer(serializers.Serializer[dict[str, Any]]):
    """A place with its error circle."""

    ra = serializers.FloatField(min_value=0, max_value=360, help_text="ICRS degrees")
    dec = serializers.FloatField(min_value=-90, max_value=90, help_text="ICRS degrees")
    radius_deg = serializers.FloatField(min_value=1e-9, max_value=180)
    containment = serializers.FloatField(
        min_value=0.01, max_value=0.9999, default=0.9, help_text="Chance that the circle holds it"
    )


@extend_schema_field({"type": "string", "format": "byte"})
class MapField(serializers.CharField):
    """A FITS file in base64, to bytes."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return b64decode(super().to_internal_value(data), validate=True)
        except (binascii.Error, ValueError) as error:
            message = f"not base64: {error}"
            raise ValidationError(message) from error


class TellSerializer(serializers.Serializer[dict[str, Any]]):
    """When an event happened, and where: a circle or a map."""

    time = serializers.DateTimeField(help_text="When it happened")
    circle = CircleSerializer(required=False, allow_null=True)
    map = MapField(
        required=False,
        allow_null=True,
        max_length=MOST_TEXT,
        help_text="A FITS file, gzipped or not, in base64; a request has 2 MiB at most",
    )
    why = serializers.CharField(max_length=MOST_WHY, default="", allow_blank=True)


class NewEventSerializer(TellSerializer):
    """An event to make by hand."""

    name = serializers.CharField(max_length=MOST_NAME, help_text="The event's id has it at its end")
    kind = serializers.ChoiceField(choices=EventKind.choices)
    is_test = serializers.BooleanField(default=False, help_text="It reaches nothing real")


class WhySerializer(serializers.Serializer[dict[str, Any]]):
    """Why an event is retracted."""

    why = serializers.CharField(max_length=MOST_WHY, default="", allow_blank=True)


class Events(EventList):
    """List events, the newest first; make one by hand."""

    permission_classes = (IsAuthenticated, MayMakeEvents)

    @extend_schema(request=NewEventSerializer, responses={201: EventSerializer, 202: None})
    def post(self, request: Request) -> Response:
        asked = NewEventSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        try:
            message = make_event(
                _told(given),
                name=given["name"],
                kind=given["kind"],
                is_test=given["is_test"],
                by=person(request),
                now=timezone.now(),
            )
        except CannotMakeEventError as error:
            raise _invalid(error) from error
        except EventExistsError as error:
            raise ConflictError({"detail": str(error), "existing": error.event_id}) from error
        return _answer(message, status=status.HTTP_201_CREATED)


class Making(APIView):
    """Correct an event that one made by hand, or retract it."""

    permission_classes = (IsAuthenticated, MayMakeEvents)

    @extend_schema(request=TellSerializer, responses={200: EventSerializer, 202: None})
    def put(self, request: Request, event_id: str) -> Response:
        first = _find(request, event_id)
        asked = TellSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            message = correct_event(first, _told(asked.validated_data), now=timezone.now())
        except CannotMakeEventError as error:
            raise _invalid(error) from error
        except CannotSayError as error:
            raise ConflictError(str(error)) from error
        return _answer(message, first)

    @extend_schema(request=WhySerializer, responses={200: EventSerializer, 202: None})
    def delete(self, request: Request, event_id: str) -> Response:
        first = _find(request, event_id)
        asked = WhySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            why = asked.validated_data["why"]
            message = retract_event(first, why=why, now=timezone.now())
        except CannotSayError as error:
            raise ConflictError(str(error)) from error
        return _answer(message, first)


def _told(given: dict[str, Any]) -> Told:
    circle = given.get("circle")
    return Told(
        time=given["time"],
        circle=Circle(**circle) if circle else None,
        fits=given.get("map") or None,
        why=given["why"],
    )


def _invalid(error: CannotMakeEventError) -> ValidationError:
    return ValidationError({"circle" if error.field == "where" else error.field: [str(error)]})


def _find(request: Request, event_id: str) -> EventSequence:
    """The message by which the person made this event, or one that was joined to it."""
    rows = made_by(person(request)).select_related("event")
    found = rows.filter(message__name=event_id).first()
    found = found or rows.filter(event__event_id=event_id).first()
    if found is None:
        raise Http404
    return found


def _answer(
    message: AlertMessage | None,
    first: EventSequence | None = None,
    *,
    status: int = status.HTTP_200_OK,
) -> Response:
    """Tell of the event; 202 where its message is kept and a worker must do the work."""
    event = work_now(message) if message else None
    pk = event.pk if event else (first.event_id if first and message is None else None)
    if pk is None:
        return Response(status=HTTP_202)
    return Response(EventSerializer(told_events().get(pk=pk)).data, status=status)
