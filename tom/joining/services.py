"""Join two targets, split an object off, undo either: each in one transaction, in one row."""

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.candidates.models import EventCandidate
from tom.candidates.services import match_targets
from tom.candidates.verdicts import show_newest
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.locks import change_events
from tom.events.services import note_changes
from tom.joining import moving
from tom.joining.apart import make_apart
from tom.joining.audience import PRIVATE, CannotJoinError, in_order, is_said_privately
from tom.joining.figures import drop_audiences, lock_summaries, part, take_in
from tom.joining.journal import differences, restore, restore_surroundings, snapshot
from tom.targets.audiences import ensure_audiences
from tom.targets.histories import forget_stored
from tom.targets.joins import JoinKind, TargetJoin
from tom.targets.models import AudienceSummary, Program, TargetSummary
from tom.targets.names import name_targets
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.owners import open_targets, share_targets
from tom.targets.summary import refresh_audiences, refresh_summaries


def join_targets(one: BaseTarget, two: BaseTarget, *, by: User) -> TargetJoin:
    """Join two targets: the first is kept, unless only the second is public.

    Raises
    ------
    CannotJoinError
        If they are the same target, or one was joined already, or somebody would see more than
        before.
    """
    with transaction.atomic():
        change_events()
        summaries = lock_summaries([one.pk, two.pk])
        if len(summaries) < len({one.pk, two.pk}):
            message = "One of the two is no longer a target of its own."
            raise CannotJoinError(message)
        kept, other = in_order(*(summaries[pk].target for pk in (one.pk, two.pk)))
        before = snapshot([kept.pk, other.pk])
        join = TargetJoin.objects.create(
            kind=JoinKind.JOIN,
            kept=kept,
            other=other,
            other_name=other.name,
            hides_other=True,
            by=by,
        )
        _absorb(summaries[kept.pk], summaries[other.pk])
        if kept.permissions == other.permissions:
            TargetName.objects.get_or_create(name=join.other_name, defaults={"target": kept})
        _finish([kept.pk])
        join.changes = differences(before, snapshot([kept.pk, other.pk]))
        join.save(update_fields=["changes"])
    return join


def split_object(row: SurveyObject, *, by: User) -> TargetJoin:
    """Make a new target for an object, with the object's points and cutouts.

    Comments, verdicts and requests stay with the old target.

    Raises
    ------
    CannotJoinError
        If the target has no other object of a survey.
    """
    with transaction.atomic():
        change_events()
        summary = lock_summaries([row.target_id])[row.target_id]
        row = SurveyObject.objects.get(pk=row.pk)
        others = SurveyObject.objects.filter(target=summary.pk).exclude(pk=row.pk)
        if row.survey == BY_HAND or not others.exclude(survey=BY_HAND).exists():
            message = "The target has no other object of a survey."
            raise CannotJoinError(message)
        before = snapshot([summary.pk])
        new = make_apart(row, summary)
        join = TargetJoin.objects.create(
            kind=JoinKind.SPLIT,
            kept=summary.target,
            other=new.target,
            other_name=new.target.name,
            hides_other=False,
            by=by,
        )
        _finish([summary.pk, new.pk])
        join.changes = differences(before, snapshot([summary.pk, new.pk]))
        join.save(update_fields=["changes"])
    return join


def undo(join: TargetJoin, *, by: User) -> None:
    """Undo a join or a split: restore its targets.

    New data go with the object that they are about. New words of people stay with the kept target.

    Raises
    ------
    CannotJoinError
        If it was undone already, or these targets were joined or split again later.
    """
    with transaction.atomic():
        change_events()
        join = TargetJoin.objects.select_for_update(of=("self",)).get(pk=join.pk)
        both = [join.kept_id, join.other_id]
        later = TargetJoin.objects.filter(Q(kept__in=both) | Q(other__in=both), undone=None)
        if join.undone is not None or later.filter(pk__gt=join.pk).exists():
            message = "These targets were joined or split again later: undo that first."
            raise CannotJoinError(message)
        summaries = lock_summaries(both)
        if join.kind == JoinKind.SPLIT:
            _set_name_aside(summaries[join.other_id].target, join.kept)
            restore(join.changes)
            summaries = lock_summaries(both)
            _absorb(summaries[join.kept_id], summaries[join.other_id])
            _finish([join.kept_id])
        else:
            restore(join.changes)
            _part_news(join)
            restore_surroundings(join.changes)
            _finish(both)
        join.hides_other = join.kind == JoinKind.SPLIT
        join.undone, join.undone_by = timezone.now(), by
        join.save(update_fields=["hides_other", "undone", "undone_by"])


def _absorb(kept: TargetSummary, other: TargetSummary) -> None:
    """Move all rows of `other` to `kept`, and hide `other`."""
    private = is_said_privately(other.target)
    moving.move_data(other.pk, kept.pk)
    moving.move_words(other.pk, kept.pk)
    events = moving.move_candidates(other.pk, kept.pk)
    moving.move_requests(other.pk, kept.pk)
    take_in(kept, other)
    _hide(other.target, kept.target, is_shared=private)
    note_changes(events)
    for candidate in EventCandidate.objects.filter(target=kept.pk, event__in=events):
        if candidate.verdicts.exists():
            show_newest(candidate)


def _hide(other: BaseTarget, kept: BaseTarget, *, is_shared: bool) -> None:
    """Hide a target from everybody; its aliases go to the target that it joined.

    With `is_shared`, its groups may read the kept target: they still read their private words
    there.
    """
    if other.permissions == kept.permissions:
        TargetName.objects.filter(target=other).update(target=kept)
    _set_name_aside(other, kept)
    BaseTarget.objects.filter(pk=other.pk).update(permissions=PRIVATE)
    view = {"permission__codename": "view_target", "object_pk": str(other.pk)}
    groups = GroupObjectPermission.objects.filter(**view)
    if is_shared:
        share_targets({(kept.pk, pk) for pk in groups.values_list("group", flat=True)})
    groups.delete()
    # The same people may see the kept target: otherwise the two would not have been joined.
    UserObjectPermission.objects.filter(**view).delete()


def _set_name_aside(other: BaseTarget, kept: BaseTarget) -> None:
    """Give a target that will be hidden a name that no survey, person or other target uses.

    The name has the target's key, because several targets of one name may join one target.
    """
    aside = f" ({other.pk}, joined to {kept.pk})"
    if not other.name.endswith(aside):
        other.name = f"{other.name[:70]}{aside}"
        BaseTarget.objects.filter(pk=other.pk).update(name=other.name)


def _part_news(join: TargetJoin) -> None:
    """Move data that came since a join to the target whose object they are about."""
    kept, other = join.kept_id, join.other_id
    theirs = list(SurveyObject.objects.filter(target=other))
    mine = set(SurveyObject.objects.filter(target=kept).values_list("survey", flat=True))
    moving.move_points([row.pk for row in theirs], kept, other)
    surveys = {row.survey for row in theirs} - mine
    programs = Program.objects.filter(survey__in=surveys).values_list("pk", flat=True)
    moving.move_cutouts(kept, other, list(programs))
    ensure_audiences([kept, other])
    summaries = lock_summaries([kept, other])
    for row in theirs:
        part(summaries[kept], summaries[other], row)
    drop_audiences(kept)
    _open_or_close(summaries.values())


def _open_or_close(summaries: Iterable[TargetSummary]) -> None:
    """Make a target public if public alerts name its objects, and private if none does."""
    public = set(Program.objects.filter(public=True).values_list("pk", flat=True))
    for summary in summaries:
        rows = SurveyObject.objects.filter(target=summary.pk).exclude(programs=[])
        is_open = any(row.is_known_to(public) for row in rows)
        if is_open and summary.target.permissions == PRIVATE:
            open_targets([summary.pk])
        elif rows and not is_open:
            BaseTarget.objects.filter(pk=summary.pk).update(permissions=PRIVATE)


def _finish(target_ids: Sequence[int]) -> None:
    """Compute all figures of these targets again; this makes scoring and ranking due."""
    forget_stored(target_ids)  # points that two objects brought may have gone with one of them
    ensure_audiences(target_ids)
    refresh_summaries(target_ids)
    audiences = AudienceSummary.objects.filter(target__in=target_ids)
    refresh_audiences(audiences.values_list("pk", flat=True))
    name_targets(target_ids)
    match_targets(target_ids)
    publish(Topic.ALERTS)
