"""Rubin's alert packets, versions 3.0 to 11.1 and later ones that keep their names.

They come in Confluent's framing, or as an object container file. Schemas:
https://github.com/lsst/alert_packet
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from tom.formats.containers import read_header, read_schema
from tom.formats.entries import CutRecord, Wanted, cut_contained
from tom.formats.errors import MalformedAlertError
from tom.formats.framed import cut_framed, read_framed_prefix
from tom.formats.prefixes import read_prefix
from tom.formats.times import time_of_tai_mjd
from tom.formats.values import finite, natural, separation, text, whole_id
from tom.forms.rubin_flags import faults_of, was_put_in
from tom.photometry import SHINING_SIGMA
from tom.records.alert import AB_ZERO_POINT_NJY, ObjectAlert, Point, SolarSystemMatch
from tom.records.opened import Opened
from tom.records.trigger import Trigger
from tom.surveys.lsst.points import (
    POINT_FIELDS,
    Fields,
    lacks_of,
    reaches_beyond,
    read_detection,
    read_points,
    read_share,
    strong,
    value_of,
    withdrawn_points,
)
from tom.surveys.lsst.schemas import published
from tom.surveys.lsst.templates import LEVEL_FIELDS, template_changes

SURVEY: Final = "LSST"
MAX_DECODED_BYTES: Final = 4 * 1024 * 1024  # a real packet takes 303 KB
_CUTOUTS: Final = {
    "science": "cutoutScience",
    "template": "cutoutTemplate",
    "difference": "cutoutDifference",
}
_FITS: Final = (b"SIMPLE  ", b"\x1f\x8b")
_FAINTEST: Final = 40.0
_FORCED: Final = "prvDiaForcedSources"
_HISTORY: Final = Wanted(
    lists=frozenset({"prvDiaSources", _FORCED, "prvDiaNondetectionLimits"}),
    fields=POINT_FIELDS | LEVEL_FIELDS,
)
_TRIGGER_FIELDS: Final = ("diaSource",)


def parse_framed(payload: bytes) -> ObjectAlert:
    """Parse one packet in Confluent's framing.

    Raises
    ------
    UnknownSchemaError
        If its schema is not known.
    MalformedAlertError
        If it does not fit its schema, or what `parse_container` refuses. Retrying cannot help.
    """
    return open_framed(payload).read(())


def parse_container(payload: bytes) -> ObjectAlert:
    """Parse one packet that is an object container file.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, does not hold exactly one record, or the alert lacks its
        identity, position, time or flux, a flag says that its flux is no measurement, or its
        source was put in. Retrying cannot help.
    """
    return open_container(payload).read(())


def open_framed(payload: bytes) -> Opened:
    """Open one packet in Confluent's framing; its `read` does the rest of `parse_framed`.

    Raises
    ------
    UnknownSchemaError
        If its schema is not known.
    MalformedAlertError
        If it does not fit its schema, or its detection is none.
    """
    schema, packet = cut_framed(payload, _HISTORY, published())
    return _open(packet, _version(schema.name))


def open_container(payload: bytes) -> Opened:
    """Open one packet that is an object container file; `read` does the rest of its parser.

    Raises
    ------
    MalformedAlertError
        As `parse_container` does, but for what is wrong with the history.
    """
    packet = cut_contained(payload, _HISTORY, MAX_DECODED_BYTES)
    # A broker's packet has a schema of the broker's.
    own = text(packet.fields.get("lsst_schema_version"), most=20)
    return _open(packet, own or _version(read_schema(read_header(payload).schema).name))


def _open(packet: CutRecord, version: str | None) -> Opened:
    source = _source(packet.fields)
    _read_trigger(source)

    def read(known: Collection[bytes]) -> ObjectAlert:
        record = packet.decode(known)
        # What is stored of the forced points still tells of the template.
        forced = packet.decode_list(_FORCED) if known else record.get(_FORCED)
        changes = template_changes({_FORCED: forced})
        alert = replace(_read_alert(record, version), template_changes=changes)
        return alert if reaches_beyond(record) else replace(alert, history=packet.digests())

    return Opened(survey=SURVEY, object_id=_object_id(source, packet.fields), read=read)


def read_framed_trigger(payload: bytes) -> Trigger:
    """Read what a packet in Confluent's framing is about, without its history and its stamps.

    Raises
    ------
    MalformedAlertError
        As `parse_framed` does, but for damage that comes after the trigger.
    """
    return _trigger(read_framed_prefix(payload, _TRIGGER_FIELDS, published()))


def read_contained_trigger(payload: bytes) -> Trigger:
    """Read what a packet that is an object container file is about, as `read_framed_trigger`."""
    return _trigger(read_prefix(payload, _TRIGGER_FIELDS, MAX_DECODED_BYTES))


def _trigger(record: Fields) -> Trigger:
    """Read the trigger. The object of a source that names none stands after it, and counts not."""
    source = _source(record)
    point = _read_trigger(source)
    ra, dec = _position(source)
    return Trigger(
        survey=SURVEY,
        object_id=_object_id(source, {}),
        alert_id=point.key,
        time=point.time,
        ra=ra,
        dec=dec,
        band=point.band,
        flux_njy=point.flux_njy,
        program=point.program,
        reliability=point.real_bogus,
        is_solar_system=_solar_system(source, {}) is not None,
    )


def read_alert(record: Fields) -> ObjectAlert:
    """Read one decoded packet that a broker passes on, as `parse_container` does."""
    alert = _read_alert(record, text(record.get("lsst_schema_version"), most=20))
    return replace(alert, template_changes=template_changes(record))


def _version(name: str) -> str | None:
    """The version in the name of a schema: `lsst.v11_1.alert`."""
    return name.rpartition(".")[0][:20] or None


def _read_alert(record: Fields, version: str | None) -> ObjectAlert:
    """Read all but the changes of templates."""
    source = _source(record)
    trigger = _read_trigger(source)
    object_id = _object_id(source, record)
    points = read_points(record, object_id, trigger)
    start = _history_start(record)
    sights = [point.time for point in strong(points, SHINING_SIGMA)]
    ra, dec = _position(source)
    score = read_share(source.get("reliability"))
    model = text(source.get("reliabilityVersion"), most=50)
    return ObjectAlert(
        survey=SURVEY,
        object_id=object_id,
        alert_id=trigger.key,
        time=trigger.time,
        ra=ra,
        dec=dec,
        points=points,
        program=trigger.program,
        first_seen=min(sights if start is None else [start, *sights]),
        history_start=start,
        magnitude=_magnitude(trigger),
        is_positive=trigger.flux_njy > 0,
        schema_version=version,
        scores={} if score is None else {"reliability": score},
        score_versions={"reliability": model} if model and score is not None else {},
        solar_system=_solar_system(source, record),
        n_detections=natural(_object(record).get("nDiaSources")),
        cutouts=dict(_cutouts(record)),
        withdrawn=withdrawn_points(record),
    )


def _source(record: Fields) -> Fields:
    source = record.get("diaSource")
    if not isinstance(source, dict):
        reason = "no diaSource"
        raise MalformedAlertError(reason)
    return source


def _read_trigger(source: Fields) -> Point:
    if was_put_in(source):
        reason = "its flags say that its source was put into the image"
        raise MalformedAlertError(reason)
    faults = faults_of(source)
    if faults:
        reason = f"its flux is no measurement: {', '.join(faults)}"
        raise MalformedAlertError(reason)
    point = read_detection(source, is_trigger=True)
    # A flux of nothing at all has no magnitude, and no sign.
    if point is None or not point.flux_njy:
        # Whoever may see messages reads this: it names fields, and quotes nothing of the alert.
        reason = f"no usable detection: {', '.join(lacks_of(source))} missing or unfit"
        raise MalformedAlertError(reason)
    return point


def _object(record: Fields) -> Fields:
    about = record.get("diaObject")
    return about if isinstance(about, dict) else {}


def _object_id(source: Fields, record: Fields) -> str:
    """The id of the object; that of the source where it has none, as a minor planet's.

    Rubin gives a new object the id of its first source, so both are of one kind.
    """
    ids = (source.get("diaObjectId"), _object(record).get("diaObjectId"), source["diaSourceId"])
    return str(next(number for number in map(whole_id, ids) if number))


def _position(source: Fields) -> tuple[float, float]:
    ra, dec = finite(source.get("ra")), finite(value_of(source, "dec"))
    if ra is None or dec is None or not 0 <= ra <= 360 or not -90 <= dec <= 90:
        reason = "no usable position: ra and dec are missing, or out of range"
        raise MalformedAlertError(reason)
    return ra % 360, dec


def _history_start(record: Fields) -> datetime | None:
    return time_of_tai_mjd(_object(record).get("firstDiaSourceMjdTai"))


def _magnitude(trigger: Point) -> float:
    size = AB_ZERO_POINT_NJY - 2.5 * math.log10(abs(trigger.flux_njy))
    return min(size, _FAINTEST)


def _solar_system(source: Fields, record: Fields) -> SolarSystemMatch | None:
    """The Solar System object that Rubin takes the source for, with its MPC designation.

    A source that is associated with one stands where it was due: where the packet gives no
    distance, that is 0.
    """
    number = whole_id(source.get("ssObjectId"))
    if not number:
        return None
    found = record.get("ssSource")
    match = found if isinstance(found, dict) else {}
    designation = text(match.get("designation"), most=80)
    return SolarSystemMatch(
        name=designation or f"ssObjectId {number}",
        separation_arcsec=separation(match.get("ephOffset")) or 0.0,
        magnitude=finite(match.get("ephVmag")) or None,
    )


def _cutouts(record: Fields) -> Iterator[tuple[str, bytes]]:
    """Yield the stamps: FITS of several units, the image first; its header says how it lies."""
    for name, field in _CUTOUTS.items():
        stamp = record.get(field)
        if isinstance(stamp, bytes) and stamp.startswith(_FITS):
            yield name, stamp
