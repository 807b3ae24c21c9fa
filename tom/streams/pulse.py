"""A listener's report, written for people every few seconds."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import Error, connection
from django.db.models import F
from django.utils import timezone

from tom.formats.values import clean
from tom.own_secrets import hide_secrets
from tom.streams.bounded import bounded
from tom.streams.models import StreamHealth
from tom.streams.sources import Source

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 2.0


class Pulse:
    """Gathers news of a source's topics and writes them to `StreamHealth`, never often."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._details = dict.fromkeys(source.topics, "starting")
        self._heard: dict[str, datetime] = {}
        self._last_message: dict[str, datetime] = {}
        self._messages: Counter[str] = Counter()
        self._changed = set(source.topics)
        self._next_write = 0.0

    def hear(self, topics: Iterable[str]) -> None:
        """Note that the broker just answered for these topics."""
        now = timezone.now()
        for topic in topics:
            self._heard[topic] = now
            self._say(topic, "")

    def note_message(self, topic: str) -> None:
        """Note a message that was just stored."""
        self._last_message[topic] = self._heard[topic] = timezone.now()
        self._messages[topic] += 1
        self._say(topic, "")

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
                self._messages.pop(topic, None)
                self._changed.discard(topic)
        except Error:
            connection.close()

    def _say(self, topic: str, detail: str) -> None:
        self._details[topic] = detail
        self._changed.add(topic)

    def _write_topic(self, topic: str) -> None:
        row, _ = StreamHealth.objects.get_or_create(stream=self._source.broker, topic=topic)
        fresh = {
            "last_heard": self._heard.get(topic),
            "last_message": self._last_message.get(topic),
        }
        StreamHealth.objects.filter(pk=row.pk).update(
            connected=not self._details[topic],
            detail=self._details[topic],
            messages=F("messages") + self._messages[topic],
            **{name: value for name, value in fresh.items() if value is not None},
        )
