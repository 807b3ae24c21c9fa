"""Notifications of new messages about the topics, events and targets that a person follows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Concat, Left, Substr
from django.utils import timezone
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import Circular, EventSequence, NonLocalizedEvent
from tom.formats.describe import read_json_object
from tom.forms.networks import FILE_TOPIC
from tom.forms.topics import is_private_topic
from tom.kept_queries import Given, kept_query
from tom.reports.notifications.models import Follow, FollowKind, Notification
from tom.streams.models import AlertMessage
from tom.streams.packets import read_packet
from tom.targets.audiences import readable_programs
from tom.targets.models import Program, Visitor
from tom.targets.visible import visible_targets

MOST_NAMES: Final = 200
"""The most names of targets that are looked up for one message."""

MOST_TITLE: Final = 300
RETRACTED: Final = "Retracted: "
"""The beginning of the notification of a message that its author took back."""

NOTHING_QUOTED: Final = "a new message"

# A person who follows a message in several ways gets one notification, of the first kind here.
_PARTICULAR: Final = (FollowKind.TARGET, FollowKind.EVENT, FollowKind.TOPIC)


@dataclass(frozen=True)
class Subject:
    """The events and targets that a message is about, and its title."""

    events: Mapping[str, NonLocalizedEvent]
    targets: Mapping[str, BaseTarget]
    title: str


def notify_message(message: AlertMessage) -> int:
    """Notify everyone who follows something that a message is about; return how many people.

    Call this after the message was processed. A second call is safe: a person gets one notification
    of a message. Nobody is notified of a target that they may not see.

    Parameters
    ----------
    message
        With its payload. It is about the events whose chain or circulars have it. A message in
        HERMES's form is also about the event and the targets that it names.
    """
    if not Follow.objects.exists():
        return 0
    subject = _find_subject(message)
    follows = Follow.objects.filter(
        Q(kind=FollowKind.TOPIC, value=message.topic)
        | Q(kind=FollowKind.EVENT, value__in=list(subject.events))
        | Q(kind=FollowKind.TARGET, value__in=list(subject.targets))
    ).select_related("user")
    return _tell(follows, message, subject)


def notify_alerts(
    messages: Mapping[int, AlertMessage], *, programs: Mapping[int, Collection[int]]
) -> int:
    """Notify everyone who follows a target of the survey alert that updated it; return how many.

    People who follow a topic are not notified of its survey alerts: a night brings thousands. No
    alert is quoted: it may be private. A person who may see none of the new points is not notified.

    Parameters
    ----------
    messages
        The message of an alert, by the key of the target that it is about.
    programs
        The programs of the new points, by the key of the target whose light curve changed.
    """
    values = [str(pk) for pk in programs]
    follows: dict[str, list[Follow]] = {}
    for follow in Follow.objects.filter(kind=FollowKind.TARGET, value__in=values).select_related(
        "user"
    ):
        follows.setdefault(follow.value, []).append(follow)
    told = 0
    private = _private_programs() if follows else set()
    for target in BaseTarget.objects.filter(pk__in=map(int, follows)):
        message = messages.get(target.pk)
        if message is not None:
            value = str(target.pk)
            subject = Subject(events={}, targets={value: target}, title=NOTHING_QUOTED)
            brought = set(programs[target.pk])
            theirs = [
                each
                for each in follows[value]
                if brought - private or brought & set(readable_programs(each.user))
            ]
            told += _tell(theirs, message, subject)
    return told


def _private_programs() -> set[int]:
    return set(Program.objects.filter(public=False).values_list("pk", flat=True))


def tell_retracted(messages: Collection[int]) -> int:
    """Mark the notifications of messages that their authors took back; return how many.

    A marked notification is unread again.
    """
    rows = Notification.objects.filter(message__in=messages).exclude(title__startswith=RETRACTED)
    with transaction.atomic():
        users = set(rows.values_list("user_id", flat=True))
        told = rows.update(title=Left(Concat(Value(RETRACTED), "title"), MOST_TITLE), read_at=None)
        for user_id in users:
            publish(Topic.NOTIFICATION, user_id=user_id)
    return told


def tell_restored(messages: Collection[int]) -> int:
    """Remove that mark, if the messages hold again; return how many. They are unread again."""
    rows = Notification.objects.filter(message__in=messages, title__startswith=RETRACTED)
    with transaction.atomic():
        users = set(rows.values_list("user_id", flat=True))
        told = rows.update(title=Substr("title", len(RETRACTED) + 1), read_at=None)
        for user_id in users:
            publish(Topic.NOTIFICATION, user_id=user_id)
    return told


def unread_count(user: Visitor) -> int:
    """How many notifications a person has not read; whose targets are shown is seldom asked."""
    if not user.is_authenticated:
        return 0
    n, of_targets = next(iter(_unread(user=user.pk)), (0, 0))
    if not of_targets:
        return int(n)
    return Notification.objects.visible_to(user).unread().count()


@kept_query
def _unread(*, user: Given) -> QuerySet[Notification, Any]:
    mine = Notification.objects.filter(user_id=user).unread().order_by().values("user")
    counted = mine.annotate(n=Count("pk"), of_targets=Count("target"))
    return counted.values_list("n", "of_targets")


def mark_read(notification: Notification) -> None:
    """Mark one notification as read; a second call changes nothing."""
    _mark(Q(pk=notification.pk), user_id=notification.user_id)


def mark_all_read(user: User) -> int:
    """Mark all of a person's notifications as read; return how many were unread."""
    return _mark(Q(), user_id=user.pk)


def _mark(which: Q, *, user_id: int) -> int:
    with transaction.atomic():
        marked = (
            Notification.objects.filter(which, user_id=user_id)
            .unread()
            .update(read_at=timezone.now())
        )
        if marked:
            publish(Topic.NOTIFICATION, user_id=user_id)
    return marked


def _tell(follows: Iterable[Follow], message: AlertMessage, subject: Subject) -> int:
    return sum(
        _notify(follow, message=message, subject=subject) for follow in _most_particular(follows)
    )


def _notify(follow: Follow, *, message: AlertMessage, subject: Subject) -> bool:
    target = subject.targets.get(follow.value) if follow.kind == FollowKind.TARGET else None
    event = subject.events.get(follow.value) if follow.kind == FollowKind.EVENT else None
    with transaction.atomic():
        notification, created = Notification.objects.get_or_create(
            user=follow.user,
            cause=f"message:{message.pk}",
            defaults={
                "kind": follow.kind,
                "title": _title(target or event or message.topic, subject.title),
                "message": message,
                "event": event,
                "target": target,
            },
        )
        if created:
            publish(Topic.NOTIFICATION, notification.pk, user_id=follow.user_id)
    return created


def _title(what: object, title: str) -> str:
    return f"{what}: {title}"[:MOST_TITLE]


def _most_particular(follows: Iterable[Follow]) -> Iterable[Follow]:
    """Keep one follow of each active person, the first in `_PARTICULAR` that they may see now."""
    chosen: dict[int, Follow] = {}
    for follow in sorted(
        follows, key=lambda each: (_PARTICULAR.index(FollowKind(each.kind)), each.value)
    ):
        if follow.user_id not in chosen and follow.user.is_active and _may_see(follow):
            chosen[follow.user_id] = follow
    return chosen.values()


def _may_see(follow: Follow) -> bool:
    match follow.kind:
        case FollowKind.TARGET:
            return visible_targets(follow.user).filter(pk=int(follow.value)).exists()
        case FollowKind.TOPIC:
            return follow.user.has_perm("streams.view_alertmessage")
        case _:
            return True


def _find_subject(message: AlertMessage) -> Subject:
    events = {event.event_id: event for event in _events_of(message)}
    targets: dict[str, BaseTarget] = {}
    content = _read_hermes(message)
    if content is not None:
        events |= {event.event_id: event for event in _named_event(content)}
        targets = {str(target.pk): target for target in _named_targets(content)}
    return Subject(events=events, targets=targets, title=_describe(message, content))


def _events_of(message: AlertMessage) -> list[NonLocalizedEvent]:
    chains = EventSequence.objects.filter(message=message).values("event")
    circulars = Circular.objects.filter(message=message).values("event")
    return list(NonLocalizedEvent.objects.filter(Q(pk__in=chains) | Q(pk__in=circulars)))


def _read_hermes(message: AlertMessage) -> dict[str, Any] | None:
    """Read a message in HERMES's form, or any JSON object with a title; None for others."""
    private = message.group_id is not None or is_private_topic(message.topic)
    if not message.has_bytes or private:
        return None
    content = read_json_object(read_packet(message))
    return content if content is not None and isinstance(content.get("title"), str) else None


def _named_event(content: Mapping[str, Any]) -> list[NonLocalizedEvent]:
    event_id = _data(content).get("event_id")
    if not isinstance(event_id, str):
        return []
    return list(NonLocalizedEvent.objects.filter(event_id=event_id))


def _named_targets(content: Mapping[str, Any]) -> list[BaseTarget]:
    rows = _data(content).get("targets")
    names = [name for row in _list(rows) for name in _names(row)][:MOST_NAMES]
    aliases = TargetName.objects.filter(name__in=names).values("target")
    return list(BaseTarget.objects.filter(Q(name__in=names) | Q(pk__in=aliases)))


def _names(row: object) -> list[str]:
    if not isinstance(row, dict):
        return []
    names = [row.get("name"), *_list(row.get("aliases"))]
    return [name for name in names if isinstance(name, str) and name]


def _data(content: Mapping[str, Any]) -> dict[str, Any]:
    data = content.get("data")
    return data if isinstance(data, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _describe(message: AlertMessage, content: Mapping[str, Any] | None) -> str:
    """Return a message's title for a notification."""
    sequence = EventSequence.objects.filter(message=message).select_related("event").first()
    if sequence is not None:
        return f"{sequence.event} {sequence.alert_type}"
    circular = Circular.objects.filter(message=message).first()
    if circular is not None:
        return str(circular)
    if content is not None:
        return str(content["title"])
    return NOTHING_QUOTED if message.topic != FILE_TOPIC else message.name
