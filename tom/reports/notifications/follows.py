"""Follow topics, events and targets."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from tom.events.models import NonLocalizedEvent
from tom.kept_queries import Given, kept_query
from tom.reports.notifications.models import Follow, FollowKind
from tom.targets.models import Visitor
from tom.targets.visible import visible_targets


class CannotFollowError(Exception):
    """The thing does not exist, or this person may not see it."""


def follow(user: User, *, kind: str, value: str) -> Follow:
    """Follow a topic, an event (by event id) or a target (by primary key).

    A second call for the same thing changes nothing. A topic may be followed before its first
    message.

    Raises
    ------
    CannotFollowError
        If the kind is not in `FollowKind`, or the user may see no such event or target.
    """
    if not _is_followable(user, kind=kind, value=value):
        msg = f"there is no {kind} {value!r} to follow"
        raise CannotFollowError(msg)
    return Follow.objects.get_or_create(user=user, kind=kind, value=value)[0]


def unfollow(user: User, *, kind: str, value: str) -> bool:
    """Stop following; return whether the user had followed it."""
    return Follow.objects.of(user).filter(kind=kind, value=value).delete()[0] > 0


def is_following(user: Visitor, *, kind: str, value: str) -> bool:
    return user.is_authenticated and bool(_follows(user=user.pk, kind=kind, value=value))


@kept_query
def _follows(*, user: Given, kind: Given, value: Given) -> QuerySet[Follow, Any]:
    return Follow.objects.filter(user=user, kind=kind, value=value).values("pk")[:1]


def _is_followable(user: Visitor, *, kind: str, value: str) -> bool:
    match kind:
        case FollowKind.TOPIC:
            return 0 < len(value) <= 255 and value.isprintable()
        case FollowKind.EVENT:
            return NonLocalizedEvent.objects.filter(event_id=value).exists()
        case FollowKind.TARGET:
            # Only the plain form of a key, so that one target has one value.
            plain = value.isascii() and value.isdecimal() and not value.startswith("0")
            return plain and _sees(user, int(value))
        case _:
            return False


def _sees(user: Visitor, target_id: int) -> bool:
    largest = 2**31 - 1  # the largest key that BaseTarget can have
    return target_id <= largest and visible_targets(user).filter(pk=target_id).exists()
