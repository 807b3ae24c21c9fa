"""Timelines as JSON."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tom.events.models import NonLocalizedEvent
from tom.web.notice_timeline import notice_timeline
from tom.web.timeline import LABELS, NOTICE_LABELS, Step, Timeline


class StepSerializer(serializers.Serializer[Step]):
    """One step of the way; without a time it did not happen, or it was not kept."""

    name = serializers.CharField(help_text=", ".join([*NOTICE_LABELS, *LABELS]))
    time = serializers.DateTimeField(allow_null=True, help_text="UTC; exposure: its middle")
    seconds_after = serializers.FloatField(
        allow_null=True, help_text="After the last step that has a time; below 0: clocks differ"
    )


class TimelineSerializer(serializers.Serializer[Timeline]):
    """The way of an alert of a target, or of a notice of an event, to the pages that show it."""

    target = serializers.IntegerField(
        source="target.pk", default=None, allow_null=True, help_text="Null: of a notice"
    )
    message = serializers.IntegerField(source="message.pk", default=None, allow_null=True)
    event = serializers.CharField(source="list_name", help_text="Ranked for it; empty: in lists")
    steps = StepSerializer(many=True)


class EventTimeline(generics.GenericAPIView[Any]):
    """Show the way of the newest notice of an event's chain; no step: each was set aside."""

    serializer_class = TimelineSerializer
    queryset = NonLocalizedEvent.objects.none()

    @extend_schema(responses=TimelineSerializer)
    def get(self, _: Request, event_id: str) -> Response:
        event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
        timeline = notice_timeline(event) or Timeline(None, list_name=event.event_id)
        return Response(TimelineSerializer(timeline).data)
