"""Which target an alert's points belong to, and who may see it: found, or made in bulk."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone
from guardian.models import GroupObjectPermission
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.records.alert import ObjectAlert
from tom.targets.copy import Table, copy_rows
from tom.targets.models import Program, TargetSummary
from tom.targets.places import PLACE, earliest, move_targets, place_rows

# Programs whose data everybody may see, where no row of ours says otherwise.
PUBLIC_PROGRAMS = {"ZTF": {1}}
# The group that reads a private program until somebody gives it to another.
PROGRAM_GROUP = "{survey} program {number}"
Programs = Mapping[tuple[str, int], Program]
NEW_TARGETS = Table(
    "new_targets",
    {
        "name": "text",
        "permissions": "text",
        "survey": "text",
        "is_test": "bool",
        **PLACE,
    },
)


@dataclass(frozen=True, slots=True)
class Owner:
    """A target's row as the points need it."""

    target_id: int
    # It is public now, no test any more, or a public one at another place.
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
    """A program that nobody has told us of: a private one is read by a group without members."""
    public = number in PUBLIC_PROGRAMS.get(survey, ())
    made = Program(survey=survey, number=number, name=f"program {number}", public=public)
    if not public:
        name = PROGRAM_GROUP.format(survey=survey, number=number)
        made.group, _ = Group.objects.get_or_create(name=name)
    made.settled = made.standing
    return made


def find_owners(
    alerts: Sequence[ObjectAlert], programs: Programs, *, tests: Collection[str]
) -> dict[str, Owner]:
    """Find or make the target of each object. Public alerts make or open a PUBLIC target.

    Objects in `tests` are known from test topics alone; one that another alert knows is real.
    """
    first, public = _first_alerts(alerts, programs)
    found = _find(first)
    missing = [alert for name, alert in first.items() if name not in found]
    if missing:
        _create_targets(missing, public, tests)
        found |= _find({alert.object_id: alert for alert in missing})
    places, private = _lock_targets(found.values())
    opened = private & {found[name] for name in public}
    moved = _find_moved(first, found, places, private=private, opened=opened, public=public)
    move_targets(moved)
    _share_private(alerts, private - opened, found, programs)
    real = _mark_real([pk for name, pk in found.items() if name not in tests])
    open_targets(opened)
    return {
        name: Owner(pk, pk in opened | real | (moved.keys() - private))
        for name, pk in found.items()
    }


def _first_alerts(
    alerts: Sequence[ObjectAlert], programs: Programs
) -> tuple[dict[str, ObjectAlert], set[str]]:
    """The alert that places each object, a public one where there is any, and who has one."""
    told: dict[str, list[ObjectAlert]] = {}
    told_publicly: dict[str, list[ObjectAlert]] = {}
    for alert in alerts:
        told.setdefault(alert.object_id, []).append(alert)
        if programs[alert.survey, alert.program].public:
            told_publicly.setdefault(alert.object_id, []).append(alert)
    first = {name: earliest(told_publicly.get(name, told[name])) for name in told}
    return first, set(told_publicly)


def _find(names: Iterable[str]) -> dict[str, int]:
    wanted = list(names)
    rows = BaseTarget.objects.filter(name__in=wanted).values_list("name", "pk")
    aliases = TargetName.objects.filter(name__in=wanted).values_list("name", "target_id")
    return dict([*aliases, *rows])


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
    first: Mapping[str, ObjectAlert],
    found: Mapping[str, int],
    places: Places,
    *,
    private: set[int],
    opened: set[int],
    public: set[str],
) -> dict[int, ObjectAlert]:
    """The targets that these alerts saw earlier than any before, or that they open.

    A private alert never moves a public target: the place would tell of it.
    """
    moved: dict[int, ObjectAlert] = {}
    for name, alert in first.items():
        pk = found[name]
        time, key = places.get(pk, (None, ""))
        if name not in public and (pk not in private or pk in opened):
            continue
        is_earlier = time is not None and (alert.time, alert.alert_id) < (time, key)
        if is_earlier or pk in opened:
            moved[pk] = earliest([alert, moved[pk]]) if pk in moved else alert
    return moved


def _create_targets(
    alerts: Sequence[ObjectAlert], public: set[str], tests: Collection[str]
) -> None:
    rows = [
        (
            alert.object_id,
            "PUBLIC" if alert.object_id in public else "PRIVATE",
            alert.survey,
            alert.object_id in tests,
            *place,
        )
        for alert, place in zip(alerts, place_rows(alerts), strict=True)
    ]
    with connection.cursor() as cursor:
        copy_rows(cursor, NEW_TARGETS, rows)
        cursor.execute(
            """
            INSERT INTO tom_targets_basetarget (name, type, created, modified, permissions, ra, dec,
                epoch, galactic_lng, galactic_lat, scheme, shared_by, shared_from)
            SELECT name, 'SIDEREAL', now(), now(), permissions, ra, dec, 2000, galactic_lng,
                galactic_lat, '', '', '' FROM new_targets ORDER BY name
            ON CONFLICT (name) DO NOTHING
            """
        )
        cursor.execute(
            """
            INSERT INTO targets_targetsummary (target_id, healpix29, survey, is_test, ebv,
                ebv_error, position_time, position_alert, n_detections, n_limits, last_band,
                alert_values, solar_system_name, host_name, version, scored_version)
            SELECT t.id, n.healpix29, n.survey, n.is_test, n.ebv, n.ebv_error, n.position_time,
                n.position_alert, 0, 0, '', '{}', '', '', 0, 0
            FROM new_targets n JOIN tom_targets_basetarget t ON t.name = n.name ORDER BY t.id
            ON CONFLICT (target_id) DO NOTHING
            """
        )


def _share_private(
    alerts: Sequence[ObjectAlert],
    private: set[int],
    found: Mapping[str, int],
    programs: Programs,
) -> None:
    """Show private targets to the group of every program with an alert or a point of them."""
    wanted: set[tuple[int, int]] = set()
    for alert in alerts:
        pk = found[alert.object_id]
        if pk not in private:
            continue
        numbers = {alert.program, *(point.program for point in alert.points)}
        rows = [programs[alert.survey, number] for number in numbers]
        wanted |= {(pk, row.group_id) for row in rows if row.group_id and not row.public}
    share_targets(wanted)


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
    """Take a group's view of targets away."""
    rows = GroupObjectPermission.objects.filter(permission=_view_permission(), group=group_id)
    rows.filter(object_pk__in=[str(pk) for pk in target_ids]).delete()


def _view_permission() -> Permission:
    kind = ContentType.objects.get_for_model(BaseTarget)
    return Permission.objects.get(content_type=kind, codename="view_target")


def _mark_real(target_ids: Sequence[int]) -> set[int]:
    """Mark as real those known from tests alone so far; return them."""
    tests = TargetSummary.objects.filter(pk__in=target_ids, is_test=True)
    found = set(tests.values_list("pk", flat=True))
    if found:
        tests.update(is_test=False)
    return found


def open_targets(target_ids: Collection[int]) -> None:
    """Make private targets public. What is private of them stays with its audiences.

    The target counts as made now: its own time would tell since when somebody knew of it.
    """
    BaseTarget.objects.filter(pk__in=target_ids).update(
        permissions=BaseTarget.Permissions.PUBLIC, created=timezone.now()
    )
