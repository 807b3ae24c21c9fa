"""Lasair: what its filters send, plain, with a light curve (lite) or with the whole alert (full).

A filter sends the columns that its owner chose. What is said of an object's class is Sherlock's,
and that of annotators with their history. https://lasair-lsst.readthedocs.io
"""

from collections.abc import Generator, Mapping
from typing import Any, Final

from tom.brokers.lasair.opinions import fields_of, judgements_of, time_of
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.json_text import read_json_fields
from tom.formats.times import JD_OF_MJD
from tom.formats.values import finite, text
from tom.forms.declared import Ask, Broker, Conversation, Encoding, Form, Lane, LookUp, Wanted
from tom.forms.njy_points import SURVEY as LSST
from tom.forms.njy_points import id_of, read_detections, read_forced
from tom.forms.retelling import (
    MOST_OBJECTS,
    light_curve,
    place_of,
    read_packet,
    read_table,
    without_twins,
)
from tom.records import Classification, ObjectAlert, Retelling
from tom.sky import separation_arcsec

Fields = Mapping[str, Any]

_NAME: Final = "Lasair"
_ZTF: Final = "ZTF"
_API: Final = "https://lasair-ztf.lsst.ac.uk/api"
_RUBIN_API: Final = "https://api.lasair.lsst.ac.uk/api"
_ZTF_SETTING: Final = "LASAIR_TOKEN"  # the setting that holds its token
_RUBIN_SETTING: Final = "LASAIR_LSST_TOKEN"
_PUBLIC: Final = 1  # its public API has this program's data alone
_APART_ARCSEC: Final = 60.0  # no source of an object lies so far from it
_CURVES: Final = ("diaSourcesList", "diaSources", "DiaSourceList", "candidates")
_DETECTIONS: Final = (*_CURVES, "prvDiaSources")
_FORCED: Final = ("diaForcedSourcesList", "diaForcedSources", "prvDiaForcedSources")
_ADDED: Final = ("sherlock", "annotations")


def read_output(payload: bytes) -> Retelling:
    """Read one object as a filter sends it.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, names no object, or what it has of a light curve is of no use.
    UnhandledAlertError
        If it is sound, and holds neither a light curve nor a class.
    """
    record = read_json_fields(payload)
    if record is None:
        reason = "no JSON object"
        raise MalformedAlertError(reason)
    return read_fields(record)


def read_fields(record: Fields) -> Retelling:
    """Read a decoded output, as `read_output` does."""
    whole = fields_of(record.get("alert")) or record
    alert = _light_curve(record, whole)
    survey, object_id = (alert.survey, alert.object_id) if alert else _identity(record, whole)
    place = (alert.ra, alert.dec) if alert else _place(record, whole)
    judgements = tuple(judgements_of(_with_added(record)))
    if alert is None and not judgements:
        reason = "an object without a light curve or a class: its filter sends neither"
        raise UnhandledAlertError(reason)
    said = Classification(
        author=_NAME,
        survey=survey,
        object_id=object_id,
        ra=place[0] if place else None,
        dec=place[1] if place else None,
        time=alert.time if alert else time_of(record.get("UTC") or record.get("timestamp")),
        judgements=judgements,
    )
    return Retelling(alerts=(alert,) if alert else (), opinions=(said,) if judgements else ())


def _with_added(record: Fields) -> Fields:
    """The output with what its API puts among `lasairData`, where a filter puts it."""
    added = fields_of(record.get("lasairData"))
    return {**{name: added[name] for name in _ADDED if added.get(name)}, **record}


def _identity(record: Fields, whole: Fields) -> tuple[str, str]:
    for fields in (record, whole, _object(whole)):
        number = id_of(fields.get("diaObjectId")) or id_of(fields.get("objectId"))
        if number:
            return LSST, number
        name = text(fields.get("objectId") or fields.get("object"), most=56)
        if name:
            return _ZTF, name
    reason = "no usable object: diaObjectId and objectId are missing, or no ids"
    raise MalformedAlertError(reason)


def _object(whole: Fields) -> Fields:
    found = whole.get("diaObject") or whole.get("DiaObject")
    return found if isinstance(found, dict) else {}


def _place(record: Fields, whole: Fields) -> tuple[float, float] | None:
    for fields in (record, _object(whole), fields_of(record.get("objectData"))):
        for ra, dec in (("ra", "decl"), ("ra", "dec"), ("ramean", "decmean")):
            found = place_of(fields.get(ra), fields.get(dec))
            if found:
                return found
    return None


def _light_curve(record: Fields, whole: Fields) -> ObjectAlert | None:
    """Read the light curve; None where the output has none."""
    if isinstance(whole.get("candidate"), dict):
        return read_packet(_ZTF, whole)
    sources = [each for name in _DETECTIONS for each in _list(whole, name)]
    newest = fields_of(whole.get("diaSource"))
    if not sources and not newest:
        return None
    survey, object_id = _identity(record, whole)
    place = _place(record, whole)
    if survey == _ZTF:
        return _read_candidates(object_id, [each for each in sources if isinstance(each, dict)])
    _check_separation(place, newest)
    triggers = list(read_detections([newest]))
    points = [*triggers, *without_twins(read_detections(sources), triggers)]
    forced = read_forced([each for name in _FORCED for each in _list(whole, name)])
    return light_curve(survey=survey, object_id=object_id, place=place, points=[*points, *forced])


def _read_candidates(object_id: str, rows: list[dict[str, Any]]) -> ObjectAlert:
    """Give the API's rows to the survey's own reader, with what they lack: `jd`, the program."""
    epochs = []
    for row in rows:
        mjd = finite(row.get("mjd"))
        jd = row.get("jd") if mjd is None else mjd + JD_OF_MJD
        epochs.append({"programid": _PUBLIC, "dec": row.get("decl"), **row, "jd": jd})
    return read_table(_ZTF, epochs, {"objectId": object_id})


def look_up(wanted: Wanted, secrets: Mapping[str, str]) -> Conversation:
    """Ask for an object of ZTF or, by its number, of Rubin; or for the nearest of a cone.

    A cone is asked for at each of the two APIs whose token is set.
    """
    if wanted.name.isdigit():
        return (yield from _ask_of_rubin(wanted.name, secrets[_RUBIN_SETTING]))
    if wanted.name:
        return (yield from _ask_of_ztf(wanted.name, secrets[_ZTF_SETTING]))
    near: list[tuple[float, str]] = []
    for api, token in ((_API, _ZTF_SETTING), (_RUBIN_API, _RUBIN_SETTING)):
        if secrets.get(token):
            near += yield from _ask_for_cone(api, secrets[token], wanted)
    answers = []
    for _, name in sorted(near)[:MOST_OBJECTS]:
        ask, token = (
            (_ask_of_rubin, _RUBIN_SETTING) if name.isdigit() else (_ask_of_ztf, _ZTF_SETTING)
        )
        answers += yield from ask(name, secrets[token])
    return answers


def _ask_for_cone(
    api: str, token: str, wanted: Wanted
) -> Generator[Ask, Any, list[tuple[float, str]]]:
    """Ask for the objects in a cone: how far off, arcsec, and the name or number of each."""
    form = {
        "ra": f"{wanted.ra:.7f}",
        "dec": f"{wanted.dec:.7f}",
        "radius": f"{wanted.radius_arcsec:g}",
        "requestType": "all",
    }
    headers = {"Authorization": f"Token {token}"}
    listed = yield Ask(url=f"{api}/cone/", form=form, headers=headers)
    rows = listed if isinstance(listed, list) else _list(fields_of(listed), "objects")
    return [
        (finite(row.get("separation")) or 0.0, str(row["object"]))
        for row in rows
        if isinstance(row, dict) and row.get("object")
    ]


def _ask_of_ztf(name: str, token: str) -> Conversation:
    headers = {"Authorization": f"Token {token}"}
    form = {"objectId": name, "lasair_added": "true"}
    found = yield Ask(url=f"{_API}/object/", form=form, headers=headers)
    if not isinstance(found, dict) or not found.get("candidates"):
        return []
    return [{"objectId": name, **found}]


def _ask_of_rubin(number: str, token: str) -> Conversation:
    """Ask for an object of Rubin with what Lasair adds."""
    headers = {"Authorization": f"Token {token}"}
    form = {"objectId": number, "lasair_added": "true"}
    found = yield Ask(url=f"{_RUBIN_API}/object/", form=form, headers=headers)
    if not isinstance(found, dict) or not any(found.get(name) for name in _CURVES):
        return []
    return [{**found, "diaObjectId": number}]


def _check_separation(place: tuple[float, float] | None, source: Fields) -> None:
    where = place_of(source.get("ra"), source.get("decl", source.get("dec")))
    if place is None or where is None:
        return
    apart = float(separation_arcsec(*place, *where))
    if apart > _APART_ARCSEC:
        reason = f"its source lies {apart:.0f} arcsec from its object"
        raise MalformedAlertError(reason)


def _list(fields: Fields, name: str) -> list[Any]:
    found = fields.get(name)
    return found if isinstance(found, list) else []


def _is_lasair(message: Fields) -> bool:
    """An object of either survey with its light curve, or with an annotation."""
    whole = fields_of(message.get("alert")) or message
    curves = (whole.get(name) for name in (*_CURVES, "diaSource"))
    has_curve = any(isinstance(each, dict | list) for each in curves)
    is_packet = isinstance(whole.get("candidate"), dict) and "objectId" in whole
    ids = {"objectId", "diaObjectId", "diaObject", "DiaObject", "diaSourceId"}
    is_row = bool({"annotations", "UTC", "nDiaSources"} & message.keys())
    return is_packet or (bool(ids & whole.keys()) and (has_curve or is_row))


LASAIR: Final = Broker(
    name=_NAME,
    look_up=LookUp(
        talk=look_up,
        form="lasair.output",
        per_minute=10,
        secrets=(_ZTF_SETTING,),
        secrets_for_numbers=(_RUBIN_SETTING,),
    ),
    forms=(
        Form(
            name="lasair.output",
            encoding=Encoding.JSON,
            record=Retelling,
            topics=("lasair_*", "lookup.lasair"),
            recognises=_is_lasair,
            keys=(b'"diaObjectId"', b'"objectId"'),
            parse=read_output,
            lane=Lane.BATCH,
        ),
    ),
)
