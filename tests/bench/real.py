"""Real packets told of many objects: the histories, the stamps and the sizes are a survey's own."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro

from tom.formats.containers import read_header, read_record, read_schema

# The consecutive packets of one supernova.
ONE_OBJECT = "ztf/ZTF21abiuvdk"
ONE_NAME = b"ZTF21abiuvdk"
TOPIC = "ztf_bench_programid1"


def real_folder() -> Path | None:
    """The folder of real packets, where `TOM_REAL_DATA` names one."""
    named = os.environ.get("TOM_REAL_DATA", "")
    return Path(named) if named and Path(named, ONE_OBJECT).is_dir() else None


def real_ztf(folder: Path, *, objects: int, each: int) -> list[bytes]:
    """The last packets of one supernova, so many of 34, as those of many objects, by time.

    The first packet of an object tells all its history, and each further one tells some more.
    """
    return [
        _written(record, payload, number)
        for record, payload in _last(folder, each)
        for number in range(objects)
    ]


def short_ztf(folder: Path, *, each: int, history: int, ra: float, dec: float) -> list[bytes]:
    """The last packets of the supernova at another place, with so many entries of their history.

    They have no stamps, and their schema has no comments.
    """
    return [
        _packed(
            record
            | dict.fromkeys(("cutoutScience", "cutoutTemplate", "cutoutDifference"))
            | {"prv_candidates": record["prv_candidates"][-history:]}
            | {"candidate": record["candidate"] | {"ra": ra, "dec": dec}},
            _without_comments(json.loads(read_header(payload).schema)),
        )
        for record, payload in _last(folder, each)
    ]


def _last(folder: Path, each: int) -> list[tuple[dict[str, Any], bytes]]:
    """The newest packets of the supernova, as records and as bytes, by time."""
    told = [path.read_bytes() for path in sorted((folder / ONE_OBJECT).glob("*.avro"))]
    return sorted(((read_record(payload), payload) for payload in told), key=_time)[-each:]


def _without_comments(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_comments(each) for name, each in node.items() if name != "doc"}
    return [_without_comments(each) for each in node] if isinstance(node, list) else node


def _time(found: tuple[dict[str, Any], bytes]) -> float:
    return float(found[0]["candidate"]["jd"])


def _written(record: dict[str, Any], payload: bytes, number: int) -> bytes:
    """The packet of another object, far from all others: rows of the sky, 0.1 degrees apart."""
    place = {"ra": 0.1 * (number % 3600), "dec": -40.0 + 0.1 * (number // 3600)}
    moved = {**record, "objectId": name_of(number), "candidate": {**record["candidate"], **place}}
    return _packed(moved, read_schema(read_header(payload).schema).parsed)


def _packed(record: dict[str, Any], schema: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, [record])
    return buffer.getvalue()


def name_of(number: int) -> str:
    """The name of one of many objects."""
    letters = "".join(chr(97 + number // 26**power % 26) for power in range(6, -1, -1))
    return f"ZTF26{letters}"


def batches(payloads: list[bytes], most: int) -> Iterator[list[bytes]]:
    """Cut packets into batches."""
    for first in range(0, len(payloads), most):
        yield payloads[first : first + most]
