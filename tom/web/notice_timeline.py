"""How long a notice of an event was on its way, from the event to the page that shows its list."""

from typing import Any

from django.db.models import QuerySet

from tom.events.models import EventSequence, NonLocalizedEvent
from tom.kept_queries import Given, kept_query
from tom.ranking.models import Ranking
from tom.streams.models import AlertMessage, MessageState
from tom.web.timeline import UNKNOWN, Timeline, Times, make_steps


def notice_timeline(event: NonLocalizedEvent) -> Timeline | None:
    """The way of the newest message of an event's chain; None if each was set aside."""
    sequence = next(iter(_newest_of(event=event.pk)), None)
    return None if sequence is None else _follow(sequence)


@kept_query
def _newest_of(*, event: Given) -> QuerySet[EventSequence]:
    rows = EventSequence.objects.filter(event=event, set_aside=None)
    return _chained(rows).order_by("-number", "-pk")[:1]


def notice_timelines_of(message: AlertMessage) -> list[Timeline]:
    """The ways of a message to the lists of the events in whose chain it is."""
    found = []
    for sequence in _chained(EventSequence.objects.filter(message=message)).order_by("pk"):
        sequence.message = message
        found.append(_follow(sequence))
    return found


def _chained(sequences: QuerySet[EventSequence]) -> QuerySet[EventSequence]:
    return sequences.select_related("event", "message").defer("details", "message__payload")


def _follow(sequence: EventSequence) -> Timeline:
    """Targets are matched in the transaction that stores the message, so at the same time."""
    event, message = sequence.event, sequence.message
    stored = message.finished if message.state == MessageState.STORED else None
    has_map = sequence.localization_id is not None or event.localizations.exists()
    ranked, shown = _first_ranking(sequence)
    times = {
        "event": event.time,
        "author": sequence.time_created,
        "broker": message.sent,
        "received": message.received,
        "stored": stored,
        "matched": stored if has_map else None,
        "ranked": ranked,
        "shown": shown,
    }
    return Timeline(None, message, event.event_id, make_steps(times))


def _first_ranking(sequence: EventSequence) -> Times:
    """When the first ranking of the event began that knew the message, and when it was shown."""
    message = sequence.message
    if message.state != MessageState.STORED or message.finished is None:
        return UNKNOWN
    found = _first_since(event=sequence.event_id, finished=message.finished)
    return next(iter(found), UNKNOWN)


@kept_query
def _first_since(*, event: Given, finished: Given) -> QuerySet[Ranking, Any]:
    rows = Ranking.objects.filter(event=event, created__gte=finished)
    return rows.order_by("created").values_list("created", "published")[:1]
