"""What the readers of brokers share: a survey's packet within a message, places, opinions."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.values import finite, number, text
from tom.forms.registry import survey_of
from tom.records import ObjectAlert
from tom.records.alert import AB_ZERO_POINT_NJY, SAME_EPOCH, Point, PointKind
from tom.records.classification import Judgement
from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import read_place
from tom.sky.place_tokens import NotAPlaceError
from tom.taxonomy import find_class

MOST: Final = 50
"""Of classifiers in a message, and of classes of each."""
MOST_OBJECTS: Final = 3
"""Of a cone, the objects that a broker is asked for in full."""
_TRIED: Final = 20
"""Of an object's newest rows: if none of them can be used, the sender has another form."""
_SEXAGESIMAL: Final = re.compile(r"[+-]?[0-9]{1,3}([:\s][0-9]{1,2}){1,2}(\.[0-9]+)?")
_NONE: Final = frozenset({"", "unknown", "nan", "none", "null", "unclear", "orphan"})


def read_packet(survey: str, record: Mapping[str, Any]) -> ObjectAlert:
    """Read a survey's packet that a broker passes on, decoded.

    Raises
    ------
    MalformedAlertError
        As the survey's own reader has it.
    UnhandledAlertError
        If packets of this survey are not read here.
    """
    read = survey_of(survey).read
    if read is None:
        reason = f"packets of {survey} are not read yet"
        raise UnhandledAlertError(reason)
    return read(record)


def read_table(
    survey: str, rows: Sequence[Mapping[str, Any]], packet: Mapping[str, Any]
) -> ObjectAlert:
    """Read the rows of an object as a packet about the newest detection among them.

    One that cannot be used stands aside: the next older one takes its place.

    Parameters
    ----------
    survey
        Whose packets have such rows: each a detection, or an upper limit without a `candid`.
    rows
        With the survey's names of their fields, in any order.
    packet
        The other fields of the packet.

    Raises
    ------
    MalformedAlertError
        If there is no detection, or the newest ones cannot be used.
    """
    detections = [row for row in rows if row.get("candid") is not None]
    newest = sorted(detections, key=lambda row: finite(row.get("jd")) or 0.0, reverse=True)
    fault = MalformedAlertError("no usable detection: none has a candid")
    for row in newest[:_TRIED]:
        try:
            read_packet(survey, {**packet, "candid": row["candid"], "candidate": row})
        except MalformedAlertError as error:
            fault = error if row is newest[0] else fault
            continue
        about = {"candid": row["candid"], "candidate": row, "prv_candidates": list(rows)}
        return retold(read_packet(survey, {**packet, **about}))
    raise fault


def place_of(ra: Any, dec: Any) -> tuple[float, float] | None:
    """Read a place in ICRS degrees; None for what is none, as 0, 0 that fills a gap.

    Numbers may stand as texts; texts like 12:34:56.7 and -01:02:03 are hours and degrees.
    """
    lon, lat = number(ra), number(dec)
    if lon is None and lat is None:
        return _sexagesimal(ra, dec)
    if lon is None or lat is None or not 0 <= lon <= 360 or not -90 <= lat <= 90:
        return None
    return None if lon == lat == 0 else (lon % 360, lat)


def _sexagesimal(ra: Any, dec: Any) -> tuple[float, float] | None:
    """Read a place written in hours and degrees (12:34:56.7, -01:02:03); None for what is none."""
    hours, degrees = text(ra, most=30), text(dec, most=30)
    if not (
        hours and degrees and _SEXAGESIMAL.fullmatch(hours) and _SEXAGESIMAL.fullmatch(degrees)
    ):
        return None
    try:
        place = read_place(f"{hours} {degrees}")
    except (NotAPlaceError, UnreadablePlaceError):
        return None
    return place.ra, place.dec


def chances_of(given: Any) -> dict[str, float]:
    """Read the classes with their chances from 0 to 1; what is no chance is left out."""
    found: dict[str, float] = {}
    for key, value in list(given.items() if isinstance(given, Mapping) else ())[:MOST]:
        chance, label = finite(value), text(key, most=60)
        if label and chance is not None and 0 <= chance <= 1:
            found[label] = chance
    return found


def named(value: Any) -> str | None:
    """Read the name of a class; None where it says in a word that there is none."""
    name = text(value, most=60)
    if name is None or name.lower() in _NONE or name.lower().startswith("fail"):
        return None
    return name


def version_of(value: Any) -> str:
    """Read a version, a text or a number."""
    return text(str(value) if finite(value) is not None else value, most=50) or ""


def judge(
    classifier: str,
    version: Any,
    chances: Mapping[str, float],
    own: Mapping[str, str] = MappingProxyType({}),
) -> Judgement:
    """Make an opinion of an author's classes; `own` are the names that mean this to him alone."""
    known = {label: find_class(label, own=own) for label in chances}
    return Judgement(
        classifier=classifier[:100],
        version=version_of(version),
        probabilities=dict(chances),
        classes={label: found for label, found in known.items() if found},
    )


def retold(alert: ObjectAlert) -> ObjectAlert:
    """Mark what a broker tells of a light curve: the survey's own copies of its points are better.

    It says nothing of the surroundings.
    """
    points = tuple(replace(point, is_trigger=False) for point in alert.points)
    return replace(alert, points=points, is_retold=True)


def light_curve(
    *, survey: str, object_id: str, place: tuple[float, float] | None, points: Sequence[Point]
) -> ObjectAlert:
    """Make an alert of the points that a broker tells of an object.

    Raises
    ------
    MalformedAlertError
        If the object has no place, or there is no detection among the points.
    """
    if place is None:
        reason = "no usable position: ra and dec are missing, out of range, or 0"
        raise MalformedAlertError(reason)
    detections = [point for point in points if point.kind is PointKind.ALERT]
    if not detections:
        reason = "no usable detection: none has a time, a band, a flux and an error"
        raise MalformedAlertError(reason)
    newest = max(detections, key=lambda point: (point.time, point.key))
    return ObjectAlert(
        survey=survey,
        object_id=object_id,
        alert_id=newest.key,
        time=newest.time,
        ra=place[0],
        dec=place[1],
        points=_one_per_key(points),
        program=newest.program,
        first_seen=min(point.time for point in detections),
        magnitude=AB_ZERO_POINT_NJY - 2.5 * math.log10(abs(newest.flux_njy) or 1.0),
        is_positive=newest.flux_njy > 0,
        is_retold=True,
    )


def without_twins(points: Iterable[Point], known: Iterable[Point]) -> list[Point]:
    """Leave out the points of which a known one of the same kind and band is the same exposure."""
    taken = list(known)
    return [
        point
        for point in points
        if not any(
            each.kind is point.kind
            and each.band == point.band
            and abs(each.time - point.time) <= SAME_EPOCH
            for each in taken
        )
    ]


def _one_per_key(points: Sequence[Point]) -> tuple[Point, ...]:
    found = {(point.kind, point.key): point for point in points}
    return tuple(sorted(found.values(), key=lambda point: (point.time, point.kind, point.key)))
