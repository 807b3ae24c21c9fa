"""Move the rows of one target to another; a row that both have stays where it is."""

from collections.abc import Sequence
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from django_comments.models import Comment
from tom_dataproducts.models import (
    AstrometryReducedDatum,
    DataProduct,
    PhotometryReducedDatum,
    ReducedDatum,
    SpectroscopyReducedDatum,
)
from tom_observations.models import ObservationRecord
from tom_targets.base_models import BaseTarget
from tom_targets.models import PersistentShare, TargetExtra, TargetList

from tom.candidates.models import CandidateStanding, EventCandidate, Verdict
from tom.candidates.services import doubt_candidates
from tom.followup.models import ObservationRequest
from tom.reports.gcn.models import CircularDraft
from tom.reports.hermes.models import Report
from tom.reports.notifications.models import Follow, FollowKind, Notification
from tom.shifts.models import Claim
from tom.targets.models import Cutout, LightCurvePoint, PointUpload, UploadedSpectrum
from tom.targets.objects import SurveyObject

POINT_KEY = ("survey", "kind", "key")
SPECTRUM_KEY = ("timestamp", "telescope", "instrument", "flux", "reduction_version")
PLACE_KEY = ("timestamp", "telescope", "instrument", "ra", "dec", "reduction_version")
MEASURE_KEY = ("bandpass", "timestamp", "instrument", "reduction_version")


def move_data(other: int, kept: int) -> None:
    """Move objects, points, cutouts and TOM Toolkit's data of one target to another."""
    brought = (SurveyObject, PointUpload, UploadedSpectrum)
    for model in (*brought, ObservationRecord, DataProduct, ReducedDatum):
        _move(model, other, kept)
    _move(LightCurvePoint, other, kept, POINT_KEY)
    _move(PhotometryReducedDatum, other, kept, MEASURE_KEY)
    _move(SpectroscopyReducedDatum, other, kept, SPECTRUM_KEY)
    _move(AstrometryReducedDatum, other, kept, PLACE_KEY)
    move_cutouts(other, kept)


def move_words(other: int, kept: int) -> None:
    """Move the words about one target to another: comments, follows, notifications, claims, lists,
    and verdicts in lists without an event.

    If both are claimed, the kept target stays with its own person.
    """
    if Claim.objects.filter(target=kept, released=None).exists():
        Claim.objects.filter(target=other, released=None).update(released=timezone.now())
    _move(Claim, other, kept)
    _move(Notification, other, kept)
    _move(Verdict, other, kept)
    _move(TargetExtra, other, kept, ("key",))
    _move(PersistentShare, other, kept, ("destination",))
    _move(TargetList.targets.through, other, kept, ("targetlist_id",), column="basetarget_id")
    kind = ContentType.objects.get_for_model(BaseTarget)
    said = Comment.objects.filter(content_type=kind, object_pk=str(other))
    said.update(object_pk=str(kept))
    follows = Follow.objects.filter(kind=FollowKind.TARGET)
    known = follows.filter(value=str(kept)).values("user")
    follows.filter(value=str(other)).exclude(user__in=known).update(value=str(kept))


def move_candidates(other: int, kept: int) -> list[int]:
    """Move candidacies of one target to another; return the events.

    If both are candidates of an event, the candidate of `other` stays, with its old ranks, and is
    shown to nobody. Its verdicts, requests and reports move to the candidate of `kept`.
    """
    events = EventCandidate.objects.filter(target__in=[other, kept])
    touched = list(events.values_list("event_id", flat=True).distinct())
    _move(EventCandidate, other, kept, ("event_id",))
    mine = dict(EventCandidate.objects.filter(target=kept).values_list("event_id", "pk"))
    for row in EventCandidate.objects.filter(target=other):
        same = mine[row.event_id]
        Verdict.objects.filter(candidate=row).update(candidate=same)
        ObservationRequest.objects.filter(candidate=row).update(candidate=same)
        _move(Report.candidates.through, row.pk, same, ("report_id",), column="eventcandidate_id")
        drafts = CircularDraft.candidates.through
        _move(drafts, row.pk, same, ("circulardraft_id",), column="eventcandidate_id")
    CandidateStanding.objects.filter(candidate__target=other).delete()
    doubt_candidates([other])
    return touched


def move_requests(other: int, kept: int) -> None:
    """Move requests of one target to another; each request still blocks an unwanted duplicate."""
    for request in ObservationRequest.objects.filter(target=other).order_by("pk"):
        guard = request.guard
        if guard and guard.startswith(f"{other}:"):
            wanted = f"{kept}:{guard.partition(':')[2]}"
            taken = ObservationRequest.objects.filter(guard=wanted).exists()
            guard = guard if taken else wanted
        ObservationRequest.objects.filter(pk=request.pk).update(target=kept, guard=guard)


def move_cutouts(other: int, kept: int, programs: Sequence[int] | None = None) -> None:
    """Move cutouts of one target to another; `programs` limits this to some programs.

    If both targets have a cutout of one kind and program, the kept target gets the newer one.
    """
    rows = Cutout.objects.filter(target=other).defer("fits")
    if programs is not None:
        rows = rows.filter(program__in=programs)
    mine = {(row.kind, row.program_id): row for row in _stamps(kept)}
    for row in rows:
        same = mine.get((row.kind, row.program_id))
        if same is None:
            Cutout.objects.filter(pk=row.pk).update(target=kept)
        elif same.time < row.time:
            _swap(row, same)


def _stamps(target_id: int) -> Any:
    return Cutout.objects.filter(target=target_id).defer("fits")


def give_stamp(pk: int, target_id: int) -> None:
    """Move a cutout to a target; the target's own cutout of that kind goes the other way."""
    row = Cutout.objects.defer("fits").get(pk=pk)
    held = Cutout.objects.filter(target=target_id, kind=row.kind, program=row.program_id)
    same = held.exclude(pk=pk).defer("fits").first()
    if same is None:
        Cutout.objects.filter(pk=pk).update(target=target_id)
    else:
        _swap(row, same)


def _swap(row: Cutout, same: Cutout) -> None:
    """Exchange the targets of two cutouts; a target never has two of one kind and program."""
    Cutout.objects.filter(pk=row.pk).update(kind=f"~{row.kind}"[:12])
    Cutout.objects.filter(pk=same.pk).update(target=row.target_id)
    Cutout.objects.filter(pk=row.pk).update(target=same.target_id, kind=row.kind)


def move_points(objects: Sequence[int], other: int, kept: int) -> None:
    """Move the points of these objects to another target, except points that it has already."""
    _move(LightCurvePoint, other, kept, POINT_KEY, only=("object_id", list(objects)))


def _move(
    model: type[Model],
    other: int,
    kept: int,
    unique: Sequence[str] = (),
    *,
    column: str = "target_id",
    only: tuple[str, Sequence[int]] | None = None,
) -> None:
    """Set `column` from `other` to `kept`, unless `kept` has a row with equal `unique` columns."""
    table, key = model._meta.db_table, model._meta.pk.column
    same = " AND ".join(f"k.{name} IS NOT DISTINCT FROM t.{name}" for name in unique)
    where = f"t.{column} = %(other)s"
    if unique:
        where += f" AND NOT EXISTS (SELECT FROM {table} k WHERE k.{column} = %(kept)s AND {same})"
    if only is not None:
        where += f" AND t.{only[0]} = ANY(%(only)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {column} = %(kept)s WHERE {where}",  # noqa: S608  our own text
            {"other": other, "kept": kept, "only": list(only[1]) if only else [], "key": key},
        )
