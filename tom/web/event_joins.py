"""What events are one with an event, and which may be: what its page tells and offers."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from tom.events.joins import EventJoin
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.events.naming import root_of
from tom.joining.agreeing import TOGETHER
from tom.kept_queries import Given, kept_query

JOINS_SHOWN: Final = 10
OFFERED: Final = 5


class Part(NamedTuple):
    """What one mission says of one event: how many messages, and the key of one of them."""

    sender: str
    origin: str
    messages: int
    sequence: int


def find_joined(event_id: str) -> NonLocalizedEvent:
    """Return the event that an event was joined to; raises Http404 if it was joined to none."""
    rows = NonLocalizedEvent.everything.exclude(joined_to=None).select_related("joined_to")
    return root_of(get_object_or_404(rows, event_id=event_id))


def joined_with(event: NonLocalizedEvent, sequences: Sequence[EventSequence]) -> dict[str, Any]:
    """What the page tells of the event's joins; two queries."""
    shown = _joins(event=event.pk)
    return {
        "event": event,
        "event_joins": shown,
        "parts": _parts(sequences, {join.other_id: join.other.event_id for join in shown}),
        "same_events": _at_one_time(event),
    }


@kept_query
def _joins(*, event: Given) -> QuerySet[EventJoin]:
    rows = EventJoin.objects.filter(Q(kept=event) | Q(other=event))
    joins = rows.select_related("kept", "other", "by", "parted_by").defer("moved", "names")
    return joins[:JOINS_SHOWN]


def _parts(sequences: Sequence[EventSequence], names: dict[int, str]) -> list[Part]:
    """The missions of an event, if there is more than one, or more than one event of a mission."""
    found: dict[tuple[str, int | None], list[EventSequence]] = {}
    for row in sequences:
        found.setdefault((row.sender, row.origin_id), []).append(row)
    if len(found) < 2:
        return []
    return [
        Part(sender, names.get(origin or 0, ""), len(rows), rows[0].pk)
        for (sender, origin), rows in found.items()
    ]


def _at_one_time(event: NonLocalizedEvent) -> list[NonLocalizedEvent]:
    """Other events of about the same time, which may be the same; of a live one no tests."""
    if event.time is None:
        return []
    near = {"first": event.time - TOGETHER, "last": event.time + TOGETHER}
    return _near(bool(event.test_reasons), event=event.pk, **near)


@kept_query
def _near(is_test: bool, *, event: Given, first: Given, last: Given) -> QuerySet[NonLocalizedEvent]:
    rows = NonLocalizedEvent.objects.filter(time__range=(first, last)).exclude(pk=event)
    alike = rows.exclude(test_reasons=[]) if is_test else rows.filter(test_reasons=[])
    return alike.order_by("time", "pk")[:OFFERED]
