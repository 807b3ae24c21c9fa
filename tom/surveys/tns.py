"""The Transient Name Server: names, types, redshifts and discoveries, of its API and its daily CSV.

API: https://www.wis-tns.org/content/tns-getting-started; CSV: the same, "TNS daily CSV files".
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.json_text import read_json_fields
from tom.formats.times import in_utc
from tom.formats.values import magnitude, number, text
from tom.forms.declared import (
    Ask,
    Conversation,
    Encoding,
    Form,
    Lane,
    LookUp,
    Survey,
    Wanted,
)
from tom.forms.retelling import MOST, MOST_OBJECTS, judge, named, place_of
from tom.records import Classification, ObjectAlert, Retelling

Fields = Mapping[str, Any]

_NAME: Final = "TNS"
_API: Final = "https://www.wis-tns.org/api/get"
_TABLES: Final = "https://www.wis-tns.org/system/files/tns_public_objects"
_PUBLIC: Final = 1
# A year, of a fast radio burst its day, and letters.
_OBJECT: Final = re.compile(r"(?:AT|SN|FRB|TDE)?\s?([12][0-9]{3}(?:[0-9]{4})?[A-Za-z]{1,8})")
_MOST_REDSHIFT: Final = 20.0
_PREFIXES: Final = ("", "AT", "AT ", "SN", "SN ")
_OF_BURSTS: Final = ("", "FRB", "FRB ")
_DISCOVERERS: Final = (
    "reporting_group",
    "source_group",
    "discovery_data_source",
    "reporters",
    "reporter",
)


def read_object(payload: bytes) -> Retelling:
    """Read the objects of an answer of the API, one of them, or a row of the CSV as a JSON object.

    Raises
    ------
    MalformedAlertError
        If one lacks its name, place or date of discovery. Retrying cannot help.
    UnhandledAlertError
        If it is an answer without an object.
    """
    fields = read_json_fields(payload)
    if fields is None:
        reason = "no JSON object"
        raise MalformedAlertError(reason)
    read = [_read(row) for row in _rows_of(fields)]
    alerts, opinions = zip(*read, strict=True) if read else ((), ())
    return Retelling(alerts=alerts, opinions=opinions)


def _rows_of(fields: Fields) -> list[Fields]:
    """What an answer of the API holds; else the object itself.

    Raises
    ------
    UnhandledAlertError
        If it is an answer without an object, as one to a search that found none.
    """
    if not _is_answer(fields):
        return [fields]
    rows = [row for row in _rows(fields)[:MOST] if row.get("objname")]
    if not rows:
        reason = "an answer without an object"
        raise UnhandledAlertError(reason)
    return rows


def _read(fields: Fields) -> tuple[ObjectAlert, Classification]:
    name, time = _name(fields), _time(_first(fields, "discoverydate"))
    place = _place(fields)
    if place is None or time is None:
        reason = "no usable place or date of discovery"
        raise MalformedAlertError(reason)
    alert = ObjectAlert(
        survey=_NAME,
        object_id=name,
        alert_id=f"{_NAME} {name}",
        time=time,
        ra=place[0],
        dec=place[1],
        points=(),
        program=_PUBLIC,
        first_seen=time,
        magnitude=magnitude(number(fields.get("discoverymag"))) or 99.0,
        is_positive=True,
        is_retold=True,
        other_names=tuple(_others(fields, name)),
    )
    return alert, _opinion(fields, alert)


def _place(fields: Fields) -> tuple[float, float] | None:
    """The place in degrees; of an answer that has it in hours and degrees alone, that."""
    for names in (("radeg", "decdeg"), ("ra", "declination"), ("ra", "dec")):
        ra, dec = (_first(fields, name) for name in names)
        found = place_of(ra, dec)
        if found is not None:
            return found
    return None


def _opinion(fields: Fields, alert: ObjectAlert) -> Classification:
    """Its type, its redshift, and a tag that says who discovered it."""
    kind = named(_named(_first(fields, "object_type", "type")))
    return Classification(
        author=_NAME,
        survey=_NAME,
        object_id=alert.object_id,
        ra=alert.ra,
        dec=alert.dec,
        time=_time(fields.get("lastmodified")) or alert.time,
        judgements=(judge("type", "", {kind: 1.0}),) if kind else (),
        tags=(_discovery(fields, alert),),
        redshift=_redshift(fields),
    )


def _discovery(fields: Fields, alert: ObjectAlert) -> str:
    told = (named(_named(fields.get(name))) for name in _DISCOVERERS)
    by = next(filter(None, told), "somebody")
    at = f" at {alert.magnitude:.1f}" if alert.magnitude < 99 else ""
    return f"discovered {alert.time:%Y-%m-%d}{at} by {by}"[:60]


def _name(fields: Fields) -> str:
    found = _OBJECT.fullmatch(text(_first(fields, "objname", "name"), most=60) or "")
    if found is None:
        reason = "no usable name: it is missing, or none of TNS"
        raise MalformedAlertError(reason)
    # One capital letter for the first 26 of a year, then small ones; bursts have capital ones.
    year, letters = found[1][:4], found[1][4:]
    return f"{year}{letters.lower()}" if letters.isalpha() and len(letters) > 1 else found[1]


def _others(fields: Fields, name: str) -> Iterator[str]:
    """Yield how people write the name, and the surveys' own names."""
    is_burst = name[:8].isdigit()
    yield from (f"{prefix}{name}" for prefix in (_OF_BURSTS if is_burst else _PREFIXES))
    given = _first(fields, "internal_names", "internal_name")
    listed = given if isinstance(given, list) else (text(given) or "").split(",")
    yield from filter(None, (text(each, most=100) for each in listed[:MOST]))


def _redshift(fields: Fields) -> float | None:
    value = number(fields.get("redshift"))
    return value if value is not None and 0 < value < _MOST_REDSHIFT else None


def _first(fields: Fields, *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def _named(value: Any) -> str | None:
    """A name by itself, or in an object with its number."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("group_name")
    return text(value, most=60)


def _time(value: Any) -> datetime | None:
    given = text(value, most=40)
    try:
        return in_utc(datetime.fromisoformat(given)) if given else None
    except ValueError:
        return None


def look_up(wanted: Wanted, secrets: Mapping[str, str]) -> Conversation:
    """Search by a name, its own or a survey's, or in a cone; then ask for each object."""
    names = [found[1]] if (found := _OBJECT.fullmatch(wanted.name)) else []
    if not names:
        within = {
            "ra": f"{wanted.ra:.7f}",
            "dec": f"{wanted.dec:.7f}",
            "radius": f"{wanted.radius_arcsec:g}",
            "units": "arcsec",
        }
        listed = yield _ask(
            "search", {"internal_name": wanted.name} if wanted.name else within, secrets
        )
        names = [str(row["objname"]) for row in _rows(listed) if row.get("objname")]
    answers: list[dict[str, Any]] = []
    for name in names[:MOST_OBJECTS]:
        found_object = yield _ask("object", {"objname": name}, secrets)
        answers += [dict(row) for row in _rows(found_object) if row.get("objname")]
    return answers


def _ask(what: str, data: Mapping[str, Any], secrets: Mapping[str, str]) -> Ask:
    bot = {"tns_id": secrets["TNS_BOT_ID"], "type": "bot", "name": secrets["TNS_BOT_NAME"]}
    return Ask(
        url=f"{_API}/{what}",
        form={"api_key": secrets["TNS_API_KEY"], "data": json.dumps(dict(data))},
        headers={"User-Agent": f"tns_marker{json.dumps(bot)}"},
    )


def daily(day: date, secrets: Mapping[str, str]) -> Ask:
    """Ask for the table of the objects that were made or changed on a day (UTC)."""
    asked = _ask("", {}, secrets)
    return Ask(
        url=f"{_TABLES}/tns_public_objects_{day:%Y%m%d}.csv.zip",
        form={"api_key": secrets["TNS_API_KEY"]},
        headers=asked.headers,
    )


def _rows(answer: Any) -> list[Fields]:
    """The objects of an answer, of its form until 2024 (in `reply`) or after."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(data, dict) and "reply" in data:
        data = data["reply"]
    listed = data if isinstance(data, list) else [data]
    return [each for each in listed if isinstance(each, dict)]


def _is_answer(message: Fields) -> bool:
    return {"id_code", "data"} <= message.keys()


def _is_object(message: Fields) -> bool:
    """An object, a row of the table, or the API's whole answer, saved as it came."""
    of_api = {"objname", "name_prefix"} <= message.keys() and not {"radeg", "ra"}.isdisjoint(
        message
    )
    of_table = {"objid", "name_prefix", "name", "declination"} <= message.keys()
    return of_api or of_table or _is_answer(message)


TNS: Final = Survey(
    name=_NAME,
    forms=(
        Form(
            name="tns.object",
            encoding=Encoding.JSON,
            record=Retelling,
            topics=("lookup.tns", "tns.csv"),
            recognises=_is_object,
            keys=(b'"name_prefix"',),
            parse=read_object,
            lane=Lane.BATCH,
            is_open=True,
        ),
    ),
    public_programs=frozenset({_PUBLIC}),
    types_objects=True,
    look_up=LookUp(
        talk=look_up,
        form="tns.object",
        daily=daily,
        table_topic="tns.csv",
        columns=("objid", "name_prefix", "name", "ra", "declination", "discoverydate"),
        per_minute=10,
        secrets=("TNS_API_KEY", "TNS_BOT_ID", "TNS_BOT_NAME"),
    ),
)
