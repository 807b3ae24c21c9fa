"""Alarms: what was raised, whom it reached, and the answer of whoever takes it."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from tom.reports.alarms.alarms import acknowledge_alarm
from tom.reports.alarms.models import Alarm, AlarmSend
from tom.web.api.access import MayAnswerAlarms
from tom.web.api.filters import read_flag
from tom.web.api.parameters import takes
from tom.web.people import person


class SendSerializer(serializers.ModelSerializer[AlarmSend]):
    """What became of an alarm at one contact; empty `reaches`: whom the settings name."""

    class Meta:
        model = AlarmSend
        fields = ("reaches", "channel", "step", "state", "reason", "sent_at")


class AlarmSerializer(serializers.ModelSerializer[Alarm]):
    """An alarm, with what became of each of its sends; no address of a contact is told."""

    event = serializers.CharField(source="event.event_id", default=None, allow_null=True)
    rule = serializers.CharField(source="rule.name", default=None, allow_null=True)
    answered_by = serializers.CharField(
        source="acknowledged_by.username", default=None, allow_null=True
    )
    answered = serializers.DateTimeField(source="acknowledged_at", allow_null=True)
    next_step = serializers.DateTimeField(
        source="next_at", allow_null=True, help_text="When the next step is called"
    )
    outcome = serializers.CharField(
        help_text="The best of its sends: sent, unknown, under way, failed or none"
    )
    sends = SendSerializer(many=True)

    class Meta:
        model = Alarm
        fields = (
            *("id", "event", "cause", "rule", "title", "body", "created", "step", "next_step"),
            *("answered_by", "answered", "outcome", "sends"),
        )


class AlarmList(generics.ListAPIView[Alarm]):
    """List the alarms, the newest first."""

    permission_classes = (IsAuthenticated,)
    serializer_class = AlarmSerializer

    def get_queryset(self) -> QuerySet[Alarm]:
        rows = Alarm.objects.visible_to(self.request.user)
        open_only = read_flag(self.request, "unanswered")
        return _told(rows.unacknowledged() if open_only else rows)

    @takes(OpenApiParameter("unanswered", str, description="Only what nobody answered"))
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)


class AlarmDetail(generics.RetrieveAPIView[Alarm]):
    """Show one alarm."""

    permission_classes = (IsAuthenticated,)
    serializer_class = AlarmSerializer

    def get_queryset(self) -> QuerySet[Alarm]:
        return _told(Alarm.objects.visible_to(self.request.user))


@extend_schema(request=None, responses={200: AlarmSerializer})
@api_view(["POST"])
@permission_classes([IsAuthenticated, MayAnswerAlarms])
def answer(request: Request, pk: int) -> Response:
    """Answer all alarms of an alarm's event; `answered_by` of the answer says who was first."""
    rows = Alarm.objects.visible_to(request.user)
    alarm = get_object_or_404(rows.select_related("event"), pk=pk, event__isnull=False)
    acknowledge_alarm(alarm, person(request))
    return Response(AlarmSerializer(_told(rows).get(pk=pk)).data)


def _told(rows: QuerySet[Alarm]) -> QuerySet[Alarm]:
    joined = rows.select_related("event", "rule", "acknowledged_by")
    return joined.prefetch_related("sends")
