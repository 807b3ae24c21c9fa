"""Points of light curves as the rows of a report: AB magnitudes, limits, and whose they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from tom.forms.registry import survey_of
from tom.photometry import magnitude_of
from tom.targets.models import LightCurvePoint, PointKind

# Two measurements of one exposure differ by less than this in time, two exposures by more.
_SAME_EXPOSURE: Final = timedelta(seconds=20)
_ORDER: Final = (PointKind.ALERT, PointKind.FORCED, PointKind.LIMIT)
_UNIT: Final = "AB mag"


def each_exposure_once(points: Sequence[LightCurvePoint]) -> list[LightCurvePoint]:
    """Keep one point of each exposure of a target, in the given order.

    A survey may measure one exposure twice: in the alert, and by forced photometry. The alert's own
    measurement is kept, else the forced one, else the limit.
    """
    exposures: list[LightCurvePoint] = []
    for point in sorted(points, key=_exposure):
        last = exposures[-1] if exposures else None
        if last is None or not _is_same_exposure(last, point):
            exposures.append(point)
        elif _told_before(point) < _told_before(last):
            exposures[-1] = point
    kept = {point.pk for point in exposures}
    return [point for point in points if point.pk in kept]


def _exposure(point: LightCurvePoint) -> tuple[int, str, str, datetime]:
    return point.target_id, point.survey, point.band, point.time


def _is_same_exposure(one: LightCurvePoint, other: LightCurvePoint) -> bool:
    *one_place, began = _exposure(one)
    *other_place, later = _exposure(other)
    return one_place == other_place and later - began < _SAME_EXPOSURE


def _told_before(point: LightCurvePoint) -> tuple[int, bool, int]:
    return _ORDER.index(point.kind), not point.is_trigger, point.pk


def row_of(point: LightCurvePoint, name: str) -> dict[str, Any] | None:
    """Write one point as AB magnitude or limit; None if it is neither a detection nor a limit."""
    magnitude = magnitude_of(flux=point.flux, flux_error=point.flux_error)
    declared = survey_of(point.survey).telescope
    telescope = declared.name if declared else point.survey
    instrument = declared.instrument if declared else point.survey
    row: dict[str, Any] = {
        "target_name": name,
        "date_obs": point.time.isoformat(),
        "bandpass": point.band,
        "telescope": telescope,
        "instrument": instrument,
    }
    if magnitude.magnitude is not None and magnitude.error is not None:
        return row | {
            "brightness": round(magnitude.magnitude, 3),
            "brightness_error": round(magnitude.error, 3),
            "brightness_unit": _UNIT,
        }
    if magnitude.limit is not None:
        limit = round(magnitude.limit, 3)
        return row | {"limiting_brightness": limit, "limiting_brightness_unit": _UNIT}
    return None
