"""ZTF alert packets, of any schema version since 2018 and from any broker that keeps their form.

Fields: https://zwickytransientfacility.github.io/ztf-avro-alert/schema.html
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from tom.formats.entries import Wanted, cut_contained
from tom.formats.errors import MalformedAlertError
from tom.formats.prefixes import read_prefix
from tom.formats.times import middle_of_exposure
from tom.formats.values import (
    finite,
    magnitude,
    name_of,
    natural,
    separation,
    text,
)
from tom.photometry import SHINING_SIGMA
from tom.records.alert import (
    NearbyStar,
    ObjectAlert,
    Point,
    PointKind,
    ReferenceSource,
    SolarSystemMatch,
)
from tom.records.opened import Opened
from tom.records.trigger import Trigger
from tom.surveys.ztf.points import (
    POINT_FIELDS,
    Fields,
    lacks_of,
    reaches_beyond,
    read_detection,
    read_light_curve,
    read_score,
)

MAX_DECODED_BYTES: Final = 2 * 1024 * 1024  # a real packet takes 40 to 150 KB
# So long that the key of a point, `objectId:pid:fp`, takes 80 characters at most.
_OBJECT_ID: Final = re.compile(r"[A-Za-z0-9_.+-]{1,56}")
_GZIP_MAGIC: Final = b"\x1f\x8b"
# A detector's columns and rows, and how far a stamp reaches from the source.
_DETECTOR: Final = (3072, 3080)
_REACH: Final = 31
_TRIGGER_FIELDS: Final = ("objectId", "candid", "candidate")
_HISTORY: Final = Wanted(lists=frozenset({"prv_candidates", "fp_hists"}), fields=POINT_FIELDS)
_CUTOUTS: Final = {
    "science": "cutoutScience",
    "template": "cutoutTemplate",
    "difference": "cutoutDifference",
}


def parse_ztf(payload: bytes) -> ObjectAlert:
    """Parse one ZTF packet.

    Epochs of the history that lack what makes them a measurement (time, band, flux, error) are
    left out; a trigger that lacks any of it makes the packet malformed.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, does not hold exactly one record, or the alert lacks its
        identity, position, time or flux. Retrying cannot help.
    """
    return open_ztf(payload).read(())


def open_ztf(payload: bytes) -> Opened:
    """Open one ZTF packet as far as its object's name; its `read` does the rest of `parse_ztf`.

    Raises
    ------
    MalformedAlertError
        As `parse_ztf` does, but for what is wrong with the candidate or the history.
    """
    packet = cut_contained(payload, _HISTORY, MAX_DECODED_BYTES)
    _candidate(packet.fields)

    def read(known: Collection[bytes]) -> ObjectAlert:
        record = packet.decode(known)
        alert = read_alert(record)
        return alert if reaches_beyond(record) else replace(alert, history=packet.digests())

    return Opened(survey="ZTF", object_id=_object_id(packet.fields), read=read)


def read_ztf_trigger(payload: bytes) -> Trigger:
    """Read what a ZTF packet is about, without its history and its stamps.

    Raises
    ------
    MalformedAlertError
        As `parse_ztf` does, but for damage that comes after the trigger.
    """
    record = read_prefix(payload, _TRIGGER_FIELDS, MAX_DECODED_BYTES)
    candidate = _candidate(record)
    point = _read_trigger(candidate, record)
    ra, dec = _position(candidate)
    scores = dict(_scores(candidate))
    return Trigger(
        survey="ZTF",
        object_id=_object_id(record),
        alert_id=point.key,
        time=point.time,
        ra=ra,
        dec=dec,
        band=point.band,
        flux_njy=point.flux_njy,
        program=point.program,
        reliability=scores.get("drb", scores.get("rb")),
        is_solar_system=_solar_system(candidate) is not None,
    )


def read_alert(record: Fields) -> ObjectAlert:
    """Read one decoded packet, as `parse_ztf` does."""
    candidate = _candidate(record)
    object_id = _object_id(record)
    trigger = _read_trigger(candidate, record)
    points = read_light_curve(record, object_id, trigger)
    ra, dec = _position(candidate)
    return ObjectAlert(
        survey="ZTF",
        object_id=object_id,
        alert_id=trigger.key,
        time=trigger.time,
        ra=ra,
        dec=dec,
        points=points,
        program=trigger.program,
        first_seen=_first_seen(candidate, points),
        history_start=_history_start(candidate),
        magnitude=float(candidate["magpsf"]),
        is_positive=trigger.flux_njy > 0,
        schema_version=text(record.get("schemavsn")),
        scores=dict(_scores(candidate)),
        score_versions=dict(_score_versions(candidate)),
        star=_star(candidate),
        reference=_reference(candidate),
        solar_system=_solar_system(candidate),
        n_detections=natural(candidate.get("ndethist")),
        gaia_separation_arcsec=separation(candidate.get("neargaia")),
        cutouts=dict(_cutouts(record)),
        cutout_middle=_cutout_middle(candidate),
    )


def _candidate(record: Fields) -> Fields:
    candidate = record.get("candidate")
    if not isinstance(candidate, dict):
        reason = "no candidate"
        raise MalformedAlertError(reason)
    return candidate


def _object_id(record: Fields) -> str:
    object_id = record.get("objectId")
    if not isinstance(object_id, str) or not _OBJECT_ID.fullmatch(object_id):
        reason = "no usable objectId: it is missing, or no survey's name of an object"
        raise MalformedAlertError(reason)
    return object_id


def _position(candidate: Fields) -> tuple[float, float]:
    ra, dec = finite(candidate.get("ra")), finite(candidate.get("dec"))
    if ra is None or dec is None or not 0 <= ra <= 360 or not -90 <= dec <= 90:
        reason = "no usable position: ra and dec are missing, or out of range"
        raise MalformedAlertError(reason)
    return ra % 360, dec


def _read_trigger(candidate: Fields, record: Fields) -> Point:
    # A broker that rewrites packets may drop one of the two copies of `candid`.
    inner = candidate.get("candid")
    candid = record.get("candid") if inner is None else inner
    point = read_detection(candidate, candid, is_trigger=True)
    if point is None:
        # Whoever may see messages reads this: it names fields, and quotes nothing of the alert.
        lacking = ", ".join(lacks_of(candidate, candid))
        reason = f"no usable detection: {lacking} missing or unfit"
        raise MalformedAlertError(reason)
    return point


def _first_seen(candidate: Fields, points: Iterable[Point]) -> datetime:
    """Find the first sight: a packet carries 30 days, the object may be years old."""
    start = _history_start(candidate)
    sights = [point.time for point in points if _is_sight(point)]
    return min(sights if start is None else [start, *sights])


def _history_start(candidate: Fields) -> datetime | None:
    return middle_of_exposure(candidate.get("jdstarthist"), candidate.get("exptime"))


def _is_sight(point: Point) -> bool:
    if point.kind is PointKind.FORCED:
        return point.signal_to_noise >= SHINING_SIGMA
    return point.kind is PointKind.ALERT


def _scores(candidate: Fields) -> Iterator[tuple[str, float]]:
    for name in ("rb", "drb"):
        score = read_score(candidate.get(name))
        # Before the classifier existed, brokers filled in 0.0 and an empty version.
        if score is not None and candidate.get(f"{name}version") != "":
            yield name, score


def _score_versions(candidate: Fields) -> Iterator[tuple[str, str]]:
    for name in ("rb", "drb"):
        version = text(candidate.get(f"{name}version"))
        if version:
            yield name, version


def _star(candidate: Fields) -> NearbyStar | None:
    distance = separation(candidate.get("distpsnr1"))
    if distance is None:
        return None
    magnitudes = {band: magnitude(candidate.get(f"s{band}mag1")) for band in "griz"}
    return NearbyStar(
        separation_arcsec=distance,
        star_galaxy_score=read_score(candidate.get("sgscore1")),
        magnitudes={band: value for band, value in magnitudes.items() if value is not None},
    )


def _reference(candidate: Fields) -> ReferenceSource | None:
    distance = separation(candidate.get("distnr"))
    if distance is None:
        return None
    return ReferenceSource(distance, magnitude(candidate.get("magnr")))


def _solar_system(candidate: Fields) -> SolarSystemMatch | None:
    name = name_of(candidate.get("ssnamenr"))
    if name is None:
        return None
    return SolarSystemMatch(
        name=name,
        separation_arcsec=separation(candidate.get("ssdistnr")),
        magnitude=magnitude(candidate.get("ssmagnr")),
    )


def _cutouts(record: Fields) -> Iterator[tuple[str, bytes]]:
    """Yield the stamps that are gzipped FITS; packets of early 2018 hold JPEG previews."""
    for name, field in _CUTOUTS.items():
        cutout = record.get(field)
        stamp = cutout.get("stampData") if isinstance(cutout, dict) else None
        if isinstance(stamp, bytes) and stamp.startswith(_GZIP_MAGIC):
            yield name, stamp


def _cutout_middle(candidate: Fields) -> tuple[float, float] | None:
    """Where the source stands in stamps that the detector's edge cut; None away from the edge.

    `xpos` and `ypos` count pixels of the detector from 1. A stamp reaches 31 pixels to each side.
    """
    x, y = finite(candidate.get("xpos")), finite(candidate.get("ypos"))
    if x is None or y is None or not (0.5 <= x <= _DETECTOR[0] and 0.5 <= y <= _DETECTOR[1]):
        return None
    places = (round(x) - 1, round(y) - 1)
    cut = [
        not _REACH <= place < size - _REACH for place, size in zip(places, _DETECTOR, strict=True)
    ]
    if not any(cut):
        return None
    return float(min(places[0], _REACH)), float(min(places[1], _REACH))
