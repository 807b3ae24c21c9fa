"""Streams: what each topic does now, the same figures as on the page."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tom.web.api.access import MayViewStreams
from tom.web.filter_figures import FilterFigures, NightFigures
from tom.web.streams import WORDS, StreamFigures, TopicFigures, read_figures


class TopicFiguresSerializer(serializers.Serializer[TopicFigures]):
    """What one topic does now."""

    topic = serializers.CharField()
    state = serializers.ChoiceField(choices=list(WORDS))
    fault = serializers.CharField(help_text="What is wrong and what to do; empty: nothing")
    waits_for = serializers.IntegerField(
        allow_null=True,
        help_text="Packets that are not read yet and targets due, where reading waits for them",
    )
    per_minute_now = serializers.FloatField(help_text="Messages in the last minute")
    per_minute_hour = serializers.FloatField(help_text="Messages a minute in the last hour")
    lag = serializers.IntegerField(
        allow_null=True, help_text="Messages that the broker has and we do not; null: not known"
    )
    lag_measured = serializers.DateTimeField(allow_null=True)
    lost = serializers.IntegerField(
        help_text="Messages that the broker deleted before they were read"
    )
    last_message = serializers.DateTimeField(allow_null=True)
    messages = serializers.IntegerField(help_text="Since the topic is read")
    dead = serializers.IntegerField(help_text="Dead letters")
    unhandled = serializers.IntegerField(
        help_text="Messages that no parser takes, of a topic of which a form is known"
    )
    n_gaps = serializers.IntegerField(help_text="Heartbeat gaps in the last 24 hours")
    longest_gap_seconds = serializers.FloatField()
    is_gap_open = serializers.BooleanField(help_text="No heartbeat for a while now")


class NightFiguresSerializer(serializers.Serializer[NightFigures]):
    """What a filter did in one night."""

    night = serializers.DateField(help_text="Of the exposure, by the date of its evening")
    passed = serializers.IntegerField()
    left_out = serializers.IntegerField()
    outcomes = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Packets that passed, and those left out by the condition that they failed first",
    )


class FilterFiguresSerializer(serializers.Serializer[FilterFigures]):
    """The filter that is in force."""

    conditions = serializers.ListField(source="words", child=serializers.CharField())
    since = serializers.DateTimeField()
    passed_hour = serializers.IntegerField(help_text="Kept in the last hour, while it is on")
    left_out_hour = serializers.IntegerField()
    nights = NightFiguresSerializer(many=True, help_text="The last seven, the newest first")


class StreamFiguresSerializer(serializers.Serializer[StreamFigures]):
    """One stream; `id` is null where the environment names it."""

    id = serializers.IntegerField(source="row.pk", allow_null=True, default=None)
    name = serializers.CharField()
    broker = serializers.CharField()
    is_on = serializers.BooleanField()
    filter = FilterFiguresSerializer(allow_null=True, help_text="null: everything is kept")
    topics = TopicFiguresSerializer(many=True)


class StreamList(APIView):
    """List every stream with what its topics do now."""

    permission_classes = (IsAuthenticated, MayViewStreams)

    @extend_schema(responses=StreamFiguresSerializer(many=True))
    def get(self, request: Request) -> Response:
        found: Any = read_figures()
        return Response(StreamFiguresSerializer(found, many=True).data)
