"""ANTARES: loci with their tags and catalogs, and their alerts as its API gives them.

On Kafka a locus is BSON in zlib, without a light curve. https://nsf-noirlab.gitlab.io/csdc/antares
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from tom.formats.bson import read_squeezed
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.json_text import read_json_fields
from tom.formats.times import JD_OF_MJD, time_of_jd
from tom.formats.values import finite, text
from tom.forms.declared import Ask, Broker, Conversation, Encoding, Form, Lane, LookUp, Wanted
from tom.forms.njy_points import SURVEY as LSST
from tom.forms.njy_points import id_of, read_detections
from tom.forms.retelling import MOST, MOST_OBJECTS, light_curve, place_of, read_table
from tom.records import Classification, ObjectAlert, Retelling

Fields = Mapping[str, Any]
Names = list[tuple[str, str]]

_NAME: Final = "ANTARES"
_ZTF: Final = "ZTF"
_API: Final = "https://api.antares.noirlab.edu/v1/loci"
_PUBLIC: Final = 1  # its public API has this program's data alone
_MOST_TAGS: Final = 100
# The prefixes of what it copies from an alert of each survey.
_OF_ZTF: Final = "ztf_"
_OF_LSST: Final = "lsst_diaSource_"


def read_squeezed_locus(payload: bytes) -> Retelling:
    """Read a locus as it comes on Kafka.

    Raises
    ------
    MalformedAlertError
        If the bytes are damaged, or it names no object of a survey.
    UnhandledAlertError
        If it has neither a tag nor an alert.
    """
    return read_locus(read_squeezed(payload))


def read_json_locus(payload: bytes) -> Retelling:
    """Read a locus in JSON, with its alerts, as `read_squeezed_locus` does."""
    record = read_json_fields(payload)
    if record is None:
        reason = "no JSON object"
        raise MalformedAlertError(reason)
    return read_locus(record)


def read_locus(locus: Fields) -> Retelling:
    """Read a decoded locus, as `read_squeezed_locus` does."""
    properties = _fields(locus.get("properties"))
    names = list(dict.fromkeys(_names(properties)))[:MOST]
    if not names:
        reason = "a locus that names no object of a survey"
        raise MalformedAlertError(reason)
    place = place_of(locus.get("ra"), locus.get("dec"))
    alerts = tuple(_alerts(locus, names, place))
    tags = tuple(_tags(locus))
    if not alerts and not tags:
        reason = "a locus without a tag or an alert"
        raise UnhandledAlertError(reason)
    newest = finite(properties.get("newest_alert_observation_time"))
    said = Classification(
        author=_NAME,
        survey=names[0][0],
        object_id=names[0][1],
        ra=place[0] if place else None,
        dec=place[1] if place else None,
        time=None if newest is None else time_of_jd(newest + JD_OF_MJD),
        tags=tags,
    )
    opinions = tuple(replace(said, survey=survey, object_id=name) for survey, name in names)
    return Retelling(alerts=alerts, opinions=opinions if tags else ())


def look_up(wanted: Wanted, _: Mapping[str, str]) -> Conversation:
    """Ask for the loci of a name or in a cone, each with its alerts."""
    query = json.dumps({"query": {"bool": {"filter": _filter(wanted)}}})
    listed = yield Ask(
        url=_API,
        query={
            "sort": "-properties.newest_alert_observation_time",
            "elasticsearch_query[locus_listing]": query,
        },
    )
    answers = []
    for found in _list(_fields(listed).get("data"))[:MOST_OBJECTS]:
        name = text(_fields(found).get("id"), most=60)
        if name:
            curve = yield Ask(url=f"{_API}/{quote(name, safe='')}/alerts")
            alerts = _list(_fields(curve).get("data"))
            answers.append({"locus_id": name, **_fields(found.get("attributes")), "alerts": alerts})
    return answers


def _filter(wanted: Wanted) -> dict[str, Any]:
    if number := id_of(wanted.name):
        return {"term": {"properties.survey.lsst.dia_object_id": number}}
    if wanted.name:
        return {"term": {"properties.ztf_object_id": wanted.name}}
    around = {"center": f"{wanted.ra:.7f} {wanted.dec:.7f}"}
    return {
        "sky_distance": {"distance": f"{wanted.radius_arcsec / 3600:.7f} degree", "htm16": around}
    }


def _names(properties: Fields) -> Iterator[tuple[str, str]]:
    """Yield the surveys' names of what the locus is, of either form of its properties."""
    surveys = _fields(properties.get("survey"))
    of_ztf = _fields(surveys.get("ztf"))
    for name in [*_list(of_ztf.get("id")), properties.get("ztf_object_id")]:
        if found := text(name, most=56):
            yield _ZTF, found
    for number in _list(_fields(surveys.get("lsst")).get("dia_object_id")):
        if found := id_of(number):
            yield LSST, found


def _tags(locus: Fields) -> Iterator[str]:
    for tag in _list(locus.get("tags"))[:_MOST_TAGS]:
        if found := text(tag, most=60):
            yield found


def _alerts(
    locus: Fields, names: Names, place: tuple[float, float] | None
) -> Iterator[ObjectAlert]:
    listed = [_properties(each) for each in _list(locus.get("alerts"))]
    # Its upper limits have no candid.
    epochs = [_without(each, _OF_ZTF) for each in listed if "ztf_jd" in each]
    of_ztf = [name for survey, name in names if survey == _ZTF]
    if of_ztf and any(epoch.get("candid") is not None for epoch in epochs):
        rows = [{"programid": _PUBLIC} | epoch for epoch in epochs]
        yield read_table(_ZTF, rows, {"objectId": of_ztf[0]})
    sources: dict[str | None, list[Fields]] = {}
    for source in (_without(each, _OF_LSST) for each in listed if f"{_OF_LSST}psfFlux" in each):
        sources.setdefault(id_of(source.get("diaObjectId")), []).append(source)
    for survey, name in names:
        if survey == LSST and name in sources:
            points = list(read_detections(sources[name]))
            yield light_curve(survey=LSST, object_id=name, place=place, points=points)


def _properties(alert: Any) -> Fields:
    """An alert's values: its own, or those its API puts among attributes."""
    alert = _fields(alert)
    attributes = _fields(alert.get("attributes")) or alert
    return _fields(attributes.get("properties")) or attributes


def _without(fields: Fields, prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): value for k, value in fields.items() if k.startswith(prefix)}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _fields(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}


def _is_locus(message: Fields) -> bool:
    return "locus_id" in message and isinstance(message.get("properties"), dict)


ANTARES: Final = Broker(
    name=_NAME,
    look_up=LookUp(talk=look_up, form="antares.answer"),
    forms=(
        Form(
            name="antares.locus",
            encoding=Encoding.BSON,
            record=Retelling,
            topics=("client.*",),
            parse=read_squeezed_locus,
            lane=Lane.BATCH,
            is_open=True,
        ),
        Form(
            name="antares.answer",
            encoding=Encoding.JSON,
            record=Retelling,
            topics=("lookup.antares",),
            recognises=_is_locus,
            keys=(b'"locus_id"',),
            parse=read_json_locus,
            lane=Lane.BATCH,
        ),
    ),
)
