"""Split an object off a target: make a new target for the object."""

from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.joining import moving
from tom.joining.audience import PRIVATE
from tom.joining.figures import part
from tom.targets.audiences import ensure_audiences
from tom.targets.models import Cutout, LightCurvePoint, Program, TargetSummary
from tom.targets.names import find_holders, rename
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.owners import share_targets
from tom.targets.places import figures_at


def make_apart(row: SurveyObject, summary: TargetSummary) -> TargetSummary:
    """Make a new target for an object that shared one, and move the object's rows to it."""
    kept = summary.target
    TargetName.objects.filter(target=kept, name__in=row.spellings).delete()
    others = SurveyObject.objects.filter(target=kept).exclude(pk=row.pk).exclude(survey=BY_HAND)
    if kept.name in row.spellings:
        rename(kept, _shown_first(others, kept))
    new = _make_target(row, summary)
    SurveyObject.objects.filter(pk=row.pk).update(target=new.target)
    moving.move_points([row.pk], kept.pk, new.pk)
    _move_stamps(row, kept.pk, new.pk)
    ensure_audiences([kept.pk, new.pk])
    part(summary, new, row)
    return new


def _shown_first(others: QuerySet[SurveyObject], kept: BaseTarget) -> SurveyObject:
    """Return the object that names the remaining target: the first public one, else the first."""
    public = set(Program.objects.filter(public=True).values_list("pk", flat=True))
    rows = list(others.order_by("pk"))
    return next((row for row in rows if row.is_known_to(public)), rows[0])


def _make_target(row: SurveyObject, summary: TargetSummary) -> TargetSummary:
    kept = summary.target
    public = Program.objects.filter(public=True).values_list("pk", flat=True)
    is_public = kept.permissions != PRIVATE and (row.is_known_to(public) or not row.programs)
    held = find_holders(row.spellings)
    names = [name for name in row.spellings if name not in held]
    ra, dec = (row.ra, row.dec) if row.ra is not None else (kept.ra, kept.dec)
    at = figures_at(ra or 0.0, dec or 0.0)
    target = BaseTarget(
        name=(names or [f"{row.spellings[1][:80]} ({row.pk})"])[0],
        type="SIDEREAL",
        ra=ra,
        dec=dec,
        epoch=2000,
        galactic_lng=at["galactic_lng"],
        galactic_lat=at["galactic_lat"],
        permissions=BaseTarget.Permissions.PUBLIC if is_public else PRIVATE,
    )
    BaseTarget.objects.bulk_create([target])  # as for alerts: TOM Toolkit's hooks do not run
    if not is_public:
        share_targets({(target.pk, group) for group in _groups_of(row, kept)})
    return TargetSummary.objects.create(
        target=target,
        survey=row.survey,
        is_test=summary.is_test,
        healpix29=int(at["healpix29"]),
        ebv=at["ebv"],
        ebv_error=at["ebv_error"],
        position_time=row.position_time,
        position_alert=row.position_alert,
        version=0,
    )


def _groups_of(row: SurveyObject, kept: BaseTarget) -> set[int]:
    """Return the groups that read the private programs of an object's alerts and points."""
    points = LightCurvePoint.objects.filter(target=kept, object=row).values("program")
    programs = Program.objects.filter(Q(pk__in=row.programs) | Q(pk__in=points), public=False)
    return {pk for pk in programs.values_list("group", flat=True) if pk is not None}


def _move_stamps(row: SurveyObject, kept: int, new: int) -> None:
    """Move an object's cutouts to its new target.

    If the old target keeps another object of the same survey, the times of the alerts decide.
    """
    stamps = Cutout.objects.filter(target=kept, program__survey=row.survey)
    if SurveyObject.objects.filter(target=kept, survey=row.survey).exists():
        told = LightCurvePoint.objects.filter(target=new, object=row, is_trigger=True)
        stamps = stamps.filter(time__in=told.values("time"))
    stamps.update(target=new)
