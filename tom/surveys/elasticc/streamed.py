"""ELAsTiCC's alerts as they were streamed to brokers: Avro without its schema, 0.9 or 0.9.1.

Schemas: https://github.com/LSSTDESC/elasticc/tree/main/alert_schema (0.9 as of 2023, and 0.9.1).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tom.formats.containers import WriterSchema, decode_block, read_schema
from tom.formats.errors import MalformedAlertError
from tom.formats.values import integer
from tom.surveys.elasticc.classes import SOURCES_OF_AN_OBJECT

_PLACE: Final = ("ra double", "decl double")
_MEASURED: Final = ("midPointTai double", "filterName string")
_FLUX: Final = ("psFlux float", "psFluxErr float")


def _record(name: str, fields: Sequence[str | Mapping[str, Any]]) -> dict[str, Any]:
    """A record whose plain fields are told as `name type`; `name type?` may be null."""
    read = []
    for field in fields:
        if isinstance(field, str):
            own, kind = field.split(" ")
            field = {"name": own, "type": ["null", kind[:-1]] if kind.endswith("?") else kind}
        read.append(field)
    return {"type": "record", "name": name, "fields": read}


def _host(prefix: str, *, median: bool) -> list[str]:
    names = ["ellipticity", "sqradius", "zspec", "zspec_err", "zphot", "zphot_err"]
    names += [f"zphot_q{percent:03d}" for percent in range(0, 101, 10)]
    names += ["zphot_p50"] if median else []
    names += [f"mag_{band}" for band in "ugrizY"]
    names += ["ra", "dec", "snsep"]
    names += [f"magerr_{band}" for band in "ugrizY"]
    return [f"{prefix}_{name} float?" for name in names]


def _schema(*, early: bool) -> WriterSchema:
    """That of 0.9 if it is the early one, else of 0.9.1."""
    visit = ["ccdVisitId long"] if early else []
    source = ["diaSourceId long", *visit, "diaObjectId long?"]
    source += ["parentDiaSourceId long?"] if early else []
    source += [*_MEASURED, *_PLACE, *_FLUX, "snr float", *(["nobs float?"] if early else [])]
    forced = ["diaForcedSourceId long", *visit, "diaObjectId long", *_MEASURED, *_FLUX]
    forced += ["totFlux float", "totFluxErr float"] if early else []
    limit = ["ccdVisitId long", *_MEASURED, "diaNoise float"]
    known = ["diaObjectId long", "simVersion string?", *_PLACE]
    known += [f"{name} float?" for name in ("mwebv", "mwebv_err", "z_final", "z_final_err")]
    known += [*_host("hostgal", median=early), *_host("hostgal2", median=early)]

    def listed(name: str, items: Any) -> dict[str, Any]:
        return {"name": name, "type": ["null", {"type": "array", "items": items}]}

    fields: list[str | dict[str, Any]] = [
        "alertId long",
        {"name": "diaSource", "type": _record("source", source)},
        listed("prvDiaSources", "source"),
        listed("prvDiaForcedSources", _record("forced", forced)),
    ]
    fields += [listed("prvDiaNondetectionLimits", _record("limit", limit))] if early else []
    fields += [{"name": "diaObject", "type": ["null", _record("object", known)]}]
    fields += ["cutoutDifference bytes?", "cutoutTemplate bytes?"] if early else []
    return read_schema(json.dumps(_record("alert", fields)).encode())


SCHEMAS: Final = (_schema(early=False), _schema(early=True))


def read_streamed(payload: bytes) -> dict[str, Any]:
    """Decode an alert without its schema.

    Bytes that were written with one schema may pass for a record of another. So the alert's ids
    must agree, too: its source's and its object's, and the object's number in its source's.

    Raises
    ------
    MalformedAlertError
        If it is an alert in neither version.
    """
    for schema in SCHEMAS:
        try:
            ((record, _),) = decode_block(1, payload, schema.parsed)
        except MalformedAlertError:
            continue
        if _agrees(record):
            return record
    reason = "no alert of ELAsTiCC's versions 0.9 and 0.9.1: the bytes fit neither schema"
    raise MalformedAlertError(reason)


def _agrees(record: Mapping[str, Any]) -> bool:
    source, known = record["diaSource"], record["diaObject"]
    number = integer(source["diaSourceId"])
    told = {source["diaObjectId"], known["diaObjectId"] if known else source["diaObjectId"]}
    return number is not None and told == {number // SOURCES_OF_AN_OBJECT}
