"""Rubin's packets made by the tests, in any version that the survey publishes."""

import io
from typing import Any

import fastavro

from tests.streams.packets import make_container
from tom.surveys.lsst.schemas import published

MJD = 61_110.25  # TAI: 37 s before 2026-03-11 06:00 UTC
SOURCE_ID = 170_094_456_272_322_680  # past 2**53, as real ones are
OBJECT_ID = 170_028_485_706_776_685
NEWEST = 1101
OLD_NAMES = {
    "midpointMjdTai": "midPointTai",
    "band": "filterName",
    "dec": "decl",
    "psfFlux": "psFlux",
    "psfFluxErr": "psFluxErr",
}


def make_source(**values: Any) -> dict[str, Any]:
    """A detection of 10,000 +- 100 nJy in r: an AB magnitude of 21.4."""
    return {
        "diaSourceId": SOURCE_ID, "diaObjectId": OBJECT_ID, "ssObjectId": 0, "visit": 7,
        "midpointMjdTai": MJD, "ra": 150.1, "dec": -2.2, "band": "r", "psfFlux": 1e4,
        "psfFluxErr": 100.0, "reliability": 0.9, "snr": 100.0, "isNegative": False,
    } | values  # fmt: skip


def make_forced(**values: Any) -> dict[str, Any]:
    """A forced point of -50 +- 20 nJy in g, a day before."""
    return {
        "diaForcedSourceId": 7, "diaObjectId": OBJECT_ID, "visit": 6, "midpointMjdTai": MJD - 1,
        "ra": 150.1, "dec": -2.2, "band": "g", "psfFlux": -50.0, "psfFluxErr": 20.0,
    } | values  # fmt: skip


def make_record(
    *,
    history: list[dict[str, Any]] | None = None,
    forced: list[dict[str, Any]] | None = None,
    top: dict[str, Any] | None = None,
    **source: Any,
) -> dict[str, Any]:
    return {
        "alertId": SOURCE_ID,
        "diaSourceId": SOURCE_ID,
        "diaSource": make_source(**source),
        "prvDiaSources": history,
        "prvDiaForcedSources": forced,
        "diaObject": {"diaObjectId": OBJECT_ID, "ra": 150.1, "dec": -2.2, "nDiaSources": 3},
    } | (top or {})


def make_framed(version: int = NEWEST, **values: Any) -> bytes:
    """A packet in Confluent's framing."""
    schema = published()[version].parsed
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, fill(schema, make_record(**values)))
    return b"\0" + version.to_bytes(4, "big") + stream.getvalue()


def make_file(version: int = NEWEST, **values: Any) -> bytes:
    """A packet as an object container file."""
    schema = published()[version].parsed
    return make_container(schema, [fill(schema, make_record(**values))])


def fill(schema: Any, value: Any) -> Any:
    """Give a record every field of its schema, under the schema's own name of it."""
    return _Filling().filled(schema, value)


class _Filling:
    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def filled(self, node: Any, value: Any) -> Any:
        if isinstance(node, str):
            known = self.names.get(node)
            return _plain(node, value) if known is None else self.filled(known, value)
        if isinstance(node, list):
            inner = next((part for part in node if part != "null"), "null")
            return self._note(inner) if value is None else self.filled(inner, value)
        if node["type"] == "array":
            return [self.filled(node["items"], each) for each in value]
        if "fields" not in node:
            return self.filled(node["type"], value)
        self._note(node)
        return {
            field["name"]: self.filled(field["type"], _given(value or {}, field["name"]))
            for field in node["fields"]
        }

    def _note(self, node: Any) -> None:
        """A type that is defined where nothing stands may be used farther on."""
        if isinstance(node, dict) and node["type"] == "array":
            self._note(node["items"])
        elif isinstance(node, dict) and "fields" in node:
            self.names[node["name"]] = node


def _given(values: dict[str, Any], name: str) -> Any:
    newest = {old: new for new, old in OLD_NAMES.items()}.get(name, name)
    return values.get(newest)


def _plain(kind: str, value: Any) -> Any:
    empty = {"null": None, "string": "", "bytes": b"", "boolean": False}
    return value if value is not None else empty.get(kind, 0)


def read_any_framed(payload: bytes) -> dict[str, Any]:
    """Decode a framed packet with the published schema, by fastavro alone."""
    schema = published()[int.from_bytes(payload[1:5], "big")].parsed
    return fastavro.schemaless_reader(io.BytesIO(payload[5:]), schema, None)
