"""One visit of Rubin: its packets from a Kafka broker through a stream's filter."""

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import numpy as np
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from tests.bench.broker import running_broker
from tests.bench.processes import running_parts, spent_between, wait_for
from tests.bench.rubin import (
    HISTORY,
    TOPIC,
    cut,
    repeat_whole,
    tell_of_others,
    whole_originals,
)
from tom.streams.filters import FilterCount, StreamFilter
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.rules import PASSES, Outcome
from tom.targets.models import LightCurvePoint

PARTS: Final = ("ingester", "worker", "beat")
SHARE_THAT_PASSES: Final = 0.03
LONGEST_SECONDS: Final = 240
VISIT_SECONDS: Final = 39
"""Rubin takes an image so often."""
WHOLE_PER_SECOND: Final = 260


def measure_visit(packets: int, rng: np.random.Generator) -> dict[str, object]:
    """Write a visit's packets to a topic; then let a stream with a filter read them.

    Their history is cut to `HISTORY` entries of either kind.
    """
    originals = cut(whole_originals(least=HISTORY))
    told = tell_of_others(originals, packets, reliability=rng.uniform)
    asked = VISIT_SECONDS * packets / 10_000
    return _read(told, packets) | {"real": originals.real, "asked_seconds": round(asked, 2)}


def measure_full_history(packets: int) -> dict[str, object]:
    """Do the same with packets that have their full history; `WHOLE_PER_SECOND` are asked.

    All wait at the broker when the reading begins, so that its rate is the most that it can. Tansu
    keeps them in its memory, and so holds some thousands.
    """
    originals = whole_originals(least=HISTORY)
    told = repeat_whole(originals, packets, one_passes_of=round(1 / SHARE_THAT_PASSES))
    return _read(told, packets) | {"real": originals.real, "asked_per_second": WHOLE_PER_SECOND}


def _read(told: Iterable[bytes], packets: int) -> dict[str, object]:
    """Write packets to a topic of four partitions, and let the processes of production read it.

    The time is that from the first batch judged until all are judged and those that passed are
    stored whole. The broker keeps all of them in its memory.
    """
    with running_broker() as broker:
        size = broker.fill(TOPIC, told)
        with running_parts(PARTS, broker=broker.pid) as running:
            wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=running)
            open_stream(broker.address, [TOPIC])
            wait(lambda: count_judged() > 0, every=0.02)
            began, before = time.monotonic(), running.spent()
            wait(lambda: count_judged() >= packets)
            judged = time.monotonic() - began
            wait(lambda: count_waiting() == 0)
            seconds = time.monotonic() - began
            return {
                "packets": packets,
                "bytes_each": size // packets,
                "pass": count_passed(),
                "stored": AlertMessage.objects.filter(state=MessageState.STORED).count(),
                "points": LightCurvePoint.objects.count(),
                "seconds": round(seconds, 2),
                "seconds_until_judged": round(judged, 2),
                "packets_per_second": round(packets / seconds),
                "judged_per_second": round(packets / judged),
                "processor_seconds": spent_between(before, running.spent()),
                "ingester": running.memory("ingester"),
            }


def open_stream(
    address: str, topics: Sequence[str], *, least_reliability: float = 1 - SHARE_THAT_PASSES
) -> None:
    """Switch on a stream of these topics, whose filter asks for such reliabilities."""
    with transaction.atomic():
        stream = Stream.objects.create(
            name="visit",
            address=address,
            tls=False,
            topics=list(topics),
            consumer_group="bench",
            active=True,
        )
        StreamFilter.objects.create(
            stream=stream, least_reliability=least_reliability, began=timezone.now()
        )


def count_judged() -> int:
    """How many packets the filter has judged."""
    return _messages(Outcome)


def count_passed() -> int:
    """How many packets passed it."""
    return _messages(PASSES)


def _messages(outcomes: Iterable[Outcome]) -> int:
    rows = FilterCount.objects.filter(outcome__in=list(outcomes))
    return int(rows.aggregate(n=Sum("messages"))["n"] or 0)


def count_waiting() -> int:
    """How many kept packets are not stored yet."""
    return AlertMessage.objects.filter(state=MessageState.RECEIVED).count()
