"""ZTF packets from a Kafka broker to committed rows, by the processes of production."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.db.models import Max, Min
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget

from tests.bench.broker import running_broker
from tests.bench.processes import running_parts, spent_between, wait_for
from tom.streams.models import AlertMessage, MessageState
from tom.targets.models import LightCurvePoint

TOPIC: Final = "ztf_bench_programid1"
PARTS: Final = ("ingester", "worker", "beat")
LONGEST_SECONDS: Final = 180


def measure_from_kafka(payloads: Sequence[bytes], real: bool) -> dict[str, object]:
    """Write packets to a topic of four partitions; then have one ingester and one worker read it.

    The time is that from the first message's row to the last one's state, as the rows say. Each is
    then committed with its target, its points and TOM Toolkit's own rows of them. The worker hands
    targets to the scorers beside it, of which none runs.
    """
    with running_broker() as broker:
        size = broker.fill(TOPIC, payloads)
        parts = running_parts(PARTS, streams=broker.url(TOPIC), broker=broker.pid)
        with parts as running:
            wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=running)
            wait(AlertMessage.objects.exists, every=0.02)
            before = running.spent()
            wait(lambda: _stored() >= len(payloads))
            spent = spent_between(before, running.spent())
            seconds = _seconds()
            return {
                "alerts": len(payloads),
                "real": real,
                "bytes_each": size // len(payloads),
                "alerts_per_second": round(len(payloads) / seconds, 1),
                "seconds": round(seconds, 2),
                "targets": BaseTarget.objects.count(),
                "points": LightCurvePoint.objects.count(),
                "mirrored_points": PhotometryReducedDatum.objects.count(),
                "processor_seconds": spent,
                "ingester": running.memory("ingester"),
            }


def _stored() -> int:
    return AlertMessage.objects.filter(state=MessageState.STORED).count()


def _seconds() -> float:
    told = AlertMessage.objects.aggregate(first=Min("received"), last=Max("finished"))
    first, last = told["first"], told["last"]
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return (last - first).total_seconds()
