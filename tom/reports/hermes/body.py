"""An event's candidates in HERMES's form.

The form is that of HERMES's `submit_message` (https://hermes.lco.global/about). Values for which it
has no field go into `extra_data`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.formats.chances import write_chance
from tom.reports.hermes.models import Report
from tom.reports.photometry_rows import each_exposure_once, row_of
from tom.reports.plain_text import percent_of
from tom.targets.models import Classification, LightCurvePoint

REFERENCE: Final = "hop_uuid"
"""How a message of HERMES's form refers to another one on Hopskotch."""


def write_message(
    *,
    event: NonLocalizedEvent,
    candidates: Sequence[EventCandidate],
    points: Sequence[LightCurvePoint],
    programs: Sequence[str],
    classes: Mapping[int, Classification],
    topic: str,
    follows: Report | None,
    by: User,
) -> dict[str, Any]:
    """Write the message about these candidates with these points of their light curves.

    `classes` are those of spectra, by the target. `follows` is the message that we told before:
    nobody can change it, so this one names it.
    """
    name = by.get_full_name() or by.get_username()
    names = {candidate.target_id: candidate.target.name for candidate in candidates}
    rows = {point.pk: row_of(point, names[point.target_id]) for point in points}
    usable = [point for point in points if rows[point.pk]]
    return {
        "title": f"{event.public_name}: {_count(candidates)} from {settings.TOM_NAME}",
        "topic": topic,
        "submitter": by.get_username(),
        "authors": f"{name} ({settings.TOM_NAME})",
        "message_text": _text(event, candidates, programs, classes, follows),
        "data": {
            "event_id": event.public_name,
            "references": [refer_to(follows)] if follows else [],
            "targets": [_target(candidate.target) for candidate in candidates],
            "photometry": [rows[point.pk] for point in each_exposure_once(usable)],
            "extra_data": {
                "programs": list(programs),
                "candidates": [_standing(each, classes) for each in candidates],
            },
        },
    }


def refer_to(report: Report) -> dict[str, str]:
    """Name a report that is on a topic, as HERMES's form does."""
    return {"source": REFERENCE, "citation": str(report.message_id)}


def _text(
    event: NonLocalizedEvent,
    candidates: Sequence[EventCandidate],
    programs: Sequence[str],
    classes: Mapping[int, Classification],
    follows: Report | None,
) -> str:
    lines = [
        f"Candidates for {event.public_name}, in the order of their posterior probability:",
        "",
    ]
    lines += [_line(candidate, classes) for candidate in candidates]
    if programs:
        lines += ["", f"This uses data of {', '.join(programs)}."]
    if follows:
        lines += ["", f'It follows our message "{follows.body["title"]}" ({follows.message_id}).']
    return "\n".join(lines)


def _line(candidate: EventCandidate, classes: Mapping[int, Classification]) -> str:
    target = candidate.target
    parts = [f"{target.name}: RA {target.ra:.5f}, Dec {target.dec:+.5f} (ICRS, deg)"]
    if candidate.posterior is not None:
        parts.append(f"probability {write_chance(candidate.posterior)}")
    if candidate.credible_level_2d is not None:
        parts.append(f"inside the {percent_of(candidate.credible_level_2d)}% credible region")
    if candidate.target_id in classes:
        parts.append(f"{classes[candidate.target_id].says} by a spectrum")
    return ", ".join(parts)


def _target(target: BaseTarget) -> dict[str, Any]:
    return {
        "name": target.name,
        "ra": target.ra,
        "dec": target.dec,
        "aliases": [alias.name for alias in target.aliases.all()],
    }


def _standing(candidate: EventCandidate, classes: Mapping[int, Classification]) -> dict[str, Any]:
    told = classes.get(candidate.target_id)
    # Without the rank: gaps in the ranks would reveal private candidates. The list is in order.
    return {
        "name": candidate.target.name,
        "posterior": candidate.posterior,
        "posterior_low": candidate.posterior_low,
        "posterior_high": candidate.posterior_high,
        "credible_level_2d": candidate.credible_level_2d,
        "credible_level_3d": candidate.credible_level_3d,
        "class_by_spectrum": told.says if told else None,
        "spectrum_time": told.time.isoformat() if told else None,
    }


def _count(candidates: Sequence[EventCandidate]) -> str:
    return "one candidate" if len(candidates) == 1 else f"{len(candidates)} candidates"
