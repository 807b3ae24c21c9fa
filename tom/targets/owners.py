"""Which target an alert's points belong to, and who may see it: found, or made in bulk."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from guardian.models import GroupObjectPermission
from tom_targets.base_models import BaseTarget

from tom.forms.registry import survey_of
from tom.records.alert import ObjectAlert
from tom.targets.models import Program, TargetSummary
from tom.targets.names import name_targets
from tom.targets.newcomers import Newcomer, lock_newcomers
from tom.targets.objects import ObjectKey, SurveyObject
from tom.targets.places import earliest, move_targets
from tom.targets.placing import place_newcomers
from tom.targets.sightings import find_objects, key_of, note_sightings
from tom.targets.stream_programs import make_stream_program

# The group that reads a private program until somebody gives it to another.
PROGRAM_GROUP = "{survey} program {number}"
Programs = Mapping[tuple[str, int], Program]


@dataclass(frozen=True, slots=True)
class Owner:
    """The rows of a target and its object, as the points need them."""

    target_id: int
    object_id: int
    # It is public now, or no longer a test, or a public one at another place.
    was_changed: bool = False


def find_programs(alerts: Sequence[ObjectAlert]) -> Programs:
    wanted = {(alert.survey, point.program) for alert in alerts for point in alert.points}
    wanted |= {(alert.survey, alert.program) for alert in alerts}
    surveys = {survey for survey, _ in wanted}
    rows = Program.objects.filter(survey__in=surveys)
    known = {(row.survey, row.number): row for row in rows}
    missing = sorted(wanted - known.keys())
    if not missing:
        return known
    Program.objects.bulk_create([_new_program(*which) for which in missing], ignore_conflicts=True)
    return {(row.survey, row.number): row for row in rows.all()}


def _new_program(survey: str, number: int) -> Program:
    """Make an unknown program: a private one gets a group without members, or its stream's."""
    if number < 0:
        return make_stream_program(survey, number)
    public = number in survey_of(survey).public_programs
    made = Program(survey=survey, number=number, name=f"program {number}", public=public)
    if not public:
        name = PROGRAM_GROUP.format(survey=survey, number=number)
        made.group, _ = Group.objects.get_or_create(name=name)
    made.settled = made.standing
    return made


def find_owners(
    alerts: Sequence[ObjectAlert], programs: Programs, *, tests: Collection[ObjectKey]
) -> dict[ObjectKey, Owner]:
    """Find or make the target of each object. Public alerts make or open a PUBLIC target.

    Objects in `tests` are known from test topics alone; one that another alert knows is real.
    """
    first, public = _first_alerts(alerts, programs)
    told = _programs_that_told(alerts, programs)
    objects = find_objects(first)
    missing = {key: alert for key, alert in first.items() if key not in objects}
    joined: set[int] = set()
    if missing:
        placed, joined = _place(missing, alerts, programs, told, public=public, tests=tests)
        objects |= placed
    found = {key: row.target_id for key, row in objects.items()}
    places, private = _lock_targets(found.values())
    opened = private & {found[key] for key in public}
    moved = _find_moved(first, found, places, private=private, opened=opened, public=public)
    move_targets(moved)
    _share_private(alerts, private - opened, found, programs)
    real = _mark_real([pk for key, pk in found.items() if key not in tests])
    open_targets(opened)
    everybodys = {row.pk for row in programs.values() if row.public}
    newly_public = note_sightings(objects, first, told, public=everybodys)
    name_targets({found[key] for key in newly_public} | joined | opened)
    return {
        key: Owner(pk, objects[key].pk, pk in opened | real | (moved.keys() - private))
        for key, pk in found.items()
    }


def _first_alerts(
    alerts: Sequence[ObjectAlert], programs: Programs
) -> tuple[dict[ObjectKey, ObjectAlert], set[ObjectKey]]:
    """The alert that places each object, a public one if possible; objects with a public one."""
    told: dict[ObjectKey, list[ObjectAlert]] = {}
    told_publicly: dict[ObjectKey, list[ObjectAlert]] = {}
    for alert in alerts:
        told.setdefault(key_of(alert), []).append(alert)
        if programs[alert.survey, alert.program].public:
            told_publicly.setdefault(key_of(alert), []).append(alert)
    first = {key: earliest(told_publicly.get(key, told[key])) for key in told}
    return first, set(told_publicly)


def _programs_that_told(
    alerts: Sequence[ObjectAlert], programs: Programs
) -> dict[ObjectKey, set[int]]:
    told: dict[ObjectKey, set[int]] = defaultdict(set)
    for alert in alerts:
        told[key_of(alert)].add(programs[alert.survey, alert.program].pk)
    return told


def _place(
    missing: Mapping[ObjectKey, ObjectAlert],
    alerts: Sequence[ObjectAlert],
    programs: Programs,
    told: Mapping[ObjectKey, Collection[int]],
    *,
    public: Collection[ObjectKey],
    tests: Collection[ObjectKey],
) -> tuple[dict[ObjectKey, SurveyObject], set[int]]:
    """Give a target to objects without one; another batch may have done so in the meantime.

    Return the objects, and the targets that need another name.
    """
    lock_newcomers(missing.values())
    found = find_objects(missing)
    groups = _groups_told(alerts, programs)
    newcomers = [
        Newcomer(
            alert=alert,
            is_public=key in public,
            is_test=key in tests,
            programs=frozenset(told[key]),
            groups=frozenset(groups[key]),
        )
        for key, alert in missing.items()
        if key not in found
    ]
    placed, joined = place_newcomers(newcomers)
    return found | placed, joined


def _groups_told(alerts: Iterable[ObjectAlert], programs: Programs) -> dict[ObjectKey, set[int]]:
    """The groups of every private program with an alert or a point of an object."""
    groups: dict[ObjectKey, set[int]] = defaultdict(set)
    for alert in alerts:
        numbers = {alert.program, *(point.program for point in alert.points)}
        rows = [programs[alert.survey, number] for number in numbers]
        groups[key_of(alert)] |= {row.group_id for row in rows if row.group_id and not row.public}
    return groups


Places = Mapping[int, tuple[datetime | None, str]]


def _lock_targets(target_ids: Iterable[int]) -> tuple[Places, set[int]]:
    """Lock the targets' summaries, in one order for every writer.

    Return the alert that gave each its position, and which are private.

    Another batch may have opened a target; its lock awaited, what is read then is true.
    """
    ids = list(target_ids)
    summaries = TargetSummary.objects.filter(pk__in=ids).select_for_update(no_key=True)
    rows = summaries.order_by("pk").values_list("pk", "position_time", "position_alert")
    places = {pk: (time, key) for pk, time, key in rows}
    private = BaseTarget.objects.filter(pk__in=ids, permissions=BaseTarget.Permissions.PRIVATE)
    return places, set(private.values_list("pk", flat=True))


def _find_moved(
    first: Mapping[ObjectKey, ObjectAlert],
    found: Mapping[ObjectKey, int],
    places: Places,
    *,
    private: set[int],
    opened: set[int],
    public: set[ObjectKey],
) -> dict[int, ObjectAlert]:
    """The targets that these alerts saw earlier than all others, or that they make public.

    A private alert never moves a public target: the place would tell of it.
    """
    moved: dict[int, ObjectAlert] = {}
    for object_key, alert in first.items():
        pk = found[object_key]
        time, key = places.get(pk, (None, ""))
        if object_key not in public and (pk not in private or pk in opened):
            continue
        is_earlier = time is not None and (alert.time, alert.alert_id) < (time, key)
        if is_earlier or pk in opened:
            moved[pk] = earliest([alert, moved[pk]]) if pk in moved else alert
    return moved


def _share_private(
    alerts: Sequence[ObjectAlert],
    private: set[int],
    found: Mapping[ObjectKey, int],
    programs: Programs,
) -> None:
    """Show private targets to the group of every program with an alert or a point of them."""
    if private:
        groups = _groups_told(alerts, programs)
        share_targets(
            {
                (found[key], group)
                for key, theirs in groups.items()
                if found[key] in private
                for group in theirs
            }
        )


def share_targets(wanted: Collection[tuple[int, int]]) -> None:
    """Let groups view targets: pairs of a target's key and a group's. Twice is once."""
    if not wanted:
        return
    view = _view_permission()
    ids = {str(pk) for pk, _ in wanted}
    kept = GroupObjectPermission.objects.filter(permission=view, object_pk__in=ids)
    known = {(int(pk), group) for pk, group in kept.values_list("object_pk", "group_id")}
    GroupObjectPermission.objects.bulk_create(
        [
            GroupObjectPermission(
                permission=view,
                content_type_id=view.content_type_id,
                object_pk=str(pk),
                group_id=group,
            )
            for pk, group in sorted(set(wanted) - known)
        ],
        ignore_conflicts=True,
    )


def unshare_targets(target_ids: Collection[int], group_id: int) -> None:
    """Remove a group's permission to view targets."""
    rows = GroupObjectPermission.objects.filter(permission=_view_permission(), group=group_id)
    rows.filter(object_pk__in=[str(pk) for pk in target_ids]).delete()


def _view_permission() -> Permission:
    kind = ContentType.objects.get_for_model(BaseTarget)
    return Permission.objects.get(content_type=kind, codename="view_target")


def _mark_real(target_ids: Sequence[int]) -> set[int]:
    """Mark as real the targets that only tests mentioned until now; return them."""
    tests = TargetSummary.objects.filter(pk__in=target_ids, is_test=True)
    found = set(tests.values_list("pk", flat=True))
    if found:
        tests.update(is_test=False)
    return found


def open_targets(target_ids: Collection[int]) -> None:
    """Make private targets public. Their private data stay with its audiences.

    The target counts as made now: its own time would tell since when somebody knew of it.
    """
    BaseTarget.objects.filter(pk__in=target_ids).update(
        permissions=BaseTarget.Permissions.PUBLIC, created=timezone.now()
    )
