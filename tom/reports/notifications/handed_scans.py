"""Notify the person to whom somebody leaves the rest of a list."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from tom.candidates.models import ScanPlace
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.reports.notifications.models import FollowKind, Notification


def notify_handed(place: ScanPlace, successor: User, *, now: datetime) -> None:
    """Notify the successor of a place. It names no candidate: the page tells what one may see."""
    who = place.user.get_username()
    with transaction.atomic():
        notification = Notification.objects.create(
            user=successor,
            kind=FollowKind.EVENT,
            cause=f"scan:{place.pk}:{now.isoformat()}",
            title=f"{who} leaves the candidates of {place.event.event_id} to you"[:300],
            body=place.note,
            event=place.event,
        )
        publish(Topic.NOTIFICATION, notification.pk, user_id=successor.pk)
