"""Pointings for an event: list them, send some, and what they cover."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from tom.events.models import NonLocalizedEvent
from tom.pipeline import nudge, trace
from tom.pointings.keeping import Kept, Told, keep_pointings
from tom.pointings.models import Pointing, Source, Status
from tom.pointings.table import read_pointings
from tom.targets.photometry_table import MOST_ROWS, Table
from tom.web.api.access import MayUploadPointings
from tom.web.api.filters import read_choice
from tom.web.api.parameters import takes
from tom.web.people import person
from tom.web.team.groups import groups_to_choose

ERRORS_TOLD = 100


class PointingSerializer(serializers.ModelSerializer[Pointing]):
    """A telescope at one place at one time; the depth is a 5-sigma limit in its unit."""

    event = serializers.CharField(source="event.event_id", default=None, allow_null=True)
    group = serializers.CharField(
        source="group.name", default=None, allow_null=True, help_text="null: for everybody here"
    )
    area_deg2 = serializers.FloatField(
        source="footprint.area_deg2", read_only=True, allow_null=True
    )
    rings = serializers.JSONField(
        source="footprint.rings", read_only=True, help_text="[[[ra, dec], ...], ...] ICRS degrees"
    )

    class Meta:
        model = Pointing
        fields = (
            *("id", "event", "group", "source", "external_id", "facility", "instrument", "team"),
            *("ra", "dec", "position_angle", "time", "exposure_s", "band", "depth", "depth_unit"),
            *("status", "area_deg2", "rings"),
        )


class NewPointingsSerializer(serializers.Serializer[dict[str, Any]]):
    """Some pointings, with the names of an uploaded table's columns, and who may see them."""

    group = serializers.CharField(
        allow_null=True,
        max_length=150,
        help_text="A group of yours, whose members alone see them; null: everybody here",
    )
    pointings = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField(max_length=200)),
        min_length=1,
        max_length=MOST_ROWS,
        help_text="Each with a time, a place or field_id, and an instrument or radius_deg",
    )


class KeptSerializer(serializers.Serializer[Kept]):
    """How many pointings were new, and how many known ones say now what was sent."""

    added = serializers.IntegerField()
    known = serializers.IntegerField()


class PointingList(generics.ListCreateAPIView[Pointing]):
    """List the pointings for an event that you may see, in the order of their times; send some."""

    permission_classes = (IsAuthenticated, MayUploadPointings)
    serializer_class = PointingSerializer
    queryset = Pointing.objects.none()

    def get_queryset(self) -> QuerySet[Pointing]:
        rows = Pointing.objects.about(self._event()).visible_to(self.request.user)
        state = read_choice(self.request, "status", Status.values)
        rows = rows.filter(status=state) if state else rows
        shown = rows.select_related("event", "group", "footprint").order_by("time", "pk")
        return shown.defer("footprint__ranges", "footprint__shape")

    def _event(self) -> NonLocalizedEvent:
        return get_object_or_404(NonLocalizedEvent, event_id=self.kwargs["event_id"])

    @takes(OpenApiParameter("status", str, enum=Status.values))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=NewPointingsSerializer, responses={201: KeptSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        event = self._event()
        asked = NewPointingsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        name = asked.validated_data["group"]
        groups = {group.name: group for group in groups_to_choose(person(request))}
        if name is not None and name not in groups:
            raise ValidationError({"group": ["a group of yours, or null for everybody here"]})
        kept = keep_pointings(
            _read(asked.validated_data["pointings"]),
            source=Source.API,
            event=event,
            group=groups[name] if name is not None else None,
        )
        transaction.on_commit(partial(nudge, trace))
        return Response(KeptSerializer(kept).data, status=status.HTTP_201_CREATED)


def _read(rows: list[dict[str, str]]) -> list[Told]:
    """Read the rows as a table's; all of them or none."""
    headings = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(headings, [[row.get(name, "") for name in headings] for row in rows])
    reading = read_pointings(table, instrument=None, status=Status.COMPLETED, now=timezone.now())
    if reading.errors:
        told = [f"{number}: {why}" for number, why in reading.errors[:ERRORS_TOLD]]
        raise ValidationError({"pointings": told})
    return reading.pointings
