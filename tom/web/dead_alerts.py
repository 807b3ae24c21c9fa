"""Alerts that could not be read: each may be tonight's event, so every page tells of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from tom.forms.by_hand import TOPIC as BY_HAND
from tom.forms.networks import FILE_TOPIC
from tom.forms.topics import is_test_topic
from tom.kept_queries import AnyOf, Given
from tom.streams.models import AlertMessage, MessageState

# How long a page tells of one that nobody looks at.
TOLD = timedelta(days=1)
# Who sent these is there, and is told at once.
OF_PEOPLE = (FILE_TOPIC, BY_HAND)

Counted = tuple[str, int, int]
"""A topic, the key of the newest of its dead alerts, and how many there are."""


@dataclass(frozen=True)
class DeadAlerts:
    """The dead alerts of one topic at which nobody has looked: the newest, and how many."""

    newest: AlertMessage
    n: int

    @property
    def title(self) -> str:
        """What happened, in a few words."""
        many = f"{self.n} alerts" if self.n > 1 else "An alert"
        return f"{many} of {self.newest.topic} could not be read"


def read_dead_alerts(counted: Iterable[Counted]) -> list[DeadAlerts]:
    """The dead alerts that `count_dead_alerts` counted, without tests, the newest first."""
    counts = {newest: n for topic, newest, n in counted if not is_test_topic(topic)}
    if not counts:
        return []
    rows = AlertMessage.objects.filter(pk__in=counts).only("topic", "received", "reason")
    return [DeadAlerts(row, counts[row.pk]) for row in rows.order_by("-pk")]


def mark_seen(newest: AlertMessage) -> int:
    """Note that a person saw a dead alert, with those before it of its topic; return how many."""
    rows = AlertMessage.objects.filter(topic=newest.topic, pk__lte=newest.pk, seen=None)
    return rows.filter(state=MessageState.DEAD).update(seen=timezone.now())


def count_dead_alerts(*, kinds: Given, since: Given) -> QuerySet[AlertMessage, Any]:
    """Each topic with the newest of its dead alerts, and how many there are.

    Only those that nobody replayed or marked as seen, and none of a group's. `kinds` are the forms
    of alerts.
    """
    dead = AlertMessage.objects.filter(AnyOf("kind", kinds), state=MessageState.DEAD)
    unseen = dead.filter(seen=None, replays=0, group=None, received__gte=since)
    topics = unseen.exclude(topic__in=OF_PEOPLE).values("topic").order_by("topic")
    counted = topics.annotate(newest=Max("pk"), n=Count("pk"))
    return counted.values_list("topic", "newest", "n")
