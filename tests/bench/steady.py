"""Rubin at its full rate for minutes: packets from disk, through the consumers of a stream."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from django.db.models import Sum

from tests.bench.broker import PARTITIONS, Writer
from tests.bench.processes import Parts, running_parts, spent_between, wait_for
from tests.bench.rubin import TOPIC, Renamed, whole_originals
from tests.bench.visit import count_judged, count_passed, count_waiting, open_stream
from tests.peers.librdkafka import running_small_broker
from tom.streams.models import AlertMessage, MessageState, StreamHealth
from tom.targets.models import LightCurvePoint

PER_SECOND: Final = 260
ONE_PASSES_OF: Final = 33
PARTS: Final = ("ingester", "worker", "scorer", "caller", "beat")
TOPICS: Final = tuple(f"{TOPIC}-{number:02d}" for number in range(24))
"""Each has four partitions, of which the broker keeps 5 MB."""
ROOM: Final = 3 * PARTITIONS * len(TOPICS)
"""So many packets of up to 566 KB, unevenly read, it surely keeps; others wait in their files."""
PAUSE_SECONDS: Final = 0.01
LOOKS: Final = 40
LONGEST_SECONDS: Final = 60


def measure_steady(seconds: int) -> dict[str, object]:
    """Write `PER_SECOND` real packets with their full history a second, and watch the lag.

    They lie in files, and each is told of another object at another place; one of `ONE_PASSES_OF`
    passes the stream's filter and is stored whole. The broker is librdkafka's own, in this process,
    and costs processor time beside the rest. What it has no room for waits in its file, and would
    be `lost` otherwise. `lag` has at even times the seconds since the beginning, how many packets
    were due and not judged, and how many had passed and were not stored.
    """
    originals = whole_originals(least=0)
    n = PER_SECOND * seconds
    with tempfile.TemporaryDirectory(prefix="bench-packets-") as folder:
        files = _Files(Path(folder), [Renamed.of(each) for each in originals.records])
        with running_small_broker() as small:
            writer = Writer(TOPICS, {"bootstrap.servers": small.address})
            first = PARTITIONS * len(TOPICS)
            writer.write_all(files.read(0, first))  # so that all topics are there
            with running_parts(PARTS) as running:
                open_stream(small.address, TOPICS)
                wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=running)
                wait(lambda: count_judged() >= first and count_waiting() == 0)
                told = files.read(first, first + n)
                return _watch(writer, told, n, running, before=first) | {
                    "bytes_each": files.mean_bytes,
                    "real": originals.real,
                }


class _Files:
    """Packets in files, told of one object after the other."""

    def __init__(self, folder: Path, packets: Sequence[Renamed]) -> None:
        self._packets = packets
        self._paths = [folder / str(number) for number in range(len(packets))]
        for path, packet in zip(self._paths, packets, strict=True):
            path.write_bytes(packet.payload)
        self.mean_bytes = round(np.mean([path.stat().st_size for path in self._paths]))

    def read(self, first: int, stop: int) -> Iterator[bytes]:
        """Yield the packets of these objects."""
        for number in range(first, stop):
            which = number % len(self._packets)
            payload = self._paths[which].read_bytes()
            passes = number % ONE_PASSES_OF == 0
            yield self._packets[which].told_of(number, payload, reliability=0.99 if passes else 0.5)


def _watch(
    writer: Writer, told: Iterator[bytes], n: int, running: Parts, *, before: int
) -> dict[str, object]:
    """Write packets at their rate, look at the lag meanwhile, and wait for the rest."""
    passed, stored = count_passed(), _stored()
    spent, ours, began = running.spent(), time.process_time(), time.monotonic()
    lag: list[tuple[float, int, int]] = []
    written = judged = 0
    while written < n:
        elapsed = time.monotonic() - began
        if elapsed > 3 * n / PER_SECOND + LONGEST_SECONDS:
            reason = f"{judged} of {n} packets judged in {elapsed:.0f} s: see {running.home.logs}"
            raise TimeoutError(reason)
        due = min(int(PER_SECOND * elapsed) + 1, n)
        if due > judged + ROOM or len(lag) < LOOKS * due // n:
            judged = count_judged() - before
        if len(lag) < LOOKS * due // n:
            lag.append((round(elapsed, 1), due - judged, count_waiting()))
        writable = max(min(due, judged + ROOM) - written, 0)
        writer.write_all(itertools.islice(told, writable))
        written += writable
        time.sleep(PAUSE_SECONDS)
    writer.finish()
    until_written = time.monotonic() - began
    wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=running)
    wait(lambda: count_judged() - before + count_lost() >= n and count_waiting() == 0)
    seconds = time.monotonic() - began
    return {
        "packets": n,
        "per_second": round(n / until_written, 1),
        "seconds": round(seconds, 1),
        "seconds_after_the_last": round(seconds - until_written, 2),
        "lost": count_lost(),
        "pass": count_passed() - passed,
        "stored": _stored() - stored,
        "points": LightCurvePoint.objects.count(),
        "lag": lag,
        "lag_of_halves": _halves(lag),
        "processor_seconds": spent_between(spent, running.spent())
        | {"broker": round(time.process_time() - ours, 2)},
        "ingester": running.memory("ingester"),
    }


def _halves(lag: Sequence[tuple[float, int, int]]) -> dict[str, list[float]]:
    """The medians of the first half and of the second: what grows is greater in the second."""
    middle = len(lag) // 2
    pick: dict[str, Callable[[tuple[float, int, int]], int]] = {
        "not_judged": lambda each: each[1],
        "not_stored": lambda each: each[2],
    }
    return {
        name: [
            float(np.median([of(each) for each in half])) for half in (lag[:middle], lag[middle:])
        ]
        for name, of in pick.items()
    }


def _stored() -> int:
    return AlertMessage.objects.filter(state=MessageState.STORED).count()


def count_lost() -> int:
    """How many messages the broker deleted before they were read."""
    return int(StreamHealth.objects.aggregate(n=Sum("lost"))["n"] or 0)
