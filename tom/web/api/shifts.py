"""Shifts and claims: who is on shift, and who has which target."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tom.shifts.claims import ClaimedError, claim_target, claims_on, release_claim, take_claim
from tom.shifts.models import Claim, Shift
from tom.shifts.services import ShiftError, add_shift
from tom.targets.visible import visible_targets
from tom.web.api.access import MayTakeShifts
from tom.web.api.filters import read_flag
from tom.web.api.parameters import takes
from tom.web.api.requests import ConflictError
from tom.web.people import person


class ShiftSerializer(serializers.ModelSerializer[Shift]):
    """A shift; to add one of one's own, send `start` and `end`."""

    person = serializers.CharField(source="person.username", read_only=True)
    taken_from = serializers.IntegerField(source="taken_from_id", read_only=True, allow_null=True)

    class Meta:
        model = Shift
        fields = ("id", "person", "start", "end", "taken_from", "note")
        read_only_fields = ("note",)


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    """Who has a target, and until when."""

    by = serializers.CharField(source="by.username", read_only=True)
    event = serializers.CharField(source="event.event_id", default=None, allow_null=True)

    class Meta:
        model = Claim
        fields = ("target", "event", "by", "created", "until")


class ShiftList(generics.ListCreateAPIView[Shift]):
    """List the shifts, the earliest first, or add one of one's own."""

    permission_classes = (IsAuthenticated, MayTakeShifts)
    serializer_class = ShiftSerializer

    def get_queryset(self) -> QuerySet[Shift]:
        rows = Shift.objects.visible_to(self.request.user).standing().select_related("person")
        return rows.on_at(timezone.now()) if read_flag(self.request, "now") else rows

    @takes(OpenApiParameter("now", str, description="Only the shifts that are under way"))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def perform_create(self, serializer: serializers.BaseSerializer[Shift]) -> None:
        user, values = person(self.request), serializer.validated_data
        try:
            serializer.instance = add_shift(
                user, start=values["start"], end=values["end"], by=user, now=timezone.now()
            )
        except ShiftError as error:
            raise ValidationError({"end": [str(error)]}) from error


class ClaimList(generics.ListAPIView[Claim]):
    """List the claims that hold now, of targets that one may see."""

    permission_classes = (IsAuthenticated,)
    serializer_class = ClaimSerializer

    def get_queryset(self) -> QuerySet[Claim]:
        rows = Claim.objects.visible_to(self.request.user).held_at(timezone.now())
        return rows.select_related("by", "event")


class TargetClaim(APIView):
    """Who has a target; claim it (`?take` takes it from another), or release one's own claim."""

    permission_classes = (IsAuthenticated, MayTakeShifts)

    @extend_schema(responses={200: ClaimSerializer, 204: None})
    def get(self, request: Request, pk: int) -> Response:
        target = get_object_or_404(visible_targets(request.user), pk=pk)
        return _said(claims_on([target.pk], now=timezone.now()).get(target.pk))

    @takes(OpenApiParameter("take", str, description="Take it from whoever has it"))
    @extend_schema(request=None, responses={200: ClaimSerializer})
    def post(self, request: Request, pk: int) -> Response:
        target = get_object_or_404(visible_targets(request.user), pk=pk)
        user, now = person(request), timezone.now()
        if read_flag(request, "take"):
            return _said(take_claim(target, by=user, now=now))
        try:
            return _said(claim_target(target, by=user, now=now))
        except ClaimedError as error:
            raise ConflictError(str(error)) from error

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        target = get_object_or_404(visible_targets(request.user), pk=pk)
        user, now = person(request), timezone.now()
        held = claims_on([target.pk], now=now).get(target.pk)
        if held is not None and held.by_id != user.pk:
            raise ConflictError(str(ClaimedError(held)))
        if held is not None:
            release_claim(held, by=user, now=now)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _said(claim: Claim | None) -> Response:
    if claim is None:
        return Response(status=status.HTTP_204_NO_CONTENT)
    return Response(ClaimSerializer(claim).data)
