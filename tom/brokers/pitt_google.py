"""Pitt-Google: packets in JSON, parts of packets with its classes, and rows from its tables.

Its other topics of Pub/Sub carry the packets as the surveys wrote them:
https://mwvgroup.github.io/pittgoogle-client/listings.html. What the parts hold is said by the code
of the modules that publish them: `lite`, `tag`, `classify_snn`, `classify_upsilon`, `variability`
of https://github.com/mwvgroup/Pitt-Google-Broker (broker/cloud_run, broker/cloud_functions; 2026).
"""

from collections.abc import Mapping
from typing import Any, Final

from tom.formats.base64_text import decode_base64
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.json_text import read_json_fields
from tom.formats.values import finite, integer, text
from tom.forms.declared import Broker, Encoding, Form, Lane
from tom.forms.retelling import judge, read_packet, read_table, retold
from tom.records import Classification, ObjectAlert, Retelling
from tom.records.classification import Judgement
from tom.taxonomy import find_class

Fields = Mapping[str, Any]

_LSST: Final = "LSST"
_ZTF: Final = "ZTF"
_STAMPS: Final = ("cutoutDifference", "cutoutScience", "cutoutTemplate")
_PUBLIC: Final = 1  # its tables hold this program's data alone
_NEEDED: Final = ("isdiffpos", "candid")
_OLD_NAMES: Final = {
    "sourceId": "candid",
    "mag": "magpsf",
    "magerr": "sigmapsf",
    "magzp": "magzpsci",
    "filter": "fid",
}
"""What the module that made parts of ZTF's packets until 2025 called the survey's fields."""
_MOST_NESTED: Final = 3
_SUSPECT: Final = 1
"""UPSILoN's flag of a class whose period is doubtful."""
_LEAST_STETSON, _LEAST_POINTS = 20, 30
"""From these on Pitt-Google calls a source of Rubin likely variable, in g, r or u."""


def read_rows(payload: bytes) -> Retelling:
    """Read the detections of one object of ZTF, a row each.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, holds no row, or rows whose flux has no sign or no id.
    """
    record = read_json_fields(payload) or {}
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
    alert = read_table(_ZTF, epochs, {"objectId": record.get("objectId")})
    return Retelling(alerts=(alert,))


def read_json_packet(payload: bytes) -> ObjectAlert:
    """Read a packet of Rubin that was written as JSON: without NaN, its stamps in base64.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, or as the survey's own reader has it.
    """
    record = read_json_fields(payload)
    if record is None:
        reason = "not a JSON object"
        raise MalformedAlertError(reason)
    return read_packet(_LSST, record | {name: _bytes_of(record.get(name)) for name in _STAMPS})


def read_parts(payload: bytes) -> Retelling:
    """Read a part of a packet, and what a module of Pitt-Google says of its object.

    The part lacks the flags, the limits and the stamps. What a module puts into the attributes of
    the Pub/Sub message alone, such as ZTF's tags, is not in the bytes.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, or as the survey's own reader has it.
    UnhandledAlertError
        If it is of a Solar System source, which has no object.
    """
    said = read_json_fields(payload)
    if said is None:
        reason = "not a JSON object"
        raise MalformedAlertError(reason)
    part = _part_of(said)
    if "diaSource" not in part:
        alert = read_packet(_ZTF, _of_ztf(part))
    elif part.get("diaObject"):
        alert = read_packet(_LSST, part)
    else:
        reason = "a part of a packet without diaObject: of a Solar System source"
        raise UnhandledAlertError(reason)
    judgements, tags = _judgements(said), _tags(said)
    opinion = Classification(
        author=PITT_GOOGLE.name,
        survey=alert.survey,
        object_id=alert.object_id,
        judgements=judgements,
        tags=tags,
        ra=alert.ra,
        dec=alert.dec,
        time=alert.time,
    )
    return Retelling(alerts=(retold(alert),), opinions=(opinion,) if judgements or tags else ())


def _part_of(said: Fields) -> Fields:
    """The part of the packet: a module wraps what it got, and may wrap it again."""
    part = said
    for _ in range(_MOST_NESTED):
        inner = part.get("alert_lite")
        if not isinstance(inner, dict):
            break
        part = inner
    return part


def _of_ztf(part: Fields) -> Fields:
    """A part of ZTF's packet with the survey's names, and the public program: parts name none."""
    ids, new = part.get("alertIds"), "candidate" in part
    named = part if new or not isinstance(ids, dict) else ids
    source = part.get("candidate" if new else "source")
    before = part.get("prv_candidates" if new else "prvSources")
    listed = before if isinstance(before, list) else []
    return {
        "objectId": named.get("objectId"),
        "candidate": _epoch_of(source) if isinstance(source, dict) else None,
        "prv_candidates": [_epoch_of(each) for each in listed if isinstance(each, dict)],
    }


def _epoch_of(row: Fields) -> Fields:
    renamed = {_OLD_NAMES.get(name, name): value for name, value in row.items()}
    return {"programid": _PUBLIC, **renamed}


def _judgements(said: Fields) -> tuple[Judgement, ...]:
    return (*_by_supernnova(said.get("SuperNNova")), *_by_upsilon(said.get("upsilon")))


def _by_supernnova(said: Any) -> tuple[Judgement, ...]:
    """Whether it is of type Ia (class 0) or not (class 1)."""
    told = said if isinstance(said, dict) else {}
    named = {"SN Ia": finite(told.get("prob_class0")), "not Ia": finite(told.get("prob_class1"))}
    chances = {name: p for name, p in named.items() if p is not None and 0 <= p <= 1}
    return (judge("SuperNNova", "", chances),) if chances else ()


def _by_upsilon(said: Any) -> tuple[Judgement, ...]:
    """The class of a variable in each band, but for doubtful ones."""
    told = said if isinstance(said, dict) else {}
    found = []
    for band in "ugrizy":
        label, chance = (
            text(told.get(f"{band}_label"), most=60),
            finite(told.get(f"{band}_probability")),
        )
        usable = label and chance is not None and 0 <= chance <= 1
        if usable and integer(told.get(f"{band}_flag")) != _SUSPECT:
            found.append(_upsilon(band, str(label), chance or 0.0))
    return tuple(found)


def _upsilon(band: str, label: str, chance: float) -> Judgement:
    """Its classes begin with their family: `RRL_ab`, `CEPH_F`, `EB_ESD`, `LPV_Mira_AGB_O`."""
    found = find_class(label.partition("_")[0])
    return Judgement(
        classifier=f"UPSILoN {band}",
        probabilities={label: chance},
        classes={label: found} if found else {},
    )


def _tags(said: Fields) -> tuple[str, ...]:
    told = said.get("variability")
    if not isinstance(told, dict):
        return ()
    varies = any(
        (finite(told.get(f"{band}_psfFluxStetsonJ")) or 0.0) > _LEAST_STETSON
        and (integer(told.get(f"n_detections_{band}_band")) or 0) >= _LEAST_POINTS
        for band in "gru"
    )
    return ("likely variable",) if varies else ()


def _bytes_of(stamp: Any) -> Any:
    """The bytes of a stamp; None where its text says none: the rest of the packet is good."""
    try:
        return decode_base64(stamp)
    except ValueError:
        return None


def _is_packet(message: Fields) -> bool:
    return "diaSource" in message and "prvDiaSources" in message


def _is_part(message: Fields) -> bool:
    return isinstance(message.get("alert_lite"), dict)


def _is_rows(message: Fields) -> bool:
    return "objectId" in message and isinstance(message.get("rows"), list)


PITT_GOOGLE: Final = Broker(
    name="Pitt-Google",
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
            name="pitt_google.part",
            encoding=Encoding.JSON,
            topics=(
                *("ztf-lite*", "ztf-tagged*", "ztf-SuperNNova*", "ztf-supernnova*", "lsst-lite*"),
                *("lsst-supernnova*", "lsst-SuperNNova*", "lsst-upsilon*", "lsst-variability*"),
                "lsst-xmatch*",
            ),
            record=Retelling,
            recognises=_is_part,
            keys=(b'"alert_lite"',),
            parse=read_parts,
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
