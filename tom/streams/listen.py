"""Listen to the topics of one broker; store messages and our position in one transaction.

Credentials and addresses are read by hop-client; the reading itself is confluent-kafka's, in the
one thread that also stores, so that nothing is marked which is not stored. An outage raises
nothing and a wrong password nothing that says so: both are found by asking the broker.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from confluent_kafka import KafkaException
from django.db import Error as AnyDatabaseError
from django.db import InterfaceError, OperationalError, connection
from kombu.exceptions import OperationalError as QueueError

from tom.forms.networks import HEARTBEAT
from tom.forms.recognition import identify
from tom.streams.bounded import bounded
from tom.streams.brake import Backlog, Brake
from tom.streams.consuming import Reader, Received, reading
from tom.streams.credentials import CredentialError
from tom.streams.door import Door, Regions, Sorted, count_outcomes
from tom.streams.faults import say_fault
from tom.streams.headers import find_id, is_test, read_headers
from tom.streams.lag import Lag
from tom.streams.log_in import find_log_in
from tom.streams.packets import PacketStoreError
from tom.streams.positions import NotOursError
from tom.streams.pulse import Pulse
from tom.streams.reading import keep_row_of
from tom.streams.services import Incoming, prepare_messages, store_prepared
from tom.streams.sources import Source
from tom.streams.watch import ASK_SECONDS, DOUBT_SECONDS, Broker, Errors, RefusedError, Watch

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
NO_TOPIC: Final = "no such topic here, or no right to read it"
NO_PLACE: Final = "the consumer group has given us no partition"

Wake = Callable[[dict[str, list[int]]], object]


class CannotListenError(Exception):
    """There is nothing to read at present; the message says why."""


# What another attempt may find corrected. ValueError and RuntimeError are hop's own.
_MENDABLE: Final = (
    CannotListenError,
    CredentialError,
    RefusedError,
    NotOursError,
    KafkaException,
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
        self._errors = Errors()
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
        except KafkaException as error:
            self._pulse.complain(self._errors.reason or _describe(error))
        except _MENDABLE as error:
            self._pulse.complain(_describe(error))
        # The message boundary: no fault, whatever it is, must end the listening for good.
        except Exception as error:
            logger.exception("A listener failed", extra={"broker": self._source.broker})
            self._pulse.complain(f"failed, {type(error).__name__}: {error}")
        finally:
            self._pulse.write()
            connection.close()

    def _listen(self) -> None:
        self._pulse.write_if_due()
        self._errors.forget()
        if self._source.stream is None:
            keep_row_of(self._source)
        credential, group = find_log_in(self._source)
        broker = Broker(self._source.broker, credential, self._errors)
        partitions = self._find_topics(broker, seconds=ASK_SECONDS)
        if not partitions:
            raise CannotListenError(NO_TOPIC)
        opened = reading(
            self._source.broker,
            partitions,
            credential=credential,
            group=group,
            errors=self._errors,
            topic_ids=broker.find_topic_ids,
            joined=lambda: self._hear(partitions),
        )
        with opened as reader:
            lag = Lag(broker, self._source.broker, group)
            self._read(reader, broker, partitions, lag)

    def _read(self, reader: Reader, broker: Broker, partitions: dict[str, int], lag: Lag) -> None:
        """Store what comes, until stopped or until the topics have changed."""
        watch = Watch()
        while not self._stopped.is_set():
            self.seen = time.monotonic()
            self._hold(reader)
            batch = self._take(reader)
            if batch and self._keep(batch, reader):
                watch.be_well()
            if watch.is_due(in_doubt=bool(self._errors.newest)):
                found = self._check(broker, watch, reader)
                if found is not None and found != partitions:
                    return
            self._pulse.note_lag(lag.measure(partitions))
            self._pulse.write_if_due()

    def _hold(self, reader: Reader) -> None:
        """Fetch nothing of survey topics while scoring is behind."""
        held = self._brake.look()
        reader.hold(held)
        self._pulse.note_waiting(held)

    def _take(self, reader: Reader) -> list[Received]:
        """Take a batch; none while the database does not say where to read on."""
        try:
            return reader.take()
        except AnyDatabaseError as error:
            self._rest(reader, [], error)
            return []

    def _rest(self, reader: Reader, batch: list[Received], error: Exception) -> None:
        connection.close()
        reader.put_back(batch)
        self._pulse.complain(_describe(error))

    def _keep(self, batch: list[Received], reader: Reader) -> bool:
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

    def _incoming(self, batch: list[Received]) -> list[Incoming]:
        """What of a batch may be kept. Heartbeats are only counted."""
        return [
            _incoming(self._source, message)
            for message in batch
            if not is_test(message.headers) and identify(message.topic, b"") != HEARTBEAT
        ]

    def _store(self, batch: list[Received], judged: Sorted, reader: Reader) -> dict[str, list[int]]:
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

    def _check(self, broker: Broker, watch: Watch, reader: Reader) -> dict[str, int] | None:
        """Ask the broker whether it answers; return our topics, or None if it does not."""
        try:
            found = self._find_topics(broker, seconds=DOUBT_SECONDS)
        except KafkaException as error:
            self._pulse.complain(self._errors.reason or _describe(error))
            if watch.is_lost():
                raise
            return None
        if reader.is_member:
            watch.be_well()
            self._errors.forget()
            self._hear(found)
        elif watch.is_lost():
            raise CannotListenError(NO_PLACE)
        return found

    def _find_topics(self, broker: Broker, *, seconds: float) -> dict[str, int]:
        found = broker.count_partitions(seconds=seconds, hurry=self._stopped.is_set)
        return {name: found[name] for name in self._source.topics if name in found}

    def _hear(self, topics: Collection[str]) -> None:
        """Note that these topics answered; report those that do not exist."""
        self._pulse.hear(topics)
        missing = [topic for topic in self._source.topics if topic not in topics]
        if missing:
            self._pulse.complain(NO_TOPIC, topics=missing)


def _incoming(source: Source, message: Received) -> Incoming:
    return Incoming(
        message.topic,
        message.payload,
        message.partition,
        message.offset,
        find_id(message.headers),
        source.broker,
        read_headers(message.headers),
        message.sent,
        source.group,
        source.stream if source.group is not None else None,
    )


def _describe(error: Exception) -> str:
    if isinstance(error, OperationalError | InterfaceError):  # away, or its disk is full
        return f"the database fails: {str(error).partition(chr(10))[0]}"
    if isinstance(error, KafkaException):
        return say_fault(error.args[0])
    return f"{type(error).__name__}: {error}" if isinstance(error, AnyDatabaseError) else str(error)
