"""Notify the person to whom somebody leaves the rest of a list."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from tom.candidates.models import ScanPlace
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.reports.notifications.models import HANDED_OVER, FollowKind, Notification
from tom.strategies.models import Strategy


def notify_handed(place: ScanPlace, successor: User, *, now: datetime) -> None:
    """Notify the successor of a place. It names no candidate: the page tells what one may see."""
    who = place.user.get_username()
    with transaction.atomic():
        notification = Notification.objects.create(
            user=successor,
            kind=FollowKind.EVENT,
            cause=f"{HANDED_OVER}{place.pk}:{now.isoformat()}",
            title=f"{who} leaves the {_what(place)} to you"[:300],
            body=place.note,
            event=place.event,
        )
        publish(Topic.NOTIFICATION, notification.pk, user_id=successor.pk)


def _what(place: ScanPlace) -> str:
    kind = "list" if place.event is None else "candidates of"
    return f"{kind} {place.listing}"


def handed_list(notification: Notification) -> Strategy | None:
    """The strategy whose list without an event a notification hands over; None: it is none."""
    if not notification.cause.startswith(HANDED_OVER):
        return None
    pk = notification.cause.removeprefix(HANDED_OVER).partition(":")[0]
    if not pk.isdecimal():
        return None
    places = ScanPlace.objects.filter(pk=int(pk), handed_to=notification.user_id)
    place = places.select_related("strategy").first()
    return place.strategy if place else None
