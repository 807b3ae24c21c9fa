"""One listener for each source that is to be read, started and stopped as the rows change."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import connection

from tom.streams.reading import read_now
from tom.streams.sources import Source, read_sources

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
ENDING_SECONDS: Final = 30.0
"""So long a listener that was told to stop may take, as where a library does not come back."""
STUCK_SECONDS: Final = 300.0
"""A listener that has not come round for so long is held for stuck, and another takes its place."""


class Listens(Protocol):
    """What listens to a source in a thread of its own.

    `seen` is when it last came round, on `time.monotonic`'s clock.
    """

    @property
    def seen(self) -> float: ...

    def run(self) -> None: ...

    def stop(self) -> None: ...


class Listeners:
    """Runs a listener for each source; none waits for another, neither to start nor to stop.

    A thread cannot be ended from outside. One that does not end is given up: its claim of the
    positions is taken by the next listener, so whatever it does later, it stores nothing.
    """

    def __init__(self, make: Callable[[Source], Listens]) -> None:
        self._make = make
        self._wanted: Collection[Source] = read_sources(settings.STREAMS)
        self._running: dict[Source, tuple[Listens, threading.Thread]] = {}
        self._ending: dict[Source, tuple[threading.Thread, float]] = {}  # and until when
        self._stopped = threading.Event()

    def run(self) -> None:
        """Follow the rows until `stop`. While the database is away, what runs goes on."""
        while not self._stopped.is_set():
            try:
                self._wanted = read_now()
            except AnyDatabaseError:
                logger.warning("The streams cannot be read: those that run go on", exc_info=True)
                connection.close()
            self._adjust(self._wanted)
            self._stopped.wait(LOOK_SECONDS)
        connection.close()

    def _adjust(self, wanted: Collection[Source]) -> None:
        """Start what is wanted and does not run; stop what runs and is not wanted."""
        self._give_up()
        for source in self._running.keys() - set(wanted):
            self._end(source)
        for source in wanted:
            if source in self._running and not self._is_well(source):
                self._end(source)
            if source not in self._running and not self._is_still_read(source):
                self._start(source)

    def stop_following(self) -> None:
        """Follow the rows no longer: `run` ends."""
        self._stopped.set()

    def stop(self, *, seconds: float) -> None:
        """Stop all listeners once `run` has ended, and wait for them at most so long."""
        for source in list(self._running):
            self._end(source)
        deadline = time.monotonic() + seconds
        for thread, _ in self._ending.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, source: Source) -> None:
        listener = self._make(source)
        thread = threading.Thread(target=listener.run, name=source.broker, daemon=True)
        thread.start()
        self._running[source] = listener, thread

    def _end(self, source: Source) -> None:
        listener, thread = self._running.pop(source)
        listener.stop()
        self._ending[source] = thread, time.monotonic() + ENDING_SECONDS

    def _is_well(self, source: Source) -> bool:
        listener, thread = self._running[source]
        stuck = time.monotonic() - listener.seen > STUCK_SECONDS
        if stuck:
            logger.error("A listener is stuck: another begins", extra={"broker": source.broker})
        return thread.is_alive() and not stuck

    def _give_up(self) -> None:
        """Wait no longer for what has ended, nor for what does not end."""
        now = time.monotonic()
        for source, (thread, until) in list(self._ending.items()):
            if not thread.is_alive():
                del self._ending[source]
            elif now > until:
                del self._ending[source]
                logger.error("A listener does not end: given up", extra={"broker": source.broker})

    def _is_still_read(self, source: Source) -> bool:
        """Whether a listener that was told to stop still reads one of these topics."""
        return any(
            each.broker == source.broker and set(each.topics) & set(source.topics)
            for each in self._ending
        )
