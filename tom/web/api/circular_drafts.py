"""Drafts of GCN Circulars: list them, fill one, and keep another text of one."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tom.events.models import NonLocalizedEvent
from tom.reports.gcn.drafts import (
    discard_draft,
    draft_circular,
    link_of,
    save_version,
    text_to_give,
    why_not_given,
)
from tom.reports.gcn.form import LONGEST_BODY, LONGEST_SUBJECT
from tom.reports.gcn.models import CircularDraft
from tom.reports.public_data import CannotTellError
from tom.web.api.access import MayTell
from tom.web.api.parameters import takes
from tom.web.circular_drafts import OFFERED, chosen_of
from tom.web.people import person

WITH = ("versions__created_by", "candidates__target")


class CircularDraftSerializer(serializers.Serializer[dict[str, Any]]):
    """A draft with its newest text, as GCN may have it."""

    id = serializers.IntegerField()
    event = serializers.CharField()
    version = serializers.IntegerField()
    subject = serializers.CharField()
    body = serializers.CharField()
    programs = serializers.ListField(child=serializers.CharField())
    created = serializers.DateTimeField()
    created_by = serializers.CharField(allow_null=True)
    saved = serializers.DateTimeField(help_text="When the newest text was saved")
    saved_by = serializers.CharField(allow_null=True)
    discarded = serializers.DateTimeField(allow_null=True)
    link = serializers.CharField(
        help_text="Opens GCN's form with both filled in; empty: there is none, or it is too long"
    )
    why_no_link = serializers.CharField(help_text="Why GCN may not have it; empty: it may")


class NewDraftSerializer(serializers.Serializer[dict[str, Any]]):
    """Which candidates a draft tells of; none: of the coverage and the limits alone."""

    candidates = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=OFFERED, default=list
    )


class NewTextSerializer(serializers.Serializer[dict[str, Any]]):
    """Another text, and the version from which it was made."""

    version = serializers.IntegerField(min_value=1)
    subject = serializers.CharField(max_length=LONGEST_SUBJECT)
    body = serializers.CharField(max_length=LONGEST_BODY, trim_whitespace=False)


class CircularDraftList(generics.GenericAPIView[Any]):
    """List the kept drafts about an event, the newest first; fill one from the data."""

    permission_classes = (IsAuthenticated, MayTell)
    serializer_class = CircularDraftSerializer
    queryset = CircularDraft.objects.none()

    def get_queryset(self) -> QuerySet[CircularDraft]:
        rows = CircularDraft.objects.visible_to(self.request.user).kept()
        rows = rows.filter(event=self._event())
        return rows.select_related("event", "created_by").prefetch_related(*WITH)

    def _event(self) -> NonLocalizedEvent:
        return get_object_or_404(NonLocalizedEvent, event_id=self.kwargs["event_id"])

    @takes(in_pages=True)
    @extend_schema(responses=CircularDraftSerializer(many=True))
    def get(self, request: Request, event_id: str) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        told = [CircularDraftSerializer(_told(draft)).data for draft in page]
        return self.get_paginated_response(told)

    @extend_schema(request=NewDraftSerializer, responses={201: CircularDraftSerializer})
    def post(self, request: Request, event_id: str) -> Response:
        event, user = self._event(), person(request)
        asked = NewDraftSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        keys = set(asked.validated_data["candidates"])
        chosen = chosen_of(event, user, keys)
        if len(chosen) != len(keys):
            raise ValidationError({"candidates": ["candidates of this event that you may see"]})
        try:
            draft = draft_circular(event, chosen, by=user)
        except CannotTellError as refusal:
            raise ValidationError({"candidates": [str(refusal)]}) from refusal
        return Response(CircularDraftSerializer(_told(draft)).data, status=status.HTTP_201_CREATED)


class CircularDraftDetail(APIView):
    """Read a draft; keep another text of it; discard it."""

    permission_classes = (IsAuthenticated, MayTell)

    @extend_schema(responses=CircularDraftSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(CircularDraftSerializer(_told(_find(request, pk))).data)

    @extend_schema(request=NewTextSerializer, responses=CircularDraftSerializer)
    def put(self, request: Request, pk: int) -> Response:
        draft = _find(request, pk)
        asked = NewTextSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        try:
            save_version(
                draft,
                subject=given["subject"],
                body=given["body"],
                after=given["version"],
                by=person(request),
            )
        except CannotTellError as refusal:
            raise ValidationError({"detail": [str(refusal)]}) from refusal
        return Response(CircularDraftSerializer(_told(_find(request, pk))).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        discard_draft(_find(request, pk), by=person(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _find(request: Request, pk: int) -> CircularDraft:
    rows = CircularDraft.objects.visible_to(person(request)).select_related("event", "created_by")
    return get_object_or_404(rows.prefetch_related(*WITH), pk=pk)


def _told(draft: CircularDraft) -> dict[str, Any]:
    newest = max(draft.versions.all(), key=lambda version: version.number)
    newest.draft = draft
    subject, body = text_to_give(newest)
    return {
        "id": draft.pk,
        "event": draft.event.event_id,
        "version": newest.number,
        "subject": subject,
        "body": body,
        "programs": draft.programs,
        "created": draft.created,
        "created_by": draft.created_by.get_username() if draft.created_by else None,
        "saved": newest.created,
        "saved_by": newest.created_by.get_username() if newest.created_by else None,
        "discarded": draft.discarded,
        "link": link_of(newest),
        "why_no_link": why_not_given(draft),
    }
