"""Messages made by the tests: ZTF packets, gravitational-wave alerts, Circulars.

The schema is our own, in the names and shapes of ZTF's: no real packet is needed here.
"""

import base64
import gzip
import io
import json
from typing import Any

import cramjam
import fastavro

SYNC = b"counterpart-test"
JD = 2_461_041.75  # 2026-01-01 06:00 UTC
CANDID = 3_287_750_000_015_000_001  # past 2**53, as real ones are


def _optional(type_: Any) -> dict[str, Any]:
    return {"type": ["null", type_], "default": None}


def _record(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    columns = [
        {
            "name": key,
            **(type_ if isinstance(type_, dict) and "default" in type_ else {"type": type_}),
        }
        for key, type_ in fields.items()
    ]
    return {"type": "record", "name": name, "fields": columns}


_FLOAT, _TEXT, _REAL = _optional("float"), _optional("string"), _optional("double")
_EXPOSURE: dict[str, Any] = {
    "jd": "double", "fid": "int", "pid": _optional("long"), "diffmaglim": _FLOAT,
    "programid": "int",
}  # fmt: skip
_MEASURED: dict[str, Any] = {
    "candid": _optional("long"), "ra": _REAL, "dec": _REAL, "rbversion": _TEXT, "ssnamenr": _TEXT,
    "isdiffpos": {"type": ["null", "string", "int", "boolean"], "default": None},
} | dict.fromkeys(
    ("magpsf", "sigmapsf", "magzpsci", "rb", "distnr", "magnr", "ssdistnr", "ssmagnr"), _FLOAT
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "drbversion": _TEXT, "ndethist": _optional("long"), "jdstarthist": _REAL,
} | dict.fromkeys(
    ("drb", "sgscore1", "distpsnr1", "sgmag1", "srmag1", "simag1", "szmag1", "neargaia", "exptime",
     "xpos", "ypos"),
    _FLOAT,
)  # fmt: skip
_FORCED: dict[str, Any] = {"procstatus": _TEXT} | dict.fromkeys(
    ("forcediffimflux", "forcediffimfluxunc", "magzpsci", "exptime"), _FLOAT
)
_CUTOUT = _record("cutout", {"fileName": "string", "stampData": "bytes"})

SCHEMA: dict[str, Any] = _record(
    "ztf.alert",
    {
        "schemavsn": _optional("string"),
        "publisher": _optional("string"),
        "objectId": _optional("string"),
        "candid": _optional("long"),
        "candidate": _record("ztf.candidate", {**_EXPOSURE, **_MEASURED, **_CONTEXT}),
        "prv_candidates": _optional(
            {"type": "array", "items": _record("ztf.prv_candidate", {**_EXPOSURE, **_MEASURED})}
        ),
        "fp_hists": _optional(
            {"type": "array", "items": _record("ztf.fp_hist", {**_EXPOSURE, **_FORCED})}
        ),
        "cutoutScience": _optional(_CUTOUT),
        "cutoutTemplate": _optional("cutout"),
        "cutoutDifference": _optional("cutout"),
    },
)


def make_candidate(**values: Any) -> dict[str, Any]:
    """Make the detection an alert is about: r = 19.0, positive, no star and no asteroid near."""
    return {
        "jd": JD, "fid": 2, "pid": 3_287_750_000_015, "diffmaglim": 20.5, "programid": 1,
        "candid": CANDID, "isdiffpos": "t", "ra": 150.1, "dec": 2.2, "magpsf": 19.0,
        "sigmapsf": 0.1, "magzpsci": 26.2, "rb": 0.8, "rbversion": "t17_f5_c3", "distnr": 0.6,
        "magnr": 18.2, "ssdistnr": -999.0, "ssmagnr": -999.0, "ssnamenr": "null", "drb": 0.99,
        "drbversion": "d6_m7", "sgscore1": 0.02, "distpsnr1": 3.0, "sgmag1": 18.5, "srmag1": 18.0,
        "simag1": 17.8, "szmag1": -999.0, "ndethist": 1, "jdstarthist": JD, "neargaia": -999.0,
        "exptime": 30.0,
    } | values  # fmt: skip


def make_detection(days: float = -2.0, **values: Any) -> dict[str, Any]:
    """Make a detection of the history, `days` from the trigger."""
    epoch = {
        "jd": JD + days,
        "candid": CANDID + round(days * 1e6),
        "pid": 3_287_750_000_015 + round(days * 1e3),
    }
    kept = _EXPOSURE.keys() | _MEASURED.keys()
    return {key: value for key, value in (make_candidate() | epoch).items() if key in kept} | values


def make_limit(days: float = -3.0, **values: Any) -> dict[str, Any]:
    """Make an upper limit of the history, `days` from the trigger: nulls but for the exposure."""
    exposure = {
        "jd": JD + days,
        "fid": 2,
        "pid": 3_287_750_000_015 + round(days * 1e3),
        "diffmaglim": 20.4,
    }
    return exposure | {"programid": 1} | values


def make_forced(days: float = -4.0, **values: Any) -> dict[str, Any]:
    """Make a point of forced photometry: 100 +- 10 DN on a zero-point of 26.2."""
    point = {
        "forcediffimflux": 100.0,
        "forcediffimfluxunc": 10.0,
        "magzpsci": 26.2,
        "procstatus": "0",
    }
    return make_limit(days) | point | values


def make_ztf_packet(
    *,
    object_id: str | None = "ZTF26aaaaaaa",
    history: list[dict[str, Any]] | None = None,
    forced: list[dict[str, Any]] | None = None,
    top: dict[str, Any] | None = None,
    codec: str = "deflate",
    copies: int = 1,
    **candidate: Any,
) -> bytes:
    """Make a ZTF packet; keywords replace values of its candidate, `top` those of the packet."""
    measured = make_candidate(**candidate)
    stamp = {"fileName": "stamp.fits.gz", "stampData": gzip.compress(b"SIMPLE  =", mtime=0)}
    record = {
        "schemavsn": "4.02", "publisher": "tests", "objectId": object_id,
        "candid": measured["candid"], "candidate": measured, "prv_candidates": history,
        "fp_hists": forced, "cutoutScience": stamp, "cutoutTemplate": stamp,
        "cutoutDifference": stamp,
    } | (top or {})  # fmt: skip
    return make_container(SCHEMA, [record] * copies, codec=codec)


def make_container(schema: Any, records: list[Any], *, codec: str = "null") -> bytes:
    """Write an Avro object container file whose bytes depend on its content alone."""
    if codec == "zstandard":  # which fastavro writes with another library
        block = b"".join(encoded(schema, record) for record in records)
        plain = make_container(schema, records)
        return rewritten(plain, codec, bytes(cramjam.zstd.compress(block)), count=len(records))
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, records, codec=codec, sync_marker=SYNC)
    return buffer.getvalue()


def encoded(schema: Any, record: Any) -> bytes:
    """Write one record as it stands in a block."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), record)
    return buffer.getvalue()


def rewritten(plain: bytes, codec: str, block: bytes, *, count: int = 1) -> bytes:
    """Replace the blocks of a container without a codec by one block of a codec."""
    head = plain[: plain.index(SYNC) + len(SYNC)]
    named = head.replace(b"\x08null", bytes([2 * len(codec)]) + codec.encode())
    size = io.BytesIO()
    fastavro.schemaless_writer(size, "long", count)
    fastavro.schemaless_writer(size, "long", len(block))
    return named + size.getvalue() + block + SYNC


def make_gwalert(**values: Any) -> dict[str, Any]:
    """Make a gravitational-wave alert as Python values; keywords replace its top level.

    A retraction has no event.
    """
    event: dict[str, Any] = {
        "time": "2026-01-01T05:00:00.123Z", "far": 1e-10, "significant": True,
        "instruments": ["H1", "L1"], "group": "CBC", "pipeline": "gstlal", "search": "AllSky",
        "properties": {"HasNS": 1.0, "HasRemnant": 0.9, "HasMassGap": 0.0},
        "classification": {"BNS": 0.95, "NSBH": 0.03, "BBH": 0.0, "Terrestrial": 0.02},
        "duration": None, "central_frequency": None, "skymap": b"SIMPLE  = a map",
    }  # fmt: skip
    retracted = values.get("alert_type") == "RETRACTION"
    return {
        "alert_type": "PRELIMINARY", "time_created": "2026-01-01T05:05:00Z",
        "superevent_id": "S260101a", "event": None if retracted else event, "external_coinc": None,
        "urls": {"gracedb": "https://gracedb.ligo.org/superevents/S260101a/view/"},
    } | values  # fmt: skip


def make_gwalert_json(*, event: dict[str, Any] | None = None, **values: Any) -> bytes:
    """Make the JSON form (base64 map). `event` replaces values of the event, keywords the rest."""
    alert = make_gwalert(**values)
    if alert["event"] is not None:
        alert["event"] = alert["event"] | (event or {})
    return json.dumps(alert, default=lambda data: base64.b64encode(data).decode()).encode()


GW_SCHEMA: dict[str, Any] = _record(
    "igwn.alerts.Alert",
    {
        "alert_type": "string", "time_created": "string", "superevent_id": _TEXT,
        "urls": {"type": "map", "values": "string"},
        "event": _optional(_record("igwn.alerts.Event", {
            "time": "string", "far": "double", "significant": "boolean",
            "instruments": {"type": "array", "items": "string"}, "group": "string",
            "pipeline": "string", "search": "string",
            "properties": {"type": "map", "values": "double"},
            "classification": {"type": "map", "values": "double"}, "duration": _REAL,
            "central_frequency": _REAL, "skymap": _optional("bytes"),
        })),
        "external_coinc": _optional(_record("igwn.alerts.ExternalCoincidence", {
            "gcn_notice_id": "int", "ivorn": _TEXT, "observatory": "string", "search": "string",
            "time_difference": "double", "time_coincidence_far": _REAL,
            "time_sky_position_coincidence_far": _REAL, "combined_skymap": _optional("bytes"),
        })),
    },
)  # fmt: skip


def make_gwalert_avro(*, event: dict[str, Any] | None = None, **values: Any) -> bytes:
    """Make the Avro form (raw map), as `make_gwalert_json` does the JSON one."""
    alert = make_gwalert(**values)
    if alert["event"] is not None:
        alert["event"] = alert["event"] | (event or {})
    return make_container(GW_SCHEMA, [alert])


def make_circular(**values: Any) -> bytes:
    """Make a GCN Circular as it comes on `gcn.circulars`."""
    circular = {
        "circularId": 40_000, "subject": "LIGO/Virgo/KAGRA S260101a: a candidate",
        "body": "We report ...", "submitter": "A. Person at Somewhere <a@example.org>",
        "createdOn": 1_767_247_200_123, "eventId": "LIGO/Virgo/KAGRA S260101a",
        "submittedHow": "web", "bibcode": "2026GCN.40000....1P",
    } | values  # fmt: skip
    return json.dumps(circular).encode()
