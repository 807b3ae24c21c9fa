"""Fink: the packets of ZTF and of Rubin, with what its science modules say of them.

Topics: https://fink-broker.readthedocs.io/en/latest/services/livestream/
The API of each survey: https://api.ztf.fink-portal.org and https://api.lsst.fink-portal.org
"""

from collections.abc import Generator, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from tom.formats.containers import WriterSchema, read_record
from tom.formats.errors import MalformedAlertError
from tom.formats.json_text import read_json_fields
from tom.formats.prefixes import read_prefix
from tom.formats.values import finite, integer, whole_id
from tom.forms.declared import (
    Ask,
    Broker,
    Conversation,
    Encoding,
    Form,
    Lane,
    LookUp,
    NoAnswerError,
    Wanted,
)
from tom.forms.njy_points import SURVEY as RUBIN
from tom.forms.njy_points import id_of, read_detections, read_forced
from tom.forms.retelling import (
    MOST_OBJECTS,
    judge,
    light_curve,
    named,
    place_of,
    read_packet,
    read_table,
)
from tom.records import Classification, ObjectAlert, Retelling, Trigger, trigger_of
from tom.records.classification import Judgement

Fields = Mapping[str, Any]

_NAME: Final = "Fink"
_API: Final = "https://api.ztf.fink-portal.org/api/v1"
_RUBIN_API: Final = "https://api.lsst.fink-portal.org/api/v1"
# What the columns of Rubin begin with, now and in 2025.
_RUBIN_PREFIXES: Final = ("r:", "i:")
_PUBLIC: Final = 1  # its public API has this program's data alone
_RUBIN_ID: Final = "diaObjectId"
_TRIGGER: Final = ("objectId", "candid", "candidate", "diaSource")
_MAX_DECODED_BYTES: Final = 4 * 1024 * 1024  # real ones take 303 KB at most
# Each module's score, and the class that it is the chance of. 0 and -1 say that it was not run.
_SCORES: Final = {
    "rf_snia_vs_nonia": "SN Ia",
    "snn_snia_vs_nonia": "SN Ia",
    "snn_sn_vs_all": "SN",
    "rf_kn_vs_nonkn": "KN",
    "mulens": "Microlensing",
    "slsn_score": "SLSN",
    "rfscore": "SN Ia",  # so called until 2020
    "snn": "SN Ia",
    "snnSnVsOthers_score": "SN",
    "earlySNIa_score": "SN Ia",
}
# What says outright what it is: its own summary, and the catalogues it looks in.
_NAMED: Final = (
    *("finkclass", "cdsxmatch", "tns", "gcvs", "vsx", "gaiaClass"),
    *("simbad_otype", "tns_type", "gcvs_type", "vsx_Type"),
)
_ROIDS: Final = {2: "Solar System candidate", 3: "Solar System MPC"}
# The five wide classes of CATS: https://arxiv.org/abs/2404.08798
_CATS: Final = {11: "SN-like", 12: "Fast", 13: "Long", 21: "Periodic", 22: "AGN"}
# As SIMBAD and CATS call them: small letters and digits alone.
_OWN: Final = {
    "snlike": "supernova",
    "long": "transient",
    "periodic": "periodic variable",
    "rrlyr": "rr lyrae",
    "rrlyrae": "rr lyrae",
    "rrlyraecandidate": "rr lyrae",
    "eclbin": "eclipsing binary",
    "eb": "eclipsing binary",
    "ebcandidate": "eclipsing binary",
    "lpv": "long-period variable",
    "longperiodv": "long-period variable",
    "deltacep": "cepheid",
    "classicalcep": "cepheid",
    "dsctv": "delta scuti",
    "cataclyv": "cataclysmic variable",
    "cataclyvcandidate": "cataclysmic variable",
    "seyfert": "agn",
    "seyfert1": "agn",
    "seyfert2": "agn",
    "bllac": "agn",
    "liner": "agn",
    "agncandidate": "agn",
    "qsocandidate": "agn",
}


def read_alert(payload: bytes) -> Retelling:
    """Read a packet: its survey's part as its survey reads it, and what the modules say.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, or the survey's part cannot be used. Retrying cannot help.
    UnhandledAlertError
        If packets of its survey are not read here.
    """
    return read_fields(read_record(payload, _MAX_DECODED_BYTES))


def read_trigger(payload: bytes) -> Trigger:
    """Read what a packet is about, without its history, its stamps and what the modules say.

    Raises
    ------
    MalformedAlertError, UnhandledAlertError
        As `read_alert` does, but for damage that comes after the trigger.
    """
    return trigger_of(_read_survey_part(read_prefix(payload, _TRIGGER, _MAX_DECODED_BYTES)))


def read_fields(record: Fields) -> Retelling:
    """Read a decoded packet, as `read_alert` does."""
    alert = _read_survey_part(record)
    said = opinion_of(record, alert)
    return Retelling(alerts=(alert,), opinions=(said,) if said.judgements else ())


def _read_survey_part(record: Fields) -> ObjectAlert:
    if "candidate" in record:
        return read_packet("ZTF", record)
    if "diaSource" in record:
        return read_packet("LSST", record)
    reason = "neither a packet of ZTF nor of Rubin"
    raise MalformedAlertError(reason)


def read_rows(payload: bytes) -> Retelling:
    """Read the rows of one object as the API of its survey gives them, a detection each.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, or its rows cannot be used.
    """
    record = read_json_fields(payload) or {}
    rows, sources = _rows(record.get("fink_rows")), _rows(record.get("fink_sources"))
    if sources:
        return _read_sources(sources, _rows(record.get("fink_forced")))
    if not rows:
        reason = "no row"
        raise MalformedAlertError(reason)
    return _read_detections(rows)


def _rows(listed: Any) -> list[dict[str, Any]]:
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def _read_sources(rows: list[dict[str, Any]], forced: list[dict[str, Any]]) -> Retelling:
    """Read the sources of one object of Rubin, and its forced photometry."""
    epochs = [(_of_rubin(row), row) for row in rows]
    of_objects = [each for each in epochs if id_of(each[0].get("diaObjectId"))]
    if not of_objects:
        reason = "its sources belong to no object"
        raise MalformedAlertError(reason)
    newest, row = max(of_objects, key=lambda each: finite(each[0].get("midpointMjdTai")) or 0.0)
    object_id = id_of(newest["diaObjectId"]) or ""
    own = [epoch for epoch, _ in epochs if id_of(epoch.get("diaObjectId")) == object_id]
    points = [*read_detections(own), *read_forced([_of_rubin(row) for row in forced])]
    places = (place_of(epoch.get("ra"), epoch.get("dec")) for epoch in (newest, *own))
    place = next((found for found in places if found), None)
    alert = light_curve(survey=RUBIN, object_id=object_id, place=place, points=points)
    said = opinion_of(_added(row), alert)
    return Retelling(alerts=(alert,), opinions=(said,) if said.judgements else ())


def _of_rubin(row: Fields) -> dict[str, Any]:
    return {_plain(name): value for name, value in row.items() if name.startswith(_RUBIN_PREFIXES)}


@lru_cache(maxsize=1024)
def _plain(column: str) -> str:
    """A column's name without what it begins with."""
    return column.partition(":")[2]


def _added(row: Fields) -> dict[str, Any]:
    """What modules wrote into a row, as a packet has it: `f:xm_tns_type` is a field of `xm`."""
    added: dict[str, Any] = {"clf": {}, "xm": {}, "pred": {}}
    for name, value in _without(row, "f:").items():
        part, _, field = name.partition("_")
        if part in added:
            added[part][field] = value
        else:
            added[name] = value
    return added


def _read_detections(rows: list[dict[str, Any]]) -> Retelling:
    """Read the detections of one object of ZTF."""
    epochs = [{"programid": _PUBLIC} | _without(row, "i:") for row in rows]
    packet = {name: epochs[0].get(name) for name in ("objectId", "schemavsn")}
    alert = read_table("ZTF", epochs, packet)
    newest = next(row for row in rows if str(whole_id(row.get("i:candid"))) == alert.alert_id)
    added = _without(newest, "d:") | {"finkclass": newest.get("v:classification")}
    version = newest.get("i:fink_science_version")
    said = opinion_of(added | {"fink_science_version": version}, alert)
    return Retelling(alerts=(alert,), opinions=(said,) if said.judgements else ())


def _without(row: Fields, prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): value for k, value in row.items() if k.startswith(prefix)}


def look_up(wanted: Wanted, _: Mapping[str, str]) -> Conversation:
    """Ask for an object of ZTF or, by its number, of Rubin; or for those of both in a cone."""
    if wanted.name.isdigit():
        return (yield from _ask_of_rubin(wanted.name))
    if wanted.name:
        return (yield from _ask_of_ztf(wanted.name))
    found: list[dict[str, Any]] = []
    failed: NoAnswerError | None = None
    for ask_of, api, column in (
        (_ask_of_ztf, _API, "objectId"),
        (_ask_of_rubin, _RUBIN_API, _RUBIN_ID),
    ):
        try:  # two services: one that is away takes nothing from the other
            names = yield from _names_in(wanted, api, column)
            for name in names[:MOST_OBJECTS]:
                found += yield from ask_of(name)
        except NoAnswerError as error:
            failed = error
    if failed and not found:
        raise failed
    return found


def _ask_of_ztf(name: str) -> Conversation:
    rows = yield Ask(url=f"{_API}/objects", json={"objectId": name, "output-format": "json"})
    return [{"fink_rows": rows}] if isinstance(rows, list) and rows else []


def _ask_of_rubin(number: str) -> Conversation:
    """Ask for an object of Rubin: its sources, then its forced photometry."""
    asked = {"diaObjectId": number, "output-format": "json"}
    sources = yield Ask(url=f"{_RUBIN_API}/sources", json=asked)
    if not isinstance(sources, list) or not sources:
        return []
    forced = yield Ask(url=f"{_RUBIN_API}/fp", json=asked)
    return [{"fink_sources": sources, "fink_forced": forced if isinstance(forced, list) else []}]


def _names_in(wanted: Wanted, api: str, column: str) -> Generator[Ask, Any, list[str]]:
    """Ask for the objects in a cone, each once: a row is a detection or an object."""
    cone = {"ra": wanted.ra, "dec": wanted.dec, "radius": wanted.radius_arcsec}
    rows = yield Ask(url=f"{api}/conesearch", json=cone | {"output-format": "json"})
    ids = [row.get(f"{start}{column}") for row in _rows(rows) for start in ("i:", "r:")]
    return list(dict.fromkeys(str(each) for each in ids if isinstance(each, str | int) and each))


def opinion_of(record: Fields, alert: ObjectAlert) -> Classification:
    """Return what the modules say of an alert's object."""
    return Classification(
        author=_NAME,
        survey=alert.survey,
        object_id=alert.object_id,
        ra=alert.ra,
        dec=alert.dec,
        time=alert.time,
        judgements=tuple(_judgements(record)),
    )


def _judgements(record: Fields) -> Iterator[Judgement]:
    version = record.get("fink_science_version")
    for part in (record, *(_fields(record.get(name)) for name in ("clf", "xm"))):
        for module, label in _SCORES.items():
            score = finite(part.get(module))
            if score is not None and 0 < score <= 1:
                yield judge(module, version, {label: score}, _OWN)
        for module in _NAMED:
            found = named(part.get(module))
            if found:
                yield judge(module, version, {found: 1.0}, _OWN)
    yield from _of_numbers(record, version)


def _of_numbers(record: Fields, version: Any) -> Iterator[Judgement]:
    """Yield what modules say by the number of a class."""
    roid = _ROIDS.get(integer(record.get("roid")) or 0)
    if roid:
        yield judge("roid", version, {roid: 1.0}, _OWN)
    if _fields(record.get("pred")).get("is_sso") == 1:
        yield judge("is_sso", version, {"Solar System MPC": 1.0}, _OWN)
    wide = _fields(record.get("clf"))
    label, score = _CATS.get(integer(wide.get("cats_class")) or 0), finite(wide.get("cats_score"))
    if label and score is not None and 0 <= score <= 1:
        yield judge("cats", version, {label: score}, _OWN)


def _fields(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}


def _is_fink(schema: WriterSchema) -> bool:
    """A packet of either survey in which one of the modules has written."""
    has_packet = "candidate" in schema.fields or "diaSource" in schema.fields
    marks = {"cdsxmatch", "fink_science_version", "fink_broker_version"}
    return has_packet and bool(marks & schema.fields.keys())


def _is_rows(message: Fields) -> bool:
    return "fink_rows" in message or "fink_sources" in message


FINK: Final = Broker(
    name=_NAME,
    look_up=LookUp(talk=look_up, form="fink.answer"),
    forms=(
        Form(
            name="fink.answer",
            encoding=Encoding.JSON,
            record=Retelling,
            topics=("lookup.fink",),
            recognises=_is_rows,
            keys=(b'"fink_rows"', b'"fink_sources"'),
            parse=read_rows,
            lane=Lane.BATCH,
        ),
        Form(
            name="fink.alert",
            encoding=Encoding.AVRO,
            record=Retelling,
            topics=("fink_*",),
            recognises=_is_fink,
            anywhere=True,
            parse=read_alert,
            read_trigger=read_trigger,
            lane=Lane.BATCH,
        ),
    ),
)
