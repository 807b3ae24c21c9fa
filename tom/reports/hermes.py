"""An event's candidates in HERMES's form.

The form is that of its `submit_message` (https://hermes.lco.global/about); `extra_data` is its
place for what has no field of its own.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.targets.magnitudes import magnitude_of
from tom.targets.models import LightCurvePoint

# Survey to telescope and instrument.
_TELESCOPES: Final = {"ZTF": ("Palomar 1.2m Oschin", "ZTF"), "LSST": ("Simonyi", "LSSTCam")}
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
    """Write the message that tells of these candidates with these points of their light curves."""
    name = by.get_full_name() or by.get_username()
    names = {candidate.target_id: candidate.target.name for candidate in candidates}
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
                row for point in points if (row := _photometry(point, names[point.target_id]))
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
        parts.append(f"inside the {candidate.credible_level_2d:.0%} credible region")
    return ", ".join(parts)


def _target(target: BaseTarget) -> dict[str, Any]:
    return {
        "name": target.name,
        "ra": target.ra,
        "dec": target.dec,
        "aliases": [alias.name for alias in target.aliases.all()],
    }


def _photometry(point: LightCurvePoint, name: str) -> dict[str, Any] | None:
    """Write one point, a detection or a limit; None where it is neither."""
    magnitude = magnitude_of(flux=point.flux, flux_error=point.flux_error)
    telescope, instrument = _TELESCOPES.get(point.survey, (point.survey, point.survey))
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
    # Without its rank, whose gaps would tell of private candidates: the list is in order.
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
