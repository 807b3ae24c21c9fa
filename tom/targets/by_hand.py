"""Targets that people make by hand, and points that they upload.

Both go the way of a survey's alerts, under a survey of their own with a program for each group
(and one for everybody), so that who may see them follows the same rules.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.db import transaction
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.records.alert import ObjectAlert, Point, PointKind
from tom.targets.models import (
    AudienceSummary,
    LightCurvePoint,
    PointUpload,
    Program,
    TargetSummary,
)
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.store import Changes, store_alerts
from tom.targets.summary import refresh_audiences, refresh_summaries

SURVEY = BY_HAND
PUBLIC_NUMBER = 0
SEEN_SIGMA = 5


class NameTakenError(Exception):
    """Another target has the name, or an alias of it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One uploaded point: middle of the exposure (UTC), AB band, flux and error in nJy.

    A limit has no flux, and a fifth of the 5-sigma limiting flux as its error.
    """

    kind: PointKind
    time: datetime
    band: str
    flux_njy: float | None
    flux_error_njy: float
    telescope: str = ""


def program_of(group: Group | None) -> Program:
    """Return the program of a group's own uploads, or of public uploads without a group."""
    name = f"uploads of {group.name}"[:100] if group else "public uploads"
    fresh = Program(name=name, public=group is None, group=group)
    program, _ = Program.objects.get_or_create(
        survey=SURVEY,
        number=group.pk if group else PUBLIC_NUMBER,
        defaults={
            "name": name,
            "public": group is None,
            "group": group,
            "settled": fresh.standing,
        },
    )
    return program


def make_target(
    *, name: str, ra: float, dec: float, group: Group | None, now: datetime
) -> BaseTarget:
    """Make a target at a place (ICRS degrees): of a group, or public.

    Raises
    ------
    NameTakenError
        If there is a target of that name.
    """
    with transaction.atomic():
        if _is_taken(name):
            raise NameTakenError
        program = program_of(group)
        store_alerts([_alert(name, ra=ra, dec=dec, program=program, time=now, points=())])
        made = BaseTarget.objects.get(name=name)
        # No alert has been: nothing is known of when it was first seen.
        TargetSummary.objects.filter(pk=made.pk).update(first_seen=None, surroundings_time=None)
    return made


def _is_taken(name: str) -> bool:
    aliases = TargetName.objects.filter(name__iexact=name)
    return BaseTarget.objects.filter(name__iexact=name).exists() or aliases.exists()


def add_points(
    target: BaseTarget,
    points: Sequence[Measured],
    *,
    program: Program,
    name: str,
    by: User,
    now: datetime,
) -> tuple[PointUpload, Changes]:
    """Store uploaded points of a target; the caller has called `hold_events`."""
    summary = TargetSummary.objects.select_for_update(no_key=True).get(pk=target.pk)
    upload = PointUpload.objects.create(
        target=target,
        program=program,
        name=name[:100],
        n_points=len(points),
        first_seen_before=summary.first_seen,
        created_by=by,
    )
    stored = [_point(row, upload, number) for number, row in enumerate(points, start=1)]
    seen = [point.time for point in stored if point.signal_to_noise >= SEEN_SIGMA]
    # As old as what gave the position: it moves nothing, and no alert's surroundings are older.
    time = summary.position_time or summary.surroundings_time or now
    first = min([*seen, *([summary.first_seen] if summary.first_seen else [])], default=now)
    alert = _alert(
        _object_of(target, program),
        ra=target.ra,
        dec=target.dec,
        program=program,
        time=time,
        points=stored,
    )
    changes = store_alerts([replace(alert, first_seen=first)])
    # An upload says nothing of the surroundings: what the newest alert said stays.
    said = {name: getattr(summary, name) for name in _SURROUNDINGS}
    TargetSummary.objects.filter(pk=target.pk).update(**said)
    return upload, changes


def _object_of(target: BaseTarget, program: Program) -> str:
    """The object to which a target's uploads belong: it has the name that the target had then.

    The caller holds the target's lock.
    """
    mine = SurveyObject.objects.filter(target=target, survey=SURVEY).order_by("pk").first()
    if mine is None:
        name = target.name
        if SurveyObject.objects.filter(survey=SURVEY, object_id=name).exists():
            name = f"{name[:80]} ({target.pk})"
        mine = SurveyObject.objects.create(
            survey=SURVEY,
            object_id=name,
            target=target,
            programs=[program.pk],
            ra=target.ra,
            dec=target.dec,
        )
    return mine.object_id


def remove_points(upload: PointUpload) -> Changes:
    """Undo an upload, with its points and what they changed; the caller holds the events."""
    target_id = upload.target_id
    summaries = TargetSummary.objects.filter(pk=target_id)
    list(summaries.select_for_update(no_key=True))
    points = LightCurvePoint.objects.filter(
        target=target_id, survey=SURVEY, key__startswith=upload.key_prefix
    )
    mirrored = [f"{kind}:{key}" for kind, key in points.values_list("kind", "key")]
    PhotometryReducedDatum.objects.filter(
        target=target_id, source_name=SURVEY, source_location__in=mirrored
    ).delete()
    points.delete()
    upload.delete()
    if not LightCurvePoint.objects.filter(target=target_id).exists():
        summaries.update(**_NOTHING_SEEN)
    summaries.update(first_seen=upload.first_seen_before)
    refresh_summaries([target_id])
    audiences = AudienceSummary.objects.filter(target=target_id)
    refresh_audiences(audiences.values_list("pk", flat=True))
    return Changes([target_id])


_SURROUNDINGS = (
    *("surroundings_time", "alert_values", "n_survey_detections", "star_separation_arcsec"),
    *("star_score", "solar_system_name", "solar_system_separation_arcsec"),
)
_NOTHING_SEEN = {
    "n_detections": 0,
    "n_limits": 0,
    "first_detection": None,
    "last_detection": None,
    "last_magnitude": None,
    "last_band": "",
    "peak_magnitude": None,
}


def _point(row: Measured, upload: PointUpload, number: int) -> Point:
    return Point(
        kind=row.kind,
        key=f"{upload.key_prefix}{number}:{row.telescope}"[:80],
        time=row.time,
        band=row.band,
        flux_njy=math.nan if row.flux_njy is None else row.flux_njy,
        flux_error_njy=row.flux_error_njy,
        program=upload.program.number,
    )


def _alert(
    name: str,
    *,
    ra: float | None,
    dec: float | None,
    program: Program,
    time: datetime,
    points: Sequence[Point],
) -> ObjectAlert:
    if ra is None or dec is None:
        message = f"{name} has no fixed position"
        raise ValueError(message)
    return ObjectAlert(
        survey=SURVEY,
        object_id=name,
        alert_id="~",  # after any survey's alert of the same time
        time=time,
        ra=ra,
        dec=dec,
        points=tuple(points),
        program=program.number,
        first_seen=time,
        magnitude=math.nan,
        is_positive=True,
        is_by_hand=True,
    )
