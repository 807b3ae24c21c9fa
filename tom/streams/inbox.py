"""A queue that a thread fills from hop, whose generator does not come back while nothing comes.

Only that thread touches the consumer: confluent-kafka 2.16 lets one at a time in, and one that
reads never rests. So what is done is marked when the next message comes, or at the close; what a
death in between brings again is known by its position.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from confluent_kafka import KafkaException
from hop.io import Consumer, Metadata

BATCH: Final = 100
BATCH_BYTES: Final = 32 * 1024 * 1024
"""A batch ends with the message that reaches it: PostgreSQL takes no statement of 1 GB."""
FETCH_SECONDS: Final = 0.1
TAKE_SECONDS: Final = 0.2

Received = tuple[bytes | None, Metadata]


class FetchingEndedError(Exception):
    """Nothing more will come on this connection."""


class Inbox:
    """What was fetched and not yet taken."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._waiting: queue.Queue[Received] = queue.Queue(maxsize=BATCH)
        self._done: queue.SimpleQueue[Metadata] = queue.SimpleQueue()
        self._over = threading.Event()
        self._error: KafkaException | None = None
        self._thread = threading.Thread(target=self._fetch, daemon=True)

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        while self._thread.is_alive():
            self._consumer.stop()  # again and again: a generator just begun forgets the first
            self._thread.join(0.05)
        self._mark_done()

    def done(self, batch: list[Received]) -> None:
        """Say that what was taken is kept, so that its offsets may be committed."""
        for _, metadata in batch:
            self._done.put(metadata)

    def take(self) -> list[Received]:
        """Take what waits, up to a batch or its bytes; wait a moment where nothing does.

        Raises
        ------
        KafkaException
            If the broker said that this connection is over.
        FetchingEndedError
            If it ended for another reason.
        """
        batch: list[Received] = []
        size = 0
        try:
            batch.append(self._waiting.get(timeout=TAKE_SECONDS))
            while len(batch) < BATCH and (size := size + _size(batch[-1])) < BATCH_BYTES:
                batch.append(self._waiting.get_nowait())
        except queue.Empty:
            if not batch and not self._thread.is_alive():
                msg = "the connection ended"
                raise self._error or FetchingEndedError(msg) from None
        return batch

    def _fetch(self) -> None:
        messages = self._consumer.read_raw(
            metadata=True,
            autocommit=False,
            batch_size=BATCH,
            batch_timeout=timedelta(seconds=FETCH_SECONDS),
        )
        try:
            for received in messages:
                self._mark_done()
                self._put(received)
        except KafkaException as error:
            self._error = error

    def _mark_done(self) -> None:
        while not self._done.empty():
            self._consumer.mark_done(self._done.get())

    def _put(self, received: Received) -> None:
        while not self._over.is_set():
            try:
                self._waiting.put(received, timeout=TAKE_SECONDS)
            except queue.Full:
                continue
            return


def _size(received: Received) -> int:
    payload, _ = received
    return len(payload or b"")  # a tombstone has none


@contextmanager
def fetching(consumer: Consumer) -> Iterator[Inbox]:
    """Fetch for as long as the block runs."""
    inbox = Inbox(consumer)
    inbox.open()
    try:
        yield inbox
    finally:
        inbox.close()
