"""Whole streams: from a Kafka broker through production's processes to what they store."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.bench import from_kafka, latency, reranked, steady, visit
from tests.bench.nights import short_night
from tests.bench.real import real_folder
from tests.bench.survey import survey_packets

Note = Callable[[str, Callable[[], object]], None]
"""Measures something, and keeps it under a name."""


@dataclass(frozen=True)
class StreamSizes:
    """How much comes."""

    objects: int = 700  # of ZTF, six packets each
    visit: int = 10_000  # packets of Rubin
    whole: int = 2_000  # packets of Rubin with their full history
    steady_seconds: int = 600
    latency_seconds: int = 40
    many_targets: int = 1_000_000  # around an event
    notices: int = 10  # with a new map each


QUICK_STREAMS = StreamSizes(
    objects=10, visit=100, whole=70, steady_seconds=10, latency_seconds=2, many_targets=5_000,
    notices=2,
)  # fmt: skip


def measure_streams(note: Note, sizes: StreamSizes, rng: np.random.Generator) -> None:
    """Measure each, in a site of its own."""
    note("from_kafka", lambda: from_kafka.measure_from_kafka(*_ztf(sizes.objects)))
    note("rubin_visit", lambda: visit.measure_visit(sizes.visit, rng))
    note("rubin_full_history", lambda: visit.measure_full_history(sizes.whole))
    note("rubin_ten_minutes", lambda: steady.measure_steady(sizes.steady_seconds))
    note("latency", lambda: latency.measure_latency(sizes.latency_seconds, rng))
    many = {"times": sizes.notices, "rng": rng}
    note("reranked", lambda: reranked.measure_reranked(sizes.many_targets, **many))


def _ztf(objects: int) -> tuple[list[bytes], bool]:
    """Packets of so many objects, and whether they are real; without real ones a few made ones."""
    made = [] if real_folder() else short_night()
    return survey_packets(made, objects=objects)
