"""How many messages a broker holds that we have not stored, measured without waiting for it."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from django.db import Error, connection

from tom.streams.bounded import bounded
from tom.streams.models import StreamPosition
from tom.streams.positions import Partition
from tom.streams.watch import Broker, Ends

MEASURE_SECONDS: Final = 5.0


class Lag:
    """Compares the ends of topics, which the broker says, with the positions in the database."""

    def __init__(self, broker: Broker, address: str, group: str) -> None:
        self._broker = broker
        self._positions = StreamPosition.objects.filter(broker=address, group=group)
        self._asked: Mapping[Partition, Ends] = {}
        self._next = 0.0

    def measure(self, partitions: Mapping[str, int]) -> dict[str, int]:
        """Return the lag of each topic for which the broker has just answered; ask again in turn.

        Parameters
        ----------
        partitions
            How many there are of each topic.
        """
        if self._asked:
            waiting = any(not each.done() for ends in self._asked.values() for each in ends)
            return {} if waiting else self._take_answers()
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + MEASURE_SECONDS
            self._asked = self._broker.ask_ends(partitions)
        return {}

    def _take_answers(self) -> dict[str, int]:
        answers, self._asked = self._asked, {}
        positions = self._read_positions()
        behind: Counter[str] = Counter()
        unknown = {topic for topic, _ in answers} if positions is None else set()
        for place, ends in answers.items():
            if any(each.exception() is not None for each in ends):
                unknown.add(place[0])  # of a topic that is known in part only, nothing is said
                continue
            oldest, end = (each.result().offset for each in ends)
            # Without a position nothing of the partition is stored yet.
            offset = (positions or {}).get(place)
            behind[place[0]] += max(end - max(offset or 0, oldest), 0)
        return {topic: lag for topic, lag in behind.items() if topic not in unknown}

    def _read_positions(self) -> dict[Partition, int | None] | None:
        """The next offset of each partition; None if the database does not say."""
        rows = self._positions.all().values_list("topic", "partition", "offset")
        try:
            with bounded():
                return {(topic, number): offset for topic, number, offset in rows}
        except Error:
            connection.close()
            return None
