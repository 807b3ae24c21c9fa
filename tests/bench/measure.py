"""Measure how long something takes, and where it was measured."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


class Clock:
    """Seconds of wall-clock time that a block took."""

    seconds = 0.0


@contextmanager
def timed() -> Iterator[Clock]:
    """Time the block."""
    clock, began = Clock(), time.perf_counter()
    try:
        yield clock
    finally:
        clock.seconds = time.perf_counter() - began


def median_ms(action: Callable[[], object], *, times: int) -> float:
    """Return the median of several runs in milliseconds, after one that is not counted."""
    action()
    taken = []
    for _ in range(times):
        with timed() as clock:
            action()
        taken.append(clock.seconds)
    return round(1000 * statistics.median(taken), 2)


class Processors:
    """Seconds that this process and its connection's PostgreSQL backend spent on processors.

    Helpers that the backend starts for a query are not in it.
    """

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (self._backend,) = cursor.fetchone()

    def __call__(self) -> float:
        ran, *_ = Path(f"/proc/{self._backend}/schedstat").read_text().split()
        return time.process_time() + int(ran) / 1e9


def least_processor_ms(action: Callable[[], object], *, times: int) -> float:
    """Return the least milliseconds on processors of several runs: others on them make it more."""
    taken = []
    for _ in range(times):
        spent = Processors()
        before = spent()
        action()
        taken.append(spent() - before)
    return round(1000 * min(taken), 2)


def describe_machine() -> dict[str, object]:
    """Where the figures come from; a load near the number of cores makes them worse."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
