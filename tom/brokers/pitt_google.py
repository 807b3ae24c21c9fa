"""Pitt-Google: rows of an object from its tables. Its Pub/Sub topics carry the surveys' packets."""

from collections.abc import Mapping
from typing import Any, Final

from tom.formats.describe import read_json_object
from tom.formats.errors import MalformedAlertError
from tom.formats.values import finite
from tom.forms.declared import Broker, Encoding, Form, Lane
from tom.forms.retelling import read_packet, retold
from tom.records import Retelling

Fields = Mapping[str, Any]

_ZTF: Final = "ZTF"
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


def _is_rows(message: Fields) -> bool:
    return "objectId" in message and isinstance(message.get("rows"), list)


PITT_GOOGLE: Final = Broker(
    name="Pitt-Google",
    forms=(
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
