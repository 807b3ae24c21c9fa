"""Pitt-Google: packets in JSON, and rows of an object from its tables.

Its other topics of Pub/Sub carry the packets as the surveys wrote them:
https://mwvgroup.github.io/pittgoogle-client/listings.html
"""

from collections.abc import Mapping
from typing import Any, Final

from tom.formats.base64_text import decode_base64
from tom.formats.describe import read_json_object
from tom.formats.errors import MalformedAlertError
from tom.formats.values import finite
from tom.forms.declared import Broker, Encoding, Form, Lane
from tom.forms.retelling import read_packet, retold
from tom.records import ObjectAlert, Retelling

Fields = Mapping[str, Any]

_LSST: Final = "LSST"
_ZTF: Final = "ZTF"
_STAMPS: Final = ("cutoutDifference", "cutoutScience", "cutoutTemplate")
_PUBLIC: Final = 1  # its tables hold this program's data alone
_NEEDED: Final = ("isdiffpos", "candid")


def read_rows(payload: bytes) -> Retelling:
    """Read the detections of one object of ZTF, a row each.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, holds no row, or rows whose flux has no sign or no id.
    """
    record = read_json_object(payload) or {}
    listed = record.get("rows")
    rows = (
        [dict(row) for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    )
    if not rows:
        reason = "no row"
        raise MalformedAlertError(reason)
    missing = [name for name in _NEEDED if all(row.get(name) is None for row in rows)]
    if missing:
        reason = f"its rows lack {' and '.join(missing)}: the sign or the id of no flux is known"
        raise MalformedAlertError(reason)
    epochs = [{"programid": _PUBLIC, "dec": row.get("decl"), **row} for row in rows]
    newest = max(epochs, key=lambda epoch: finite(epoch.get("jd")) or 0.0)
    packet = {"objectId": record.get("objectId"), "candid": newest.get("candid")}
    alert = read_packet(_ZTF, packet | {"candidate": newest, "prv_candidates": epochs})
    return Retelling(alerts=(retold(alert),))


def read_json_packet(payload: bytes) -> ObjectAlert:
    """Read a packet of Rubin that was written as JSON: without NaN, its stamps in base64.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, or as the survey's own reader has it.
    """
    record = read_json_object(payload)
    if record is None:
        reason = "not a JSON object"
        raise MalformedAlertError(reason)
    return read_packet(_LSST, record | {name: _bytes_of(record.get(name)) for name in _STAMPS})


def _bytes_of(stamp: Any) -> Any:
    """The bytes of a stamp; None where its text says none: the rest of the packet is good."""
    try:
        return decode_base64(stamp)
    except ValueError:
        return None


def _is_packet(message: Fields) -> bool:
    return "diaSource" in message and "prvDiaSources" in message


def _is_rows(message: Fields) -> bool:
    return "objectId" in message and isinstance(message.get("rows"), list)


PITT_GOOGLE: Final = Broker(
    name="Pitt-Google",
    # Simulated packets, until the survey's own come.
    test_topics=(r"lsst-[a-z-]*simulated",),
    forms=(
        Form(
            name="pitt_google.packet",
            encoding=Encoding.JSON,
            topics=("lsst-alerts-json*",),
            record=ObjectAlert,
            recognises=_is_packet,
            keys=(b'"diaSource"',),
            parse=read_json_packet,
            lane=Lane.BATCH,
        ),
        Form(
            name="pitt_google.rows",
            encoding=Encoding.JSON,
            record=Retelling,
            recognises=_is_rows,
            keys=(b'"rows"',),
            parse=read_rows,
            lane=Lane.BATCH,
        ),
    ),
)
