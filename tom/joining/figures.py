"""The figures of summaries after a join or a split: the newest alert's, the earliest place."""

from collections.abc import Iterable, Sequence
from typing import Any

from tom_targets.base_models import BaseTarget

from tom.targets.audiences import PLACE, SURROUNDINGS, ensure_audiences, inherit
from tom.targets.models import AudienceSummary, LightCurvePoint, Program, TargetSummary
from tom.targets.objects import SurveyObject
from tom.targets.places import figures_at

PRIVATE = BaseTarget.Permissions.PRIVATE
HOST = ("host_name", "host_distance_mpc", "host_distance_error_mpc")
Summary = TargetSummary | AudienceSummary


def lock_summaries(target_ids: Iterable[int]) -> dict[int, TargetSummary]:
    """Lock the summaries of targets, in the same order for every writer; return them by key."""
    rows = TargetSummary.objects.filter(pk__in=list(target_ids)).select_related("target")
    return {row.pk: row for row in rows.select_for_update(no_key=True, of=("self",)).order_by("pk")}


def take_in(kept: TargetSummary, other: TargetSummary) -> None:
    """Merge `other` and its audiences into `kept` and its audiences; delete the merged rows."""
    if kept.target.permissions == other.target.permissions:
        _learn(kept, other)
        for name in HOST if not kept.host_name else ():
            setattr(kept, name, getattr(other, name))
        kept.is_test = kept.is_test and other.is_test
    kept.save()
    theirs = list(AudienceSummary.objects.filter(target=other.pk))
    ensure_audiences([kept.pk])
    for row in AudienceSummary.objects.filter(target=kept.pk):
        for own in theirs:
            if set(own.programs) <= set(row.programs):
                _learn(row, own)
        row.save()
    audiences = AudienceSummary.objects.filter(target=kept.pk).values_list("pk", flat=True)
    inherit(list(audiences))
    AudienceSummary.objects.filter(target=other.pk).delete()
    TargetSummary.objects.filter(pk=other.pk).delete()


def _learn(kept: Summary, other: Summary) -> None:
    """Copy newer surroundings, an earlier place and an earlier first detection to `kept`."""
    if _is_newer(other, kept):
        _copy(SURROUNDINGS, other, kept)
    if other.first_seen and (kept.first_seen is None or other.first_seen < kept.first_seen):
        kept.first_seen = other.first_seen
    placed = (kept.position_time, kept.position_alert)
    if other.position_time and (
        kept.position_time is None or (other.position_time, other.position_alert) < placed
    ):
        _copy(PLACE[2:], other, kept)
        ra, dec = place_of(other)
        put_at(kept, ra, dec)


def _is_newer(one: Summary, than: Summary) -> bool:
    if one.surroundings_time is None:
        return False
    told = (than.surroundings_time, than.surroundings_alert)
    return than.surroundings_time is None or told < (one.surroundings_time, one.surroundings_alert)


def _copy(names: Sequence[str], source: Summary, to: Summary) -> None:
    for name in names:
        setattr(to, name, getattr(source, name))


def place_of(summary: Summary) -> tuple[float | None, float | None]:
    """Return the position that a summary's audience knows: ICRS degrees, or None."""
    row: Any = summary.target if isinstance(summary, TargetSummary) else summary
    return row.ra, row.dec


def put_at(summary: Summary, ra: float | None, dec: float | None) -> None:
    """Write a position (ICRS degrees) to the target, or for an audience to its own row."""
    if isinstance(summary, AudienceSummary):
        summary.ra, summary.dec = ra, dec
        return
    place: dict[str, Any] = {"ra": ra, "dec": dec}
    if ra is not None and dec is not None:
        at = figures_at(ra, dec)
        place |= {name: at[name] for name in ("galactic_lng", "galactic_lat")}
    BaseTarget.objects.filter(pk=summary.target_id).update(**place)


def part(kept: TargetSummary, new: TargetSummary, row: SurveyObject) -> None:
    """Move the values of an object's alerts to the target that was split off.

    The points were moved before. If the newest values are removed, the values of an older alert do
    not come back: the next alert brings new ones.
    """
    both = [kept.pk, new.pk]
    narrower = AudienceSummary.objects.filter(target=kept.pk)
    summaries: list[Summary] = [kept, *narrower]
    for summary in summaries:
        whose = _audience_of(new, summary)
        if _is_told_by(summary.surroundings_alert, row, both):
            if whose is not None:
                _copy(SURROUNDINGS, summary, whose)
                whose.save()
            forget_surroundings(summary)
        if summary.position_alert and _is_told_by(summary.position_alert, row, both):
            _place_anew(summary)
        summary.save()
    drop_audiences(kept.pk)


def drop_audiences(target_id: int) -> None:
    """Delete a target's audiences with a program of which the target has no point left."""
    points = LightCurvePoint.objects.filter(target=target_id)
    left = set(points.values_list("program", flat=True).distinct())
    for audience in AudienceSummary.objects.filter(target=target_id):
        if not set(audience.programs) <= left:
            audience.delete()


def _audience_of(new: TargetSummary, summary: Summary) -> Summary | None:
    if isinstance(summary, TargetSummary):
        return new
    rows = AudienceSummary.objects.filter(target=new.pk, programs=summary.programs)
    return rows.first()


def _is_told_by(alert_id: str, row: SurveyObject, both: Sequence[int]) -> bool:
    """Whether an alert was about this object: its detection is one of the object's points."""
    points = LightCurvePoint.objects.filter(object=row, target__in=both)
    return points.filter(key=alert_id, is_trigger=True).exists()


def forget_surroundings(summary: Summary) -> None:
    """Delete the newest alert's values of the surroundings."""
    summary.surroundings_time, summary.surroundings_alert, summary.alert_values = None, "", {}
    summary.n_survey_detections = summary.star_separation_arcsec = summary.star_score = None
    summary.solar_system_name, summary.solar_system_separation_arcsec = "", None
    summary.first_seen = None


def _when_placed(row: SurveyObject) -> tuple[Any, ...]:
    return (row.position_time, row.position_alert)


def _place_anew(summary: Summary) -> None:
    """Move a target to the place of the earliest of its remaining objects."""
    rows = SurveyObject.objects.filter(target=summary.target_id).exclude(position_time=None)
    programs = [] if isinstance(summary, TargetSummary) else summary.programs
    public = Program.objects.filter(public=True).values_list("pk", flat=True)
    known = [row for row in rows if row.is_known_to({*public, *programs})]
    first = min(known or rows, key=_when_placed, default=None)
    if first is None or first.ra is None or first.dec is None:
        return
    summary.position_time, summary.position_alert = first.position_time, first.position_alert
    at = figures_at(first.ra, first.dec)
    summary.healpix29 = int(at["healpix29"])
    summary.ebv, summary.ebv_error = at["ebv"], at["ebv_error"]
    put_at(summary, first.ra, first.dec)
