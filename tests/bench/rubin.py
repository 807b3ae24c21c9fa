"""Rubin's packets of many objects: real ones under new names and at new places, or made ones."""

import io
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fastavro

from tests.bench.real import real_folder
from tests.surveys.lsst.longs import long_of
from tests.surveys.lsst.made import MJD, fill, make_forced, make_record, make_source
from tom.surveys.lsst.schemas import published

TOPIC: Final = "lsst-alerts-v10"
SCHEMA: Final = 1000  # version 10.0, as the real ones have
HISTORY: Final = 30  # entries of either kind, in a packet that is cut
FOLDER: Final = "lsst/rubin_v10_2026-03"
# Beyond every real one, and of one length as Avro writes them.
FIRST_OBJECT: Final = 2 * 10**17
FIRST_SOURCE: Final = 4 * 10**17
IDS_EACH: Final = 10_000
# The lists of a history, their ids, and where in an object's ids theirs begin.
_LISTS: Final = {
    "prvDiaSources": ("diaSourceId", 1),
    "prvDiaForcedSources": ("diaForcedSourceId", IDS_EACH // 2),
}

Record = dict[str, Any]


@dataclass(frozen=True)
class Originals:
    """What packets are made from, and whether it is real."""

    records: list[Record]
    real: bool


def whole_originals(*, least: int) -> Originals:
    """Packets with at least so many entries of either kind in their histories, uncut."""
    folder = real_folder()
    if folder is None:
        return Originals([_made(least)], real=False)
    found = [each for each in _read(folder / FOLDER) if _length(each) >= least]
    return Originals(found, real=True)


def cut(originals: Originals) -> Originals:
    """The same with the newest `HISTORY` entries of either kind."""
    short = [each | {name: each[name][-HISTORY:] for name in _LISTS} for each in originals.records]
    return Originals(short, originals.real)


def tell_of_others(
    originals: Originals, n: int, *, reliability: Callable[[], float]
) -> Iterator[bytes]:
    """Write the packets of `n` objects in turn, each with names and a place of its own."""
    for number in range(n):
        record = originals.records[number % len(originals.records)]
        yield encode(_of_another(record, number, reliability()))


def repeat_whole(originals: Originals, n: int, *, one_passes_of: int) -> Iterator[bytes]:
    """Write each packet once, and tell it of `n` objects in turn, of which some are reliable.

    To write a whole history takes a quarter of a second: what is told again differs in the names of
    the object and of its newest source alone.
    """
    written: dict[tuple[int, bool], bytes] = {}
    for number in range(n):
        passes = number % one_passes_of == 0
        which = (number % len(originals.records), passes)
        if which not in written:
            record = originals.records[which[0]]
            written[which] = encode(_of_another(record, which[0], 0.99 if passes else 0.5))
        yield _renamed(written[which], which[0], number)


def _renamed(packet: bytes, old: int, new: int) -> bytes:
    for first, each in ((FIRST_OBJECT, 1), (FIRST_SOURCE, IDS_EACH)):
        packet = packet.replace(long_of(first + each * old), long_of(first + each * new))
    return packet


@dataclass(frozen=True)
class Renamed:
    """A written packet, and where in it stands what tells its object and place apart."""

    payload: bytes
    where: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, record: Record) -> "Renamed":
        """Write a record."""
        told = _of_another(record, 0, _MARKS["reliability"])
        for name in ("diaSource", "diaObject"):
            told[name] = told[name] | {"ra": _MARKS["ra"], "dec": _MARKS["dec"]}
        payload = encode(told)
        marks = {name: _written(name, value) for name, value in _MARKS.items()}
        return cls(payload, {name: _find_all(payload, mark) for name, mark in marks.items()})

    def told_of(self, number: int, payload: bytes, *, reliability: float) -> bytes:
        """Tell the packet, whose bytes are given, of another object."""
        values = _place(number) | {
            "object": FIRST_OBJECT + number,
            "source": FIRST_SOURCE + IDS_EACH * number,
            "reliability": reliability,
        }
        told = bytearray(payload)
        for name, value in values.items():
            mark = _written(name, value)
            for at in self.where[name]:
                told[at : at + len(mark)] = mark
        return bytes(told)


_MARKS: Final[dict[str, float]] = {
    "object": FIRST_OBJECT,
    "source": FIRST_SOURCE,
    "ra": 123.456_789_012_3,
    "dec": -33.210_987_654_3,
    "reliability": 0.123_456_789,
}


def _written(name: str, value: float) -> bytes:
    """A value as Avro writes it."""
    if name in ("object", "source"):
        return long_of(int(value))
    return struct.pack("<f" if name == "reliability" else "<d", value)


def _find_all(payload: bytes, mark: bytes) -> tuple[int, ...]:
    return tuple(found.start() for found in re.finditer(re.escape(mark), payload))


def _place(number: int) -> dict[str, float]:
    """A place of an object's own: rows of the sky, 0.05 degrees apart."""
    return {"ra": 0.05 * (number % 7200), "dec": -60.0 + 0.05 * (number // 7200)}


def encode(record: Record) -> bytes:
    """Write a record in Confluent's framing."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, published()[SCHEMA].parsed, record)
    return b"\0" + SCHEMA.to_bytes(4, "big") + stream.getvalue()


def _of_another(record: Record, number: int, reliability: float) -> Record:
    about = {"diaObjectId": FIRST_OBJECT + number}
    place = _place(number)
    source = FIRST_SOURCE + IDS_EACH * number
    told: Record = record | {
        "diaSourceId": source,
        "diaSource": record["diaSource"]
        | {"diaSourceId": source, "reliability": reliability}
        | about
        | place,
        "diaObject": record["diaObject"] | about | place,
    }
    for name, (key, first) in _LISTS.items():
        entries = enumerate(record[name] or (), start=source + first)
        told[name] = [entry | {key: own} | about for own, entry in entries]
    return told


def _read(folder: Path) -> Iterator[Record]:
    import polars as pl

    wanted = {field["name"] for field in published()[SCHEMA].parsed["fields"]}
    for path in sorted(folder.glob("*.parquet")):
        for row in pl.read_parquet(path).to_dicts():
            record = {name: _without_empty(row[name]) for name in wanted}
            if record["diaObject"] is not None:
                yield record


def _without_empty(value: Any) -> Any:
    """Parquet has a null record as a record of nulls."""
    if isinstance(value, dict) and all(each is None for each in value.values()):
        return None
    return value


def _length(record: Record) -> int:
    return min(len(record[name] or ()) for name in _LISTS)


def _made(entries: int) -> Record:
    history = [make_source(midpointMjdTai=MJD - n) for n in range(1, entries + 1)]
    forced = [make_forced(midpointMjdTai=MJD - n) for n in range(1, entries + 1)]
    filled: Record = fill(published()[SCHEMA].parsed, make_record(history=history, forced=forced))
    return filled
