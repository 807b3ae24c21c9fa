"""BOOM's notices at GCN: objects of ZTF and Rubin that may belong to an event of another mission.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/boom/alert.schema.json
It gives photometry the start of each exposure, in UTC, and no sign: a detection counts as brighter
than the reference. ZTF's points are those of the survey itself by band and time. Photometry by
other telescopes is left out, and that of Rubin too: a notice does not say in which time it counts.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.times import in_utc
from tom.formats.values import finite, magnitude, text
from tom.forms.declared import Broker, Encoding, Form
from tom.forms.gcn_core import read_message
from tom.forms.gcn_notices import is_of
from tom.forms.njy_points import SURVEY as LSST
from tom.forms.retelling import chances_of, judge, light_curve, place_of
from tom.records import Classification, ObjectAlert, Retelling
from tom.records.alert import Point, PointKind, flux_of_magnitude, nameless_key
from tom.records.retelling import Membership

Fields = Mapping[str, Any]

_NAME: Final = "BOOM"
_FOLDER: Final = "/notices/boom/"
_ZTF: Final = "ZTF"
_ZTF_NAME: Final = re.compile(r"ZTF[0-9]{2}[a-z]{7}")
_RUBIN_ID: Final = re.compile(r"(?:LSST)?([0-9]{10,19})")
_BANDS: Final = {"ztfg": "g", "ztfr": "r", "ztfi": "i"}
_PUBLIC: Final = 1  # what GCN passes on is public
_HALF_EXPOSURE: Final = timedelta(seconds=15)
_MOST_TARGETS: Final = 500
_MOST_POINTS: Final = 20_000
_MOST_EVENTS: Final = 20
_LARGEST_ERROR_MAG: Final = 5.0
_MAGNITUDE_OF_E: Final = 2.5 / math.log(10)


def read_notice(payload: bytes) -> Retelling:
    """Read a notice: each object with its points of ZTF, its classes, and its events.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, or has no list of targets.
    UnhandledAlertError
        If it has no target with a name that a survey gives.
    """
    message = read_message(payload)
    data = message.get("data")
    targets = data.get("targets") if isinstance(data, dict) else None
    if not isinstance(targets, list):
        reason = "no list of targets"
        raise MalformedAlertError(reason)
    time = _time(message.get("alert_datetime"))
    rows = [each for each in targets[:_MOST_TARGETS] if isinstance(each, dict) and _identity(each)]
    if not rows:
        reason = "kept; no object: no target has a name of ZTF or Rubin"
        raise UnhandledAlertError(reason)
    photometry = list(_listed(data.get("photometry"))) if isinstance(data, dict) else []
    curves: dict[tuple[str, str] | None, list[Fields]] = {}
    for each in photometry:
        curves.setdefault(_identity(each), []).append(each)
    found = (_alert(row, curves.get(_identity(row), ())) for row in rows)
    alerts = [alert for alert in found if alert is not None]
    return Retelling(
        alerts=tuple(alerts),
        opinions=tuple(_opinion(row, time) for row in rows),
        memberships=tuple(each for row in rows for each in _memberships(row)),
        left_out=tuple(_left_out(targets, rows, photometry, alerts)),
    )


def _identity(row: Fields) -> tuple[str, str] | None:
    """The survey and its name of an object; None for a name of others."""
    names = row.get("event_name")
    for each in names if isinstance(names, list) else [names]:
        name = text(each, most=56) or ""
        if _ZTF_NAME.fullmatch(name):
            return _ZTF, name
        if number := _RUBIN_ID.fullmatch(name):
            return LSST, number[1]
    return None


def _alert(row: Fields, curve: Sequence[Fields]) -> ObjectAlert | None:
    """The light curve by ZTF; None where the notice has no usable detection of it."""
    identity = _identity(row)
    if identity is None or identity[0] != _ZTF:
        return None
    points = [point for each in curve if (point := _point(each)) is not None]
    try:
        return light_curve(
            survey=_ZTF,
            object_id=identity[1],
            place=place_of(row.get("ra"), row.get("dec")),
            points=points,
        )
    except MalformedAlertError:
        return None


def _point(row: Fields) -> Point | None:
    band, start = _BANDS.get(str(row.get("filter"))), _time(row.get("observation_start"))
    if band is None or start is None or row.get("mag_system") not in (None, "AB"):
        return None
    limit, time = magnitude(row.get("limiting_mag")), start + _HALF_EXPOSURE
    mag, error = magnitude(row.get("mag")), finite(row.get("mag_error"))
    if mag is not None and error is not None and 0 < error <= _LARGEST_ERROR_MAG:
        flux = flux_of_magnitude(mag)
        kind, sigma = PointKind.ALERT, flux * error / _MAGNITUDE_OF_E
    elif row.get("mag") is None and limit is not None:
        kind, flux, sigma = PointKind.LIMIT, math.nan, flux_of_magnitude(limit) / 5
    else:
        return None
    return Point(
        kind=kind,
        key=nameless_key(band, time),
        time=time,
        band=band,
        flux_njy=flux,
        flux_error_njy=sigma,
        program=_PUBLIC,
        magnitude_limit=limit,
    )


def _opinion(row: Fields, time: datetime | None) -> Classification:
    survey, object_id = _identity(row) or ("", "")
    place = place_of(row.get("ra"), row.get("dec"))
    chances = chances_of(row.get("classification_scores"))
    return Classification(
        author=_NAME,
        survey=survey,
        object_id=object_id,
        ra=place[0] if place else None,
        dec=place[1] if place else None,
        time=time,
        judgements=(judge("classification_scores", "", chances),) if chances else (),
        tags=tuple(f"matches {name}" for name in _events_of(row)),
    )


def _memberships(row: Fields) -> Iterator[Membership]:
    survey, object_id = _identity(row) or ("", "")
    for name in _events_of(row):
        yield Membership(author=_NAME, survey=survey, object_id=object_id, event=name)


def _events_of(row: Fields) -> list[str]:
    """The names of the events that an object is said to match."""
    found = (text(each.get("ref_ID"), most=64) for each in _listed(row.get("gcn_crossmatch")))
    return list(dict.fromkeys(name for name in found if name))[:_MOST_EVENTS]


def _listed(value: Any) -> Iterator[dict[str, Any]]:
    for each in value[:_MOST_POINTS] if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each


def _left_out(
    targets: Sequence[Any],
    rows: Sequence[Fields],
    photometry: Sequence[Fields],
    alerts: Sequence[ObjectAlert],
) -> Iterator[str]:
    if len(rows) < len(targets):
        yield f"{len(targets) - len(rows)} targets (no name of ZTF or Rubin, or too many)"
    dark = len(rows) - len(alerts)
    if dark:
        yield f"the light curves of {dark} targets (no detection by ZTF with a place)"
    others = {
        text(each.get("instrument"), most=30) or "others"
        for each in photometry
        if str(each.get("filter")) not in _BANDS
    }
    if others:
        yield f"photometry of {', '.join(sorted(others)[:5])} (not ZTF's own)"


def _time(value: Any) -> datetime | None:
    try:
        return in_utc(datetime.fromisoformat(str(value)))
    except (ValueError, OverflowError):
        return None


BOOM: Final = Broker(
    name=_NAME,
    forms=(
        Form(
            name="gcn.boom",
            encoding=Encoding.JSON,
            record=Retelling,
            topics=("gcn.notices.boom.alert*",),
            recognises=partial(is_of, _FOLDER),
            keys=(_FOLDER.encode(),),
            parse=read_notice,
            is_open=True,
        ),
    ),
)
