"""Read topics as a member of a consumer group; only what is stored is marked as read.

All of it happens in the thread that stores the messages. So taking, storing and marking messages
never happens during a rebalance. While nothing can be stored, the partitions are paused and the
member keeps answering its group: it stays a member, and keeps its position.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from tom.formats.containers import with_schema
from tom.streams.log_in import LogIn
from tom.streams.watch import Errors

BATCH: Final = 100
BATCH_BYTES: Final = 32 * 1024 * 1024
"""A batch ends with the message that reaches it: PostgreSQL takes no statement of 1 GB."""
TAKE_SECONDS: Final = 0.1
FIRST_REST: Final = 1.0
LONGEST_REST: Final = 30.0
SESSION_SECONDS: Final = 10
"""After a member's death the group gives its partitions to others so soon."""
POLL_SECONDS: Final = 300
"""A member that serves its group more rarely is put out; far above what keeping a batch takes."""


Partition = tuple[str, int]  # a topic's name and a number


@dataclass(frozen=True, slots=True)
class Received:
    """A message and its position; a tombstone has no payload."""

    topic: str
    partition: int
    offset: int
    payload: bytes
    headers: list[tuple[str, Any]]


class Reader:
    """What one member of a group has fetched and not yet stored."""

    def __init__(
        self, config: Mapping[str, Any], topics: Collection[str], joined: Callable[[], object]
    ) -> None:
        self.is_member = False
        self._joined = joined
        self._ours: set[Partition] = set()
        self._waiting: deque[Received] = deque()
        self._rest = 0.0  # how long it last waited for the keeping to succeed
        self._rests_until = 0.0
        self._consumer = Consumer(dict(config))
        self._consumer.subscribe(
            list(topics),
            on_assign=self._be_assigned,
            on_revoke=self._be_revoked,
            on_lost=self._be_revoked,
        )

    def close(self) -> None:
        """Commit what is stored, and leave the group."""
        self._consumer.close()

    def take(self) -> list[Received]:
        """Take the messages that have come, at most a batch; wait a moment if there is none.

        Take it again and again, also while nothing can be kept: it serves the group.

        Raises
        ------
        KafkaException
            If the broker said that this connection is over.
        """
        if time.monotonic() < self._rests_until:
            self._fetch(1, TAKE_SECONDS)
            return []
        room = max(BATCH - len(self._waiting), 1)
        self._fetch(room, 0 if self._waiting else TAKE_SECONDS)
        batch: list[Received] = []
        size = 0
        while self._waiting and len(batch) < BATCH and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].payload)
        return batch

    def mark_kept(self, batch: Collection[Received]) -> None:
        """Mark what was taken as stored, so that its offsets may be committed."""
        # The new owner of a partition that was taken from us reads these again.
        ours = [each for each in batch if (each.topic, each.partition) in self._ours]
        offsets = {(each.topic, each.partition): each.offset + 1 for each in ours}
        places = [TopicPartition(*where, offset) for where, offset in offsets.items()]
        if places:
            self._consumer.store_offsets(offsets=places)
        if self._rest:
            self._rest = self._rests_until = 0.0
            self._consumer.resume(self._consumer.assignment())

    def put_back(self, batch: Collection[Received]) -> None:
        """Put back what could not be stored: it is taken again after a wait, longer each time."""
        self._waiting.extendleft(reversed(list(batch)))
        self._rest = min(max(FIRST_REST, 2 * self._rest), LONGEST_REST)
        self._rests_until = time.monotonic() + self._rest
        self._consumer.pause(self._consumer.assignment())

    def _fetch(self, most: int, seconds: float) -> None:
        for message in self._consumer.consume(most, seconds):
            if message.error() is not None:
                raise KafkaException(message.error())
            self._waiting.append(_received(message))

    def _be_assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        if self._rest:
            consumer.pause(partitions)
        self._ours |= _places(partitions)
        self.is_member = True
        self._joined()

    def _be_revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Drop what is not stored of these partitions: their next owner reads it."""
        self._ours -= _places(partitions)
        self._waiting = deque(
            each for each in self._waiting if (each.topic, each.partition) in self._ours
        )


def _places(partitions: Collection[TopicPartition]) -> set[Partition]:
    return {(each.topic, each.partition) for each in partitions}


def _received(message: Message) -> Received:
    # Message's own types leave room for one that failed; this one did not.
    topic: Any = message.topic()
    partition: Any = message.partition()
    offset: Any = message.offset()
    headers: Any = message.headers()
    key: Any = message.key()
    # Kept as a container: a record without its schema could not be read again.
    payload = with_schema(key if isinstance(key, bytes) else None, message.value() or b"")
    return Received(topic, partition, offset, payload, headers or [])


@contextmanager
def reading(
    broker: str,
    topics: Collection[str],
    *,
    credential: LogIn | None,
    group: str,
    errors: Errors,
    joined: Callable[[], object],
) -> Iterator[Reader]:
    """Read topics for as long as the block runs; a new group begins with the oldest message.

    `joined` is called whenever the group has given us our partitions.

    Raises
    ------
    KafkaException
        If the configuration cannot be used.
    """
    config = {
        "bootstrap.servers": broker,
        "group.id": group,
        "auto.offset.reset": "earliest",
        # What is marked is committed every second, at each rebalance and at the close.
        "enable.auto.offset.store": False,
        "auto.commit.interval.ms": 1000,
        "session.timeout.ms": SESSION_SECONDS * 1000,
        "heartbeat.interval.ms": SESSION_SECONDS * 1000 // 3,
        "max.poll.interval.ms": POLL_SECONDS * 1000,
        "queued.min.messages": 1000,
        "reconnect.backoff.ms": 1000,
        "error_cb": errors.note,
        **(credential() if credential is not None else {}),
    }
    reader = Reader(config, topics, joined)
    try:
        yield reader
    finally:
        reader.close()
