"""Listen to one source; store its messages and our position in one transaction.

The thread that reads is the one that stores, so that nothing is marked which is not stored.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from django.db import Error as AnyDatabaseError
from django.db import InterfaceError, OperationalError, connection
from kombu.exceptions import OperationalError as QueueError

from tom.forms.networks import HEARTBEAT
from tom.forms.recognition import identify
from tom.streams.bounded import bounded
from tom.streams.brake import Backlog, Brake
from tom.streams.credentials import CredentialError
from tom.streams.door import Door, Regions, Sorted, count_outcomes
from tom.streams.feeds import CannotListenError, Feed, M, OpenFeed, Reads, Received
from tom.streams.headers import is_test, read_headers
from tom.streams.kafka_feed import kafka_feed
from tom.streams.packets import PacketStoreError
from tom.streams.positions import NotOursError
from tom.streams.pubsub_feed import pubsub_feed
from tom.streams.pulse import Pulse
from tom.streams.reading import keep_row_of
from tom.streams.services import Incoming, prepare_messages, store_prepared
from tom.streams.sources import KAFKA, PUBSUB, Source
from tom.streams.watch import RefusedError

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0

Wake = Callable[[dict[str, list[int]]], object]

FEEDS: Final[Mapping[str, OpenFeed]] = {KAFKA: kafka_feed, PUBSUB: pubsub_feed}
"""What opens a source, by its network."""

# What another attempt may find corrected. ValueError and RuntimeError are hop's own.
_MENDABLE: Final = (
    CannotListenError,
    CredentialError,
    RefusedError,
    NotOursError,
    AnyDatabaseError,
    OSError,
    ValueError,
    RuntimeError,
)


class Listener:
    """Reads one source until stopped, through every outage of its broker and of the database.

    A new consumer group begins with the oldest message there is. Messages marked as tests (the
    header `_test`) are left out.
    """

    def __init__(self, source: Source, *, wake: Wake, regions: Regions, backlog: Backlog) -> None:
        self._source = source
        self._wake = wake
        self._door = Door(source.stream or source.fixed_name, regions)
        self._brake = Brake(source.topics, backlog)
        self._pulse = Pulse(source)
        self._stopped = threading.Event()
        self.seen = time.monotonic()  # when it last came round

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Listen until `stop`; write each failure to StreamHealth and try again."""
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            opened = self.seen = time.monotonic()
            self._try_to_listen()
            if time.monotonic() - opened > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            self._stopped.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _try_to_listen(self) -> None:
        try:
            self._listen()
        except _MENDABLE as error:
            self._pulse.complain(_describe(error))
            # Before the client goes with the error: it waits for what it asked a token server.
            self._pulse.write()
        # The message boundary: no fault, whatever it is, must end the listening for good.
        except Exception as error:
            logger.exception("A listener failed", extra={"broker": self._source.broker})
            self._pulse.complain(f"failed, {type(error).__name__}: {error}")
        finally:
            self._pulse.write()
            connection.close()

    def _listen(self) -> None:
        self._pulse.write_if_due()
        if self._source.stream is None:
            keep_row_of(self._source)
        open_feed = FEEDS[self._source.network]
        with open_feed(self._source, self._pulse, self._stopped.is_set) as feed:
            self._read(feed)

    def _read(self, feed: Feed[M]) -> None:
        """Store what comes, until stopped or until the feed must be opened again."""
        reader = feed.reader
        while not self._stopped.is_set():
            self.seen = time.monotonic()
            self._hold(reader)
            batch = self._take(reader)
            kept = bool(batch) and self._keep(batch, reader)
            if not feed.goes_on(kept=kept):
                return
            self._pulse.write_if_due()

    def _hold(self, reader: Reads[M]) -> None:
        """Fetch nothing of survey topics while scoring is behind."""
        held = self._brake.look()
        reader.hold(held)
        self._pulse.note_waiting(held)

    def _take(self, reader: Reads[M]) -> list[M]:
        """Take a batch; none while the database does not say where to read on."""
        try:
            return reader.take()
        except AnyDatabaseError as error:
            self._rest(reader, [], error)
            return []

    def _rest(self, reader: Reads[M], batch: list[M], error: Exception) -> None:
        connection.close()
        reader.put_back(batch)
        self._pulse.complain(_describe(error))

    def _keep(self, batch: list[M], reader: Reads[M]) -> bool:
        """Store a batch, mark it, wake its work; put it back if it cannot be stored."""
        try:
            judged = self._door.sort(self._incoming(batch))
            ids = self._store(batch, judged, reader)
        except (AnyDatabaseError, PacketStoreError) as error:
            self._rest(reader, batch, error)
            return False
        reader.mark_kept(batch)
        for message in batch:
            self._pulse.note_message(message.topic, len(message.payload))
        for item in judged.left_out:
            self._pulse.note_left_out(item.topic)
        if ids:
            self._wake_work(ids)
        return True

    def _incoming(self, batch: Sequence[Received]) -> list[Incoming]:
        """What of a batch may be kept. Heartbeats are only counted."""
        return [
            _incoming(self._source, message)
            for message in batch
            if not is_test(message.headers) and identify(message.topic, b"") != HEARTBEAT
        ]

    def _store(self, batch: list[M], judged: Sorted, reader: Reads[M]) -> dict[str, list[int]]:
        """Store what passed the door, what was left out there, and our position past it all."""
        prepared = prepare_messages(judged.passed)
        for each in prepared:
            self._brake.note(each.item.topic, each.kind)
        with bounded():
            reader.move(batch)
            ids = store_prepared(prepared).ids if prepared else {}
            # Last: listeners of several processes count in the same rows.
            count_outcomes(judged)
            return ids

    def _wake_work(self, ids: dict[str, list[int]]) -> None:
        try:
            self._wake(ids)
        except QueueError:  # kept all the same: the sweep finds it
            logger.warning(
                "The task queue is away", extra={"messages": sum(map(len, ids.values()))}
            )


def _incoming(source: Source, message: Received) -> Incoming:
    return Incoming(
        message.topic,
        message.payload,
        message.partition,
        message.offset,
        message.name,
        source.broker,
        read_headers(message.headers),
        message.sent,
        source.group,
        source.stream if source.group is not None else None,
    )


def _describe(error: Exception) -> str:
    if isinstance(error, OperationalError | InterfaceError):  # away, or its disk is full
        return f"the database fails: {str(error).partition(chr(10))[0]}"
    return f"{type(error).__name__}: {error}" if isinstance(error, AnyDatabaseError) else str(error)
