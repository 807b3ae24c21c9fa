"""Notify the person who asked for an observation when the request has ended."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.followup.models import StateChange
from tom.followup.states import ENDS
from tom.reports.notifications.models import FollowKind, Notification

NEWS: Final = timedelta(days=3)
"""Nobody is notified of an end that is older than this."""
MOST: Final = 200
"""The most notifications in one call."""


def notify_ends(now: datetime) -> int:
    """Notify the person who asked for each request that ended; return how many were notified.

    A call at any time is safe: each end gives one notification.
    """
    told = 0
    for change in _untold(now)[:MOST]:
        request = change.request
        if request.created_by_id is None:
            continue  # the person was deleted meanwhile
        with transaction.atomic():
            notification, is_new = Notification.objects.get_or_create(
                user_id=request.created_by_id,
                cause=_cause(change.pk),
                defaults={
                    "kind": FollowKind.TARGET if request.target else FollowKind.EVENT,
                    "title": _title(change),
                    "body": change.reason,
                    "target": request.target,
                    "event": request.event,
                },
            )
            if is_new:
                publish(Topic.NOTIFICATION, notification.pk, user_id=request.created_by_id)
                told += 1
    return told


def _untold(now: datetime) -> QuerySet[StateChange]:
    mine = Notification.objects.filter(
        user_id=OuterRef("request__created_by_id"),
        cause=Concat(Value(_CAUSE), Cast(OuterRef("pk"), CharField())),
    )
    ended = StateChange.objects.filter(
        new__in=ENDS, created__gte=now - NEWS, request__created_by__isnull=False
    )
    return ended.filter(~Exists(mine)).select_related("request__target", "request__event")


_CAUSE: Final = "request-change:"


def _cause(change_pk: int) -> str:
    return f"{_CAUSE}{change_pk}"


def _title(change: StateChange) -> str:
    request = change.request
    state = change.get_new_display().lower()
    return f"{request.subject}: your request to {request.facility} is {state}"[:300]
