"""Read topics as a member of a consumer group, from the positions that the database holds.

The broker is told how far we are as well, so that its tools show it; where the two differ, the
database is right. All of it happens in the thread that stores the messages. So taking, storing and
marking messages never happens during a rebalance. While nothing can be stored, the partitions are
paused and the member keeps answering its group: it stays a member, and keeps its position.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import (
    OFFSET_INVALID,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from tom.formats.containers import with_schema
from tom.streams.feeds import Received
from tom.streams.headers import find_id
from tom.streams.log_in import LogIn
from tom.streams.positions import (
    Claim,
    Held,
    Move,
    Partition,
    Positions,
    Start,
    find_start,
    not_ours,
)
from tom.streams.watch import ASK_SECONDS, Errors

BATCH: Final = 100
BATCH_BYTES: Final = 32 * 1024 * 1024
"""A batch ends with the message that reaches it: PostgreSQL takes no statement of 1 GB."""
TAKE_SECONDS: Final = 0.1
FIRST_REST: Final = 1.0
LONGEST_REST: Final = 30.0
SESSION_SECONDS: Final = 10
"""After a member's death the group gives its partitions to others so soon."""
LATEST_MILLISECONDS: Final = 10**14
"""A time of Kafka's beyond it, after the year 5000, is none."""
POLL_SECONDS: Final = 300
"""A member that serves its group more rarely is put out; far above what keeping a batch takes."""
TopicIds = Callable[[Collection[str]], Mapping[str, str]]
"""Topics to what the broker calls them until they are deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromKafka(Received):
    """A message of a topic, and its position; a tombstone has no payload."""

    partition: int
    offset: int

    @property
    def place(self) -> Partition:
        return self.topic, self.partition


class Reader:
    """What one member of a group has fetched and not yet stored."""

    def __init__(
        self,
        config: Mapping[str, Any],
        topics: Collection[str],
        *,
        positions: Positions,
        topic_ids: TopicIds,
        joined: Callable[[], object],
    ) -> None:
        self.is_member = False
        self._joined = joined
        self._positions = positions
        self._topic_ids = topic_ids
        self._claims: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}  # what is fetched next; those that are placed
        self._unplaced: set[Partition] = set()
        self._held: set[str] = set()  # topics of which nothing is fetched
        self._refused: set[Partition] = set()  # the broker does not have our position
        self._waiting: deque[FromKafka] = deque()
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

    def take(self) -> list[FromKafka]:
        """Take the messages that have come, at most a batch; wait a moment if there is none.

        Take it again and again, also while nothing can be kept: it serves the group.

        Raises
        ------
        KafkaException
            If the broker said that this connection is over.
        django.db.Error
            If the database does not say where to read on.
        """
        if time.monotonic() < self._rests_until:
            self._fetch(1, TAKE_SECONDS)
            return []
        if self._unplaced and not self._waiting:
            self._place()
        room = max(BATCH - len(self._waiting), 1)
        self._fetch(room, 0 if self._waiting else TAKE_SECONDS)
        batch: list[FromKafka] = []
        size = 0
        while self._waiting and len(batch) < BATCH and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].payload)
        return batch

    def hold(self, topics: Collection[str]) -> None:
        """Fetch nothing of these topics, and of the others again.

        The member stays in its group: `take` goes on serving it.
        """
        if self._held == set(topics):
            return
        self._held = set(topics)
        self._pause_held()
        if not self._rest:
            self._resume()

    def move(self, batch: Collection[FromKafka]) -> None:
        """Move our positions past a batch, in the transaction that stores it.

        Raises
        ------
        NotOursError
            If a partition of it was taken away since: the transaction must not be committed.
        """
        offsets = {each.place: each.offset + 1 for each in batch}
        gone = offsets.keys() - self._claims.keys()
        if gone:
            raise not_ours(gone)
        self._positions.move(
            {place: Move(self._claims[place], offset) for place, offset in offsets.items()}
        )

    def mark_kept(self, batch: Collection[FromKafka]) -> None:
        """Tell the broker what is stored, so that its tools show how far we are."""
        offsets = {each.place: each.offset + 1 for each in batch if each.place in self._claims}
        places = [TopicPartition(*where, offset) for where, offset in offsets.items()]
        if places:
            self._consumer.store_offsets(offsets=places)
        self._end_rest()

    def put_back(self, batch: Collection[FromKafka]) -> None:
        """Put back what could not be stored: it is taken again after a wait, longer each time."""
        self._waiting.extendleft(reversed(list(batch)))
        self._rest = min(max(FIRST_REST, 2 * self._rest), LONGEST_REST)
        self._rests_until = time.monotonic() + self._rest
        self._consumer.pause(self._consumer.assignment())

    def _end_rest(self) -> None:
        if self._rest:
            self._rest = self._rests_until = 0.0
            self._resume()

    def _resume(self) -> None:
        free = [each for each in self._consumer.assignment() if each.topic not in self._held]
        self._consumer.resume(free)

    def _pause_held(self) -> None:
        held = [each for each in self._consumer.assignment() if each.topic in self._held]
        self._consumer.pause(held)

    def _fetch(self, most: int, seconds: float) -> None:
        for message in self._consumer.consume(most, seconds):
            error = message.error()
            if error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET:
                self._be_refused(_place_of(message))
            elif error is not None:
                raise KafkaException(error)
            elif _place_of(message) in self._next:
                received = _received(message)
                self._next[received.place] = received.offset + 1
                self._waiting.append(received)

    def _be_assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Note what is ours; nothing of it is fetched before it is placed."""
        consumer.assign([])
        self._forget(self._claims.keys() | self._unplaced)
        self._unplaced = _places(partitions)
        self.is_member = True
        self._joined()

    def _be_revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Drop what is not stored of these partitions: their next owner reads it."""
        self._forget(_places(partitions))

    def _be_refused(self, place: Partition) -> None:
        """Note that the broker does not have our position; what came before is stored first."""
        self._unplaced.add(place)
        self._refused.add(place)

    def _forget(self, places: Collection[Partition]) -> None:
        self._unplaced -= set(places)
        self._refused -= set(places)
        for place in places:
            self._claims.pop(place, None)
            self._next.pop(place, None)
        self._waiting = deque(each for each in self._waiting if each.place in self._next)

    def _place(self) -> None:
        """Claim the partitions that were given to us, and read each from its position."""
        claims = self._positions.claim(self._unplaced)
        ids = self._topic_ids({topic for topic, _ in claims})
        starts = {place: self._find_start(place, claim, ids) for place, claim in claims.items()}
        self._positions.settle(starts, claims, ids)
        self._claims |= {place: claim.number for place, claim in claims.items()}
        self._next |= {place: start.offset for place, start in starts.items()}
        self._unplaced.clear()
        self._refused.clear()
        self._consumer.assign([TopicPartition(*place, self._next[place]) for place in self._next])
        self._pause_held()
        self._end_rest()

    def _find_start(self, place: Partition, claim: Claim, ids: Mapping[str, str]) -> Start:
        asked = TopicPartition(*place)
        low, high = self._consumer.get_watermark_offsets(asked, timeout=ASK_SECONDS)
        if claim.offset is None:  # an older installation left its position with the broker
            [committed] = self._consumer.committed([asked], timeout=ASK_SECONDS)
            offset = committed.offset if committed.offset > OFFSET_INVALID else None
            claim = replace(claim, offset=offset, topic_id="")
        held = Held(low, high, ids.get(place[0], ""), refused=place in self._refused)
        return find_start(place[1], claim, held)


def _places(partitions: Collection[TopicPartition]) -> set[Partition]:
    return {(each.topic, each.partition) for each in partitions}


def _place_of(message: Message) -> Partition:
    topic: Any = message.topic()
    partition: Any = message.partition()
    return topic, partition


def _received(message: Message) -> FromKafka:
    # Message's own types leave room for one that failed; this one did not.
    offset: Any = message.offset()
    headers: Any = message.headers()
    key: Any = message.key()
    # Kept as a container: a record without its schema could not be read again.
    payload = with_schema(key if isinstance(key, bytes) else None, message.value() or b"")
    topic, partition = _place_of(message)
    return FromKafka(
        topic=topic,
        partition=partition,
        offset=offset,
        payload=payload,
        headers=headers or [],
        name=find_id(headers),
        sent=_sent(message),
    )


def _sent(message: Message) -> datetime | None:
    """Kafka's time of a message, UTC; None where it has none, or none that can be."""
    kind, milliseconds = message.timestamp()
    if kind == TIMESTAMP_NOT_AVAILABLE or not 0 < milliseconds < LATEST_MILLISECONDS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@contextmanager
def reading(
    broker: str,
    topics: Collection[str],
    *,
    credential: LogIn | None,
    group: str,
    errors: Errors,
    topic_ids: TopicIds,
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
        # We say where to read; where the broker does not have that place, it says so.
        "auto.offset.reset": "error",
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
    positions = Positions(broker, group)
    reader = Reader(config, topics, positions=positions, topic_ids=topic_ids, joined=joined)
    try:
        yield reader
    finally:
        reader.close()
