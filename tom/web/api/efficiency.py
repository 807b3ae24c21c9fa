"""What the pointings for an event would have caught, as the API tells it."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tom.events.models import NonLocalizedEvent
from tom.pointings.efficiency import LEVELS, BandChance, UpperLimit, upper_limits
from tom.web.api.filters import read_choice
from tom.web.api.parameters import takes
from tom.web.coverage import STATUSES, WITHIN_DAYS, read_asked
from tom.web.efficiency import Stage, open_efficiency
from tom.web.people import person


class BandChanceSerializer(serializers.Serializer[BandChance]):
    """The chance to have caught AT2017gfo in one band."""

    band = serializers.CharField(help_text="Empty: in any of them")
    pointings = serializers.IntegerField()
    once = serializers.FloatField()
    twice = serializers.FloatField()


class UpperLimitSerializer(serializers.Serializer[UpperLimit]):
    """The faintest absolute magnitude at the event's time that is excluded, at each level."""

    decline = serializers.FloatField(help_text="mag/day")
    over_map = serializers.ListField(child=serializers.FloatField(allow_null=True))
    within_fields = serializers.ListField(child=serializers.FloatField(allow_null=True))


class FoundSerializer(serializers.Serializer[dict[str, Any]]):
    """Chances of 0 to 1, of the map's probability that has a distance."""

    covered = serializers.FloatField(help_text="The probability within the fields")
    pointings = serializers.IntegerField(help_text="How many count")
    without_depth = serializers.IntegerField(help_text="How many do not, for want of a depth")
    other_bands = serializers.ListField(
        child=serializers.CharField(), help_text="Bands that are dimmed as r is"
    )
    declines = serializers.ListField(child=serializers.FloatField(), help_text="mag/day")
    magnitudes = serializers.ListField(
        child=serializers.FloatField(), help_text="Absolute, AB, at the event's time"
    )
    once = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="By decline and magnitude: caught by at least one pointing",
    )
    twice = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="By at least two",
    )
    bands = BandChanceSerializer(many=True, help_text="For AT2017gfo")


class EfficiencySerializer(serializers.Serializer[dict[str, Any]]):
    """How far it is, and what it says once it is done."""

    state = serializers.ChoiceField([str(stage) for stage in Stage])
    localization = serializers.IntegerField(allow_null=True)
    levels = serializers.ListField(child=serializers.FloatField())
    limits = UpperLimitSerializer(many=True)
    found = FoundSerializer(allow_null=True)


class EventEfficiency(APIView):
    """Tell what the pointings that you may see would have caught; ask again while it waits."""

    @takes(
        OpenApiParameter("status", str, enum=list(STATUSES)),
        OpenApiParameter("instrument", str),
        OpenApiParameter("days", str, enum=list(WITHIN_DAYS)),
    )
    @extend_schema(responses=EfficiencySerializer)
    def get(self, request: Request, event_id: str) -> Response:
        event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
        read_choice(request, "status", list(STATUSES))
        read_choice(request, "days", WITHIN_DAYS)
        opened = open_efficiency(event, person(request), read_asked(request.query_params))
        told = {
            "state": opened.stage,
            "localization": opened.use.localization_id if opened.use else None,
            "levels": LEVELS,
            "limits": upper_limits(opened.found) if opened.found else [],
            "found": opened.found,
        }
        return Response(EfficiencySerializer(told).data)
