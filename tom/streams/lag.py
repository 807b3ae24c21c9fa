"""How many messages a broker holds that we have not stored, measured without waiting for it."""

import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final

from django.db import Error, connection

from tom.streams.bounded import bounded
from tom.streams.models import StreamPosition
from tom.streams.positions import Partition
from tom.streams.watch import Broker

MEASURE_SECONDS: Final = 5.0


class Lag:
    """Compares the ends of topics, which the broker says, with the positions in the database."""

    def __init__(self, broker: Broker, address: str, group: str) -> None:
        self._broker = broker
        self._positions = StreamPosition.objects.filter(broker=address, group=group)
        self._asked: Mapping[Partition, Future[Any]] = {}
        self._next = 0.0

    def measure(self, partitions: Mapping[str, int]) -> dict[str, int]:
        """Return the lag of each topic for which the broker has just answered; ask again in turn.

        Parameters
        ----------
        partitions
            How many there are of each topic.
        """
        if self._asked:
            return self._take_answers() if all(each.done() for each in self._asked.values()) else {}
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + MEASURE_SECONDS
            self._asked = self._broker.ask_ends(partitions)
        return {}

    def _take_answers(self) -> dict[str, int]:
        answers, self._asked = self._asked, {}
        ends = {
            place: answer.result().offset
            for place, answer in answers.items()
            if answer.exception() is None
        }
        # Of a topic that is known in part only, nothing is said.
        unknown = {topic for topic, _ in answers.keys() - ends.keys()}
        behind: Counter[str] = Counter()
        positions = self._read_positions()
        for (topic, number), end in ends.items():
            offset = positions.get((topic, number))
            if offset is None:
                unknown.add(topic)
            else:
                behind[topic] += max(end - offset, 0)
        return {topic: lag for topic, lag in behind.items() if topic not in unknown}

    def _read_positions(self) -> dict[Partition, int | None]:
        rows = self._positions.all().values_list("topic", "partition", "offset")
        try:
            with bounded():
                return {(topic, number): offset for topic, number, offset in rows}
        except Error:
            connection.close()
            return {}
