"""An event's candidates in HERMES's form.

The form is that of HERMES's `submit_message` (https://hermes.lco.global/about). Values for which it
has no field go into `extra_data`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.forms.registry import survey_of
from tom.photometry import magnitude_of
from tom.reports.hermes.circular_form import percent_of
from tom.targets.models import LightCurvePoint, PointKind

# Two measurements of one exposure differ by less than this in time, two exposures by more.
_SAME_EXPOSURE: Final = timedelta(seconds=20)
_ORDER: Final = (PointKind.ALERT, PointKind.FORCED, PointKind.LIMIT)
_UNIT: Final = "AB mag"


def write_message(
    *,
    event: NonLocalizedEvent,
    candidates: Sequence[EventCandidate],
    points: Sequence[LightCurvePoint],
    programs: Sequence[str],
    topic: str,
    by: User,
) -> dict[str, Any]:
    """Write the message about these candidates with these points of their light curves."""
    name = by.get_full_name() or by.get_username()
    names = {candidate.target_id: candidate.target.name for candidate in candidates}
    rows = {point.pk: _photometry(point, names[point.target_id]) for point in points}
    return {
        "title": f"{event.event_id}: {_count(candidates)} from {settings.TOM_NAME}",
        "topic": topic,
        "submitter": by.get_username(),
        "authors": f"{name} ({settings.TOM_NAME})",
        "message_text": _text(event, candidates, programs),
        "data": {
            "event_id": event.event_id,
            "references": [],
            "targets": [_target(candidate.target) for candidate in candidates],
            "photometry": [
                rows[point.pk] for point in _once([each for each in points if rows[each.pk]])
            ],
            "extra_data": {
                "programs": list(programs),
                "candidates": [_standing(candidate) for candidate in candidates],
            },
        },
    }


def _text(
    event: NonLocalizedEvent, candidates: Sequence[EventCandidate], programs: Sequence[str]
) -> str:
    lines = [f"Candidates for {event.event_id}, in the order of their posterior probability:", ""]
    lines += [_line(candidate) for candidate in candidates]
    if programs:
        lines += ["", f"This uses data of {', '.join(programs)}."]
    return "\n".join(lines)


def _line(candidate: EventCandidate) -> str:
    target = candidate.target
    parts = [f"{target.name}: RA {target.ra:.5f}, Dec {target.dec:+.5f} (ICRS, deg)"]
    if candidate.posterior is not None:
        parts.append(f"probability {candidate.posterior:.2g}")
    if candidate.credible_level_2d is not None:
        parts.append(f"inside the {percent_of(candidate.credible_level_2d)}% credible region")
    return ", ".join(parts)


def _once(points: Sequence[LightCurvePoint]) -> list[LightCurvePoint]:
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


def _target(target: BaseTarget) -> dict[str, Any]:
    return {
        "name": target.name,
        "ra": target.ra,
        "dec": target.dec,
        "aliases": [alias.name for alias in target.aliases.all()],
    }


def _photometry(point: LightCurvePoint, name: str) -> dict[str, Any] | None:
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


def _standing(candidate: EventCandidate) -> dict[str, Any]:
    # Without the rank: gaps in the ranks would reveal private candidates. The list is in order.
    return {
        "name": candidate.target.name,
        "posterior": candidate.posterior,
        "posterior_low": candidate.posterior_low,
        "posterior_high": candidate.posterior_high,
        "credible_level_2d": candidate.credible_level_2d,
        "credible_level_3d": candidate.credible_level_3d,
    }


def _count(candidates: Sequence[EventCandidate]) -> str:
    return "one candidate" if len(candidates) == 1 else f"{len(candidates)} candidates"
