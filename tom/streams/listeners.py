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


class Listens(Protocol):
    """What listens to a source in a thread of its own."""

    def run(self) -> None: ...

    def stop(self) -> None: ...


class Listeners:
    """Runs a listener for each source; none waits for another, neither to start nor to stop."""

    def __init__(self, make: Callable[[Source], Listens]) -> None:
        self._make = make
        self._wanted: Collection[Source] = read_sources(settings.STREAMS)
        self._running: dict[Source, tuple[Listens, threading.Thread]] = {}
        self._ending: dict[Source, threading.Thread] = {}
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
        self._ending = {each: thread for each, thread in self._ending.items() if thread.is_alive()}
        for source in self._running.keys() - set(wanted):
            self._end(source)
        for source in wanted:
            if source in self._running and not self._running[source][1].is_alive():
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
        for thread in self._ending.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, source: Source) -> None:
        listener = self._make(source)
        thread = threading.Thread(target=listener.run, name=source.broker, daemon=True)
        thread.start()
        self._running[source] = listener, thread

    def _end(self, source: Source) -> None:
        listener, thread = self._running.pop(source)
        listener.stop()
        self._ending[source] = thread

    def _is_still_read(self, source: Source) -> bool:
        """Whether a listener that was told to stop still reads one of these topics."""
        return any(
            each.broker == source.broker and set(each.topics) & set(source.topics)
            for each in self._ending
        )
