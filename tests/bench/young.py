"""Packets of ZTF of the present: real ones moved in time and place, or made ones."""

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import fastavro
import numpy as np

from tests.bench.real import ONE_OBJECT, real_folder
from tests.streams.packets import make_detection, make_ztf_packet
from tom.demo.packets import to_jd
from tom.formats.containers import read_header, read_record, read_schema

MADE_HISTORY: Final = 10


def young_packets(
    n: int, *, around: tuple[float, float], radius: float, now: datetime, rng: np.random.Generator
) -> Iterator[bytes]:
    """Packets of `n` objects, each seen an hour before `now`, with its history before that.

    Parameters
    ----------
    around, radius
        The objects lie in a square there of twice the radius, which is small: ICRS, degrees.
    """
    moved = _real if real_folder() else _made
    shifts = rng.uniform(-radius, radius, size=(n, 2))
    ra = around[0] + shifts[:, 0] / np.cos(np.radians(around[1]))
    dec = around[1] + shifts[:, 1]
    return moved(np.column_stack([ra % 360, dec]).tolist(), to_jd(now) - 1 / 24)


def _real(places: list[list[float]], jd: float) -> Iterator[bytes]:
    """The newest packet of one supernova, as that of many."""
    folder = real_folder()
    assert folder is not None
    told = [path.read_bytes() for path in (folder / ONE_OBJECT).glob("*.avro")]
    payload = max(told, key=lambda each: float(read_record(each)["candidate"]["jd"]))
    record = read_record(payload)
    schema = read_schema(read_header(payload).schema).parsed
    shift = jd - record["candidate"]["jd"]
    later = record | {"prv_candidates": [_later(each, shift) for each in record["prv_candidates"]]}
    for number, (ra, dec) in enumerate(places):
        candidate = _later(record["candidate"], shift) | {"ra": ra, "dec": dec}
        buffer = io.BytesIO()
        moved = later | {"objectId": name_of(number), "candidate": candidate}
        fastavro.writer(buffer, schema, [moved])
        yield buffer.getvalue()


def _later(entry: dict[str, Any], shift: float) -> dict[str, Any]:
    times = ("jd", "jdstarthist", "jdendhist")
    return entry | {name: entry[name] + shift for name in times if entry.get(name)}


def _made(places: list[list[float]], jd: float) -> Iterator[bytes]:
    for number, (ra, dec) in enumerate(places):
        ids = 10**15 + number * 1000
        seen = [
            {"jd": jd - day, "candid": ids + day, "pid": ids + day}
            for day in range(MADE_HISTORY + 1)
        ]
        history = [make_detection(**each) for each in seen[1:]]
        yield make_ztf_packet(
            object_id=name_of(number), ra=ra, dec=dec, history=history, jdstarthist=jd, **seen[0]
        )


def name_of(number: int) -> str:
    """The name of an object."""
    letters = "".join(chr(97 + number // 26**power % 26) for power in range(6, -1, -1))
    return f"ZTF26{letters}"
