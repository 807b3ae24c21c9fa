"""Real packets told of many objects: the histories, the stamps and the sizes are a survey's own."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro

from tom.formats.containers import read_header, read_record, read_schema

# The consecutive packets of one supernova.
ONE_OBJECT = "ztf/ZTF21abiuvdk"
TOPIC = "ztf_bench_programid1"


def real_folder() -> Path | None:
    """The folder of real packets, where `TOM_REAL_DATA` names one."""
    named = os.environ.get("TOM_REAL_DATA", "")
    return Path(named) if named and Path(named, ONE_OBJECT).is_dir() else None


def real_ztf(folder: Path, *, objects: int, each: int) -> list[bytes]:
    """The last packets of one supernova, so many of 34, as those of many objects, by time.

    The first packet of an object tells all its history, and each further one tells some more.
    """
    told = [path.read_bytes() for path in sorted((folder / ONE_OBJECT).glob("*.avro"))]
    records = sorted(((read_record(payload), payload) for payload in told), key=_time)
    return [
        _written(record, payload, number)
        for record, payload in records[-each:]
        for number in range(objects)
    ]


def _time(found: tuple[dict[str, Any], bytes]) -> float:
    return float(found[0]["candidate"]["jd"])


def _written(record: dict[str, Any], payload: bytes, number: int) -> bytes:
    """The packet of another object, far from all others: rows of the sky, 0.1 degrees apart."""
    place = {"ra": 0.1 * (number % 3600), "dec": -40.0 + 0.1 * (number // 3600)}
    moved = {**record, "objectId": _name(number), "candidate": {**record["candidate"], **place}}
    buffer = io.BytesIO()
    schema = read_schema(read_header(payload).schema).parsed
    fastavro.writer(buffer, schema, [moved])
    return buffer.getvalue()


def _name(number: int) -> str:
    letters = "".join(chr(97 + number // 26**power % 26) for power in range(6, -1, -1))
    return f"ZTF26{letters}"


def batches(payloads: list[bytes], most: int) -> Iterator[list[bytes]]:
    """Cut packets into batches."""
    for first in range(0, len(payloads), most):
        yield payloads[first : first + most]
