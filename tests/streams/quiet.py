"""Listeners on a quiet site: no event is open, and nothing waits for scoring."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np

from tom.sky.arrays import IntArray
from tom.streams.listen import Listener
from tom.streams.models import Stream, StreamHealth, StreamPosition
from tom.streams.reading import read_now
from tom.streams.sources import Source, read_source

WAIT_SECONDS = 120


def nowhere(_: datetime) -> IntArray:
    return np.empty((0, 2), dtype=np.int64)


def idle() -> int:
    return 0


QUIET: Any = {"regions": nowhere, "backlog": idle}


@contextmanager
def listening(
    stream: Stream | str,
    wake: Callable[..., object] = lambda _: None,
    backlog: Callable[[], int] = idle,
) -> Iterator[Listener]:
    """Run a listener of a stream, or of a hop URL, in a thread of its own."""
    listener = Listener(_source(stream), regions=nowhere, backlog=backlog, wake=wake)
    thread = threading.Thread(target=listener.run)
    thread.start()
    try:
        yield listener
    finally:
        listener.stop()
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()


def wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not ready():
        state = [*StreamHealth.objects.values(), *StreamPosition.objects.values()]
        assert time.monotonic() < deadline, state
        time.sleep(0.05)


def _source(stream: Stream | str) -> Source:
    if isinstance(stream, str):
        return read_source(stream)
    [source] = [each for each in read_now() if each.stream == stream.pk]
    return source
