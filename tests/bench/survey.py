"""Survey packets: kept and stored, and judged at the door by their triggers alone.

Real packets where `TOM_REAL_DATA` names them, else those of the demonstration night. Processor
time counts our process and the database's, so that other work on the machine matters less.
"""

import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from django.db import connection
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.models import Target

from tests.bench import intake
from tests.bench.alerts import AVRO, mirrored_value
from tests.bench.measure import timed
from tests.bench.real import TOPIC, batches, real_folder, real_ztf
from tests.surveys.lsst.made import MJD, make_forced, make_framed, make_source
from tom.demo.night import Message
from tom.records.alert import ObjectAlert
from tom.streams.door import judge_items
from tom.streams.rules import PASSES, Rule
from tom.streams.services import Incoming, store_messages
from tom.surveys.ztf.packets import parse_ztf

EACH = 6  # packets of an object
HISTORY = 30  # entries of either kind
RUBIN_TOPIC = "lsst-alerts-v11"
SHARE_THAT_PASSES = 0.03


class Spent:
    """Seconds of processor time that a block took, ours and the database's."""

    ours = 0.0
    database = 0.0


def survey_packets(messages: Sequence[Message], *, objects: int) -> tuple[list[bytes], bool]:
    """Packets of ZTF, and whether they are real ones."""
    folder = real_folder()
    if folder is not None:
        return real_ztf(folder, objects=objects, each=EACH), True
    return [m.payload for m in messages if m.payload.startswith(AVRO)], False


def measure_store(payloads: Sequence[bytes], *, real: bool, compared: int) -> dict[str, object]:
    """Keep and store packets into empty tables; then some of them as TOM Toolkit would.

    `ratio` compares the same packets: the processor time of `save()` for each target and point
    with ours for all of them. TOM Toolkit's tables are part of ours too.
    """
    with timed() as keep, spent() as keeping:
        for batch in batches(list(payloads), intake.BATCH):
            store_messages([Incoming(TOPIC, each) for each in batch])
    with timed() as work, spent() as working:
        intake.work()
    n = len(payloads)
    ours = (keeping.ours + keeping.database + working.ours + working.database) / n
    with spent() as saving:
        for payload in payloads[:compared]:
            _save(parse_ztf(payload))
    theirs = (saving.ours + saving.database) / len(payloads[:compared])
    return {
        "alerts": n,
        "real": real,
        "kept_per_second": round(n / keep.seconds),
        "stored_per_second": round(n / work.seconds),
        "processor_ms_per_alert": round(1000 * ours, 3),
        "keep_processor_ms": [_ms(keeping.ours, n), _ms(keeping.database, n)],
        "work_processor_ms": [_ms(working.ours, n), _ms(working.database, n)],
        "save_processor_ms_per_alert": round(1000 * theirs, 2),
        "ratio": round(theirs / ours, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def measure_door(packets: int, rng: np.random.Generator) -> dict[str, object]:
    """Judge Rubin's packets, with 30 + 30 entries of history, by their triggers alone."""
    items = [Incoming(RUBIN_TOPIC, _rubin(number, rng)) for number in range(packets)]
    rule = Rule(least_reliability=1 - SHARE_THAT_PASSES)
    nowhere = np.empty((0, 2), dtype=np.int64)
    judge_items(rule, items[:1], nowhere)  # what is read once for all
    began = time.process_time()
    with timed() as clock:
        judged = judge_items(rule, items, nowhere)
    used = time.process_time() - began
    return {
        "triggers": packets,
        "bytes_each": len(items[0].payload),
        "pass": sum(outcome in PASSES for outcome, _ in judged),
        "per_second": round(packets / clock.seconds),
        "per_second_of_processor": round(packets / used),
    }


@contextmanager
def spent() -> Iterator[Spent]:
    """Measure the processor time of the block; its connection must stay the same."""
    found, began, database = Spent(), time.process_time(), _of_database()
    try:
        yield found
    finally:
        found.ours = time.process_time() - began
        found.database = _of_database() - database


def _of_database() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _ms(seconds: float, n: int) -> float:
    return round(1000 * seconds / n, 3)


def _save(alert: ObjectAlert) -> None:
    """Store an alert as a plug-in of TOM Toolkit does: each row looked for, then saved."""
    name = f"saved {alert.object_id}"
    target = Target.objects.filter(name=name).first()
    if target is None:
        target = Target(name=name, type="SIDEREAL", ra=alert.ra, dec=alert.dec)
        target.save()
    for point in alert.points:
        known = {"target": target, "timestamp": point.time, "bandpass": point.band}
        if not PhotometryReducedDatum.objects.filter(**known, **mirrored_value(point)).exists():
            PhotometryReducedDatum(**known, **mirrored_value(point)).save()


def _rubin(number: int, rng: np.random.Generator) -> bytes:
    history = [
        make_source(diaSourceId=1000 * number + n, midpointMjdTai=MJD - n)
        for n in range(1, HISTORY + 1)
    ]
    forced = [
        make_forced(diaForcedSourceId=1000 * number + n, midpointMjdTai=MJD - n)
        for n in range(1, HISTORY + 1)
    ]
    return make_framed(
        history=history, forced=forced, diaSourceId=10**15 + number, reliability=rng.uniform()
    )
