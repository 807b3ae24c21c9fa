"""Alerts per second: in one process, through Celery's workers, and by the ORM row by row."""

import math
import os
import time
from collections.abc import Sequence

from django.conf import settings
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget

from tests.bench import intake
from tests.bench.measure import timed
from tom.demo.night import Message
from tom.embedded.run import ALONE
from tom.embedded.worker import working
from tom.pipeline import wake
from tom.records.alert import ObjectAlert, Point
from tom.streams.services import Incoming, store_messages
from tom.surveys.ztf.packets import parse_ztf
from tom.sweeping import work_left
from tom.targets.store import store_alerts

AVRO = b"Obj\x01"
AB_ZERO_NJY = 31.4
LONGEST_SECONDS = 300
# Enough for a rate: row by row takes a minute for a night.
COMPARED = 300


def measure_one_process(messages: Sequence[Message]) -> dict[str, float]:
    """Send a night through every stage, one after the other, into empty tables."""
    with timed() as keep:
        intake.keep(messages)
    with timed() as work:
        intake.work()
    with timed() as score:
        intake.score()
    whole = keep.seconds + work.seconds + score.seconds
    return {
        "alerts": len(messages),
        "alerts_per_second": round(len(messages) / whole, 1),
        "keep_seconds": round(keep.seconds, 2),
        "work_seconds": round(work.seconds, 2),
        "score_and_rank_seconds": round(score.seconds, 2),
    }


def measure_workers(messages: Sequence[Message]) -> dict[str, float]:
    """Send a night through two real Celery workers: from the first message kept to all ranked."""
    os.environ[ALONE] = "1"  # so that a worker of the bench's own is started
    with working(settings.HOME):
        _wait_for_workers()
        with timed() as whole:
            ids = []
            for first in range(0, len(messages), intake.BATCH):
                batch = messages[first : first + intake.BATCH]
                stored = store_messages([Incoming(m.topic, m.payload) for m in batch])
                wake(stored.ids)
                ids += stored.all_ids
            _wait_for_the_end(ids)
    del os.environ[ALONE]
    return {
        "alerts_per_second": round(len(messages) / whole.seconds, 1),
        "seconds": round(whole.seconds, 2),
    }


def _wait_for_the_end(ids: Sequence[int]) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while work_left(ids):
        if time.monotonic() > deadline:
            message = f"the workers did not end in time: see {settings.HOME.logs / 'worker.log'}"
            raise TimeoutError(message)
        time.sleep(0.1)


def _wait_for_workers() -> None:
    """Let the workers come up: their start is no part of the rate."""
    from tom.celery import app

    while not app.control.ping(timeout=1):
        pass


def compare_with_rows(messages: Sequence[Message]) -> dict[str, float]:
    """Store the same points by COPY, and by `get_or_create` for each as TOM Toolkit's plug-ins do.

    Both into tables that know neither the targets nor the points.
    """
    alerts = [parse_ztf(m.payload) for m in messages if m.payload.startswith(AVRO)][:COMPARED]
    n_points = sum(len(alert.points) for alert in alerts)
    with timed() as by_row:
        for alert in alerts:
            _get_or_create(alert)
    with timed() as by_copy:
        store_alerts(alerts)
    return {
        "points": n_points,
        "points_per_second": round(n_points / by_copy.seconds),
        "points_per_second_row_by_row": round(n_points / by_row.seconds),
        "ratio": round(by_row.seconds / by_copy.seconds, 1),
    }


def _get_or_create(alert: ObjectAlert) -> None:
    target, _ = BaseTarget.objects.get_or_create(
        name=f"row {alert.object_id}",
        defaults={"type": "SIDEREAL", "ra": alert.ra, "dec": alert.dec},
    )
    for point in alert.points:
        PhotometryReducedDatum.objects.get_or_create(
            target=target, timestamp=point.time, bandpass=point.band, **mirrored_value(point)
        )


def mirrored_value(point: Point) -> dict[str, float | str]:
    """Return a row's own values: a magnitude, or the limit where there is none."""
    shown = point.flux_njy >= 3 * point.flux_error_njy
    flux = point.flux_njy if shown else 5 * point.flux_error_njy
    magnitude = AB_ZERO_NJY - 2.5 * math.log10(flux)
    return {
        "brightness" if shown else "limit": magnitude,
        "instrument": point.kind.value,
        "source_name": "ZTF",
    }
