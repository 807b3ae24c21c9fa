"""A listener's report, written for people every few seconds."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, connection
from django.db.models import F
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.formats.values import clean
from tom.forms.networks import HEARTBEAT
from tom.forms.recognition import identify
from tom.own_secrets import hide_secrets
from tom.streams.bounded import bounded
from tom.streams.models import HeartbeatGap, Stream, StreamHealth, TopicMinute
from tom.streams.sources import Source

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 2.0
GAP: Final = timedelta(seconds=30)
"""Heartbeats come every second or every few: after such a silence there is a gap."""
LAG_AGE: Final = timedelta(seconds=20)
KEPT: Final = timedelta(days=2)
"""How long minutes and gaps are kept."""
FORGET_SECONDS: Final = 600.0

Gap = tuple[datetime, datetime]


class Pulse:
    """Gathers news of a source's topics and writes them to `StreamHealth`, never often."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._details = dict.fromkeys(source.topics, "starting")
        self._heard: dict[str, datetime] = {}
        self._last_message: dict[str, datetime] = {}
        self._minutes: dict[str, Counter[datetime]] = {name: Counter() for name in source.topics}
        self._left_out: dict[str, Counter[datetime]] = {name: Counter() for name in source.topics}
        self._sizes: Counter[str] = Counter()
        self._gaps: dict[str, list[Gap]] = {
            name: [] for name in source.topics if identify(name, b"") == HEARTBEAT
        }
        self._waiting: dict[str, int] = {}
        self._lags: dict[str, tuple[int, datetime]] = {}
        self._changed = set(source.topics)
        self._next_write = 0.0
        self._next_forgetting = 0.0

    def hear(self, topics: Iterable[str]) -> None:
        """Note that the broker just answered for these topics."""
        now = timezone.now()
        for topic in topics:
            self._heard[topic] = now
            self._say(topic, "")

    def note_message(self, topic: str, size: int) -> None:
        """Note a message of so many bytes that was just stored, or left out by the filter."""
        now = timezone.now()
        before = self._last_message.get(topic)
        if topic in self._gaps and before is not None and now - before > GAP:
            self._gaps[topic].append((before, now))
        self._last_message[topic] = self._heard[topic] = now
        self._minutes[topic][now.replace(second=0, microsecond=0)] += 1
        self._sizes[topic] += size
        self._say(topic, "")

    def note_left_out(self, topic: str) -> None:
        """Note that the filter left out a message that was noted just before."""
        self._left_out[topic][_this_minute()] += 1

    def note_waiting(self, topics: Mapping[str, int]) -> None:
        """Note which topics are held until scoring has caught up, and how many targets are due."""
        if topics != self._waiting:
            self._changed |= topics.keys() | self._waiting.keys()
            self._waiting = dict(topics)

    def note_lag(self, lags: Mapping[str, int]) -> None:
        """Note how many messages of these topics the broker holds and we have not stored."""
        now = timezone.now()
        for topic, lag in lags.items():
            before = self._lags.get(topic)
            # What stays the same is written more rarely: a stream may have a hundred topics.
            if before is None or before[0] != lag or now - before[1] > LAG_AGE:
                self._lags[topic] = lag, now
                self._changed.add(topic)

    def repeat(self) -> None:
        """Report again what was last said: the listener is there, though nothing has happened."""
        self._changed.update(self._source.topics)

    def complain(self, detail: str, *, topics: Iterable[str] | None = None) -> None:
        """Say why these topics (all of them) cannot be heard; logged once for each change."""
        detail = hide_secrets(clean(detail))
        concerned = self._source.topics if topics is None else tuple(topics)
        if any(self._details[topic] != detail for topic in concerned):
            logger.warning(
                "Cannot hear a stream", extra={"broker": self._source.broker, "detail": detail}
            )
        for topic in concerned:
            self._say(topic, detail)

    def write_if_due(self) -> None:
        if time.monotonic() >= self._next_write:
            self.write()

    def write(self) -> None:
        """Write what changed; without the database it is written next time."""
        self._next_write = time.monotonic() + WRITE_SECONDS
        try:
            for topic in sorted(self._changed):
                with bounded():
                    self._write_topic(topic)
                self._minutes[topic].clear()
                self._left_out[topic].clear()
                del self._sizes[topic]
                self._gaps.get(topic, []).clear()
                self._changed.discard(topic)
            self._forget_old()
        except Error:
            connection.close()

    def _say(self, topic: str, detail: str) -> None:
        self._details[topic] = detail
        self._changed.add(topic)

    def _write_topic(self, topic: str) -> None:
        row, _ = StreamHealth.objects.get_or_create(stream=self._source.broker, topic=topic)
        self._recall(topic, row)
        fresh: dict[str, datetime | int | None] = {
            "last_heard": self._heard.get(topic),
            "last_message": self._last_message.get(topic),
        }
        if topic in self._lags:
            fresh["lag"], fresh["lag_measured"] = self._lags[topic]
        detail = self._details[topic]
        StreamHealth.objects.filter(pk=row.pk).update(
            reported=timezone.now(),
            connected=not detail,
            detail=detail,
            waits_for=self._waiting.get(topic),
            messages=F("messages") + self._minutes[topic].total(),
            size=F("size") + self._sizes[topic],
            **{name: value for name, value in fresh.items() if value is not None},
        )
        _add_minutes(row, self._minutes[topic], self._left_out[topic])
        HeartbeatGap.objects.bulk_create(
            [HeartbeatGap(health=row, began=began, ended=ended)
             for began, ended in self._gaps.get(topic, [])]
        )  # fmt: skip
        waits = topic in self._waiting
        before = row.connected, row.detail, row.waits_for is not None
        if before != (not detail, detail, waits):
            publish(Topic.STREAM)

    def _recall(self, topic: str, row: StreamHealth) -> None:
        """Take up what the listener before us heard last: while nobody listened, there is a gap.

        There is none where a person had switched the stream off, or changed it.
        """
        if topic not in self._gaps or topic in self._last_message or row.last_message is None:
            return
        switched = Stream.objects.filter(changed__gt=row.last_message)
        if not switched.filter(pk=self._source.stream or 0).exists():
            self._last_message[topic] = row.last_message

    def _forget_old(self) -> None:
        if time.monotonic() < self._next_forgetting:
            return
        self._next_forgetting = time.monotonic() + FORGET_SECONDS
        before = timezone.now() - KEPT
        of_ours = {"health__stream": self._source.broker}
        with bounded():
            TopicMinute.objects.filter(minute__lt=before, **of_ours).delete()
            HeartbeatGap.objects.filter(ended__lt=before, **of_ours).delete()


def misses_heartbeat(health: StreamHealth, *, now: datetime) -> bool:
    """Whether a topic that has a heartbeat every second or so has had none for a while."""
    if identify(health.topic, b"") != HEARTBEAT:
        return False
    return health.last_message is None or now - health.last_message > GAP


def _this_minute() -> datetime:
    return timezone.now().replace(second=0, microsecond=0)


def _add_minutes(
    row: StreamHealth, minutes: Counter[datetime], left_out: Counter[datetime]
) -> None:
    """Add to what is counted already: another process may count the same topic."""
    with connection.cursor() as cursor:
        for minute in minutes | left_out:
            cursor.execute(
                "INSERT INTO streams_topicminute AS kept (health_id, minute, messages, left_out)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT (health_id, minute)"
                " DO UPDATE SET messages = kept.messages + excluded.messages,"
                " left_out = kept.left_out + excluded.left_out",
                [row.pk, minute, minutes[minute], left_out[minute]],
            )
