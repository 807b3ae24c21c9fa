"""Messages: what became of each, and the replay of one."""

from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from tom.pipeline import wake
from tom.streams.claims import replay_message
from tom.streams.models import AlertMessage, MessageState
from tom.web.api.access import MayReplayMessages, MayViewMessages
from tom.web.api.filters import read_choice, read_text
from tom.web.api.parameters import takes
from tom.web.api.timelines import TimelineSerializer
from tom.web.message_rights import hide_name
from tom.web.notice_timeline import notice_timelines_of
from tom.web.people import person
from tom.web.timeline import timelines_of


class MessageSerializer(serializers.ModelSerializer[AlertMessage]):
    """A kept message without its bytes, and without the name of a file that one may not read."""

    class Meta:
        model = AlertMessage
        fields = (
            *("id", "broker", "topic", "partition", "offset", "name", "kind", "sha256", "size"),
            *("state", "reason", "attempts", "replays", "sent", "received", "finished"),
            "retracted",
        )

    def to_representation(self, instance: AlertMessage) -> dict[str, Any]:
        user: User = self.context["request"].user
        return super().to_representation(hide_name(instance, user))


class MessageList(generics.ListAPIView[AlertMessage]):
    """List messages, the newest first."""

    serializer_class = MessageSerializer
    permission_classes = (IsAuthenticated, MayViewMessages)
    queryset = AlertMessage.objects.none()

    @takes(
        OpenApiParameter("state", str, enum=MessageState.values),
        OpenApiParameter("topic", str),
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[AlertMessage]:
        messages = kept_messages()
        if state := read_choice(self.request, "state", MessageState.values):
            messages = messages.filter(state=state)
        if topic := read_text(self.request, "topic"):
            messages = messages.filter(topic=topic)
        return messages


class MessageDetail(generics.RetrieveAPIView[AlertMessage]):
    """Show one message."""

    serializer_class = MessageSerializer
    permission_classes = (IsAuthenticated, MayViewMessages)
    queryset = AlertMessage.objects.none()

    def get_queryset(self) -> QuerySet[AlertMessage]:
        return kept_messages()


class MessageTimelines(generics.GenericAPIView[Any]):
    """List the ways of a notice, or of the alerts of a message that you may know of."""

    serializer_class = TimelineSerializer
    permission_classes = (IsAuthenticated, MayViewMessages)
    pagination_class = None
    queryset = AlertMessage.objects.none()

    @extend_schema(responses=TimelineSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        message = get_object_or_404(kept_messages(), pk=pk)
        found: Any = [*notice_timelines_of(message), *timelines_of(message, person(request))]
        return Response(TimelineSerializer(found, many=True).data)


@extend_schema(request=None, responses={202: MessageSerializer, 409: None})
@api_view(["POST"])
@permission_classes([IsAuthenticated, MayReplayMessages])
def replay(request: Request, pk: int) -> Response:
    """Put a message back to be worked on, by the same path."""
    message = get_object_or_404(kept_messages(), pk=pk)
    if not replay_message(message):
        said = (
            "The message is waiting already, repeats another one, or its bytes are no longer kept."
        )
        return Response({"detail": said}, status=status.HTTP_409_CONFLICT)
    transaction.on_commit(partial(wake, {message.kind: [message.pk]}))
    message.refresh_from_db(fields=("state", "reason", "attempts", "replays", "finished"))
    shown = MessageSerializer(message, context={"request": request})
    return Response(shown.data, status=status.HTTP_202_ACCEPTED)


def kept_messages() -> QuerySet[AlertMessage]:
    return AlertMessage.objects.defer("payload").order_by("-received", "-pk")
