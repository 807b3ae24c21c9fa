"""Settle the targets of a program whose readers changed: it was opened, closed, or given on.

Rows say what is due: a program's `settled` names the standing by which its targets last were. Each
call works on some targets, so that a program of a million is settled in as many short steps.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import F, OuterRef, QuerySet, Subquery
from tom_targets.base_models import BaseTarget

from tom.sky import galactic
from tom.targets.audiences import PLACE, SURROUNDINGS, ensure_audiences, inherit
from tom.targets.facts import SummaryFact, forget_facts
from tom.targets.mirror import mirror_all_points
from tom.targets.models import ANEW, AudienceSummary, LightCurvePoint, Program, TargetSummary
from tom.targets.names import name_targets
from tom.targets.owners import open_targets, share_targets, unshare_targets
from tom.targets.summary import refresh_audiences, refresh_summaries


@dataclass(frozen=True, slots=True)
class Settled:
    """Targets that one step settled, and the program whose standing had changed.

    Of those in `closed` something was public and no longer is.
    """

    program: Program
    target_ids: list[int]
    closed: list[int]


def due_programs() -> list[Program]:
    """Programs whose targets are not yet as their standing says."""
    return [row for row in Program.objects.order_by("pk") if row.settled != row.standing]


def settle_anew(group: Group) -> None:
    """Make the targets of a group's private programs due: who reads them changed.

    Somebody who joined may be the first to read its programs together with another group's. Then
    they are an audience for which no target has figures yet.
    """
    settled = Program(group=group).standing
    programs = Program.objects.filter(group=group, public=False, settled=settled)
    programs.update(settled=f"{settled}{ANEW}")


def settle_program(pk: int, *, most: int) -> Settled | None:
    """Settle up to `most` more targets of a program; None where none is due.

    In the caller's transaction, which holds the events.
    """
    program = Program.objects.select_for_update(no_key=True).get(pk=pk)
    if program.settled == program.standing:
        return None
    if program.settling != program.standing:  # it changed again meanwhile: from the start
        program.settling, program.settled_to = program.standing, 0
    points = LightCurvePoint.objects.filter(program=program, target__gt=program.settled_to)
    ids = list(points.order_by("target").values_list("target", flat=True).distinct()[:most])
    closed: list[int] = []
    if ids:
        _settle(program, ids)
        closed = _closed(program, ids)
        if closed:
            forget_facts(closed, program.pk)
        program.settled_to = ids[-1]
    else:
        program.settled, program.settling, program.settled_to = program.standing, "", 0
    program.save(update_fields=["settled", "settling", "settled_to"])
    return Settled(program, ids, closed)


def _closed(program: Program, ids: Sequence[int]) -> list[int]:
    if program.public:
        return []
    # What was stored before audiences were told apart was computed from everybody's points.
    return list(ids) if program.settled in ("public", "") else []


def _settle(program: Program, ids: Sequence[int]) -> None:
    locked = TargetSummary.objects.filter(pk__in=ids).select_for_update(no_key=True)
    list(locked.order_by("pk").values_list("pk"))
    if program.public:
        _open(program, ids)
    else:
        _close(program, ids)
    _share(program, ids)
    name_targets(ids)
    ensure_audiences(ids)
    if not program.public:
        _hand_over(ids)
        _forget_first_sights(program, ids)
    audiences = AudienceSummary.objects.filter(target__in=ids).values_list("pk", flat=True)
    inherit(list(audiences))
    refresh_summaries(ids)
    refresh_audiences(audiences)
    with connection.cursor() as cursor:
        mirror_all_points(cursor, ids)


def _open(program: Program, ids: Sequence[int]) -> None:
    """What the program's own audience knew is public now; a target that it alerted on, too."""
    told = _triggered(ids, program.pk)
    shut = BaseTarget.objects.filter(pk__in=told, permissions=BaseTarget.Permissions.PRIVATE)
    opened = set(shut.values_list("pk", flat=True))
    own = AudienceSummary.objects.filter(target__in=ids, programs=[program.pk])
    for row in own.exclude(surroundings_time=None):
        _publish(row, is_first=row.target_id in opened)
    open_targets(opened)
    for rows in (AudienceSummary.objects, SummaryFact.objects):
        rows.filter(target__in=ids, programs__contains=[program.pk]).delete()


def _publish(own: AudienceSummary, *, is_first: bool) -> None:
    rows = TargetSummary.objects.filter(pk=own.target_id)
    held = rows.get()
    if held.surroundings_time is None or (held.surroundings_time, held.surroundings_alert) < (
        own.surroundings_time,
        own.surroundings_alert,
    ):
        rows.update(**{name: getattr(own, name) for name in SURROUNDINGS})
    if own.first_seen and (held.first_seen is None or own.first_seen < held.first_seen):
        rows.update(first_seen=own.first_seen)
    placed = held.position_time, held.position_alert
    earlier = own.position_time and (
        held.position_time is None or (own.position_time, own.position_alert) < placed
    )
    if (is_first or earlier) and own.ra is not None and own.dec is not None:
        rows.update(**{name: getattr(own, name) for name in PLACE[2:]})
        longitude, latitude = galactic(own.ra, own.dec)
        BaseTarget.objects.filter(pk=held.pk).update(
            ra=own.ra, dec=own.dec, galactic_lng=float(longitude), galactic_lat=float(latitude)
        )


def _close(program: Program, ids: Sequence[int]) -> None:
    """A target that no public program has alerted on is private again."""
    if program.settled != "public":
        return
    told = _triggered(ids, program.pk) - _triggered_publicly(ids)
    BaseTarget.objects.filter(pk__in=told).update(permissions=BaseTarget.Permissions.PRIVATE)


def _triggered(ids: Collection[int], program_id: int) -> set[int]:
    rows = LightCurvePoint.objects.filter(target__in=ids, program=program_id, is_trigger=True)
    return set(rows.values_list("target_id", flat=True))


def _triggered_publicly(ids: Collection[int]) -> set[int]:
    rows = LightCurvePoint.objects.filter(target__in=ids, program__public=True, is_trigger=True)
    return set(rows.values_list("target_id", flat=True))


def _share(program: Program, ids: Sequence[int]) -> None:
    """Show private targets to the groups whose programs have points of them, and to no others."""
    groups: dict[int, set[int]] = defaultdict(set)
    points = LightCurvePoint.objects.filter(target__in=ids, program__public=False)
    pairs = points.exclude(program__group=None).values_list("target", "program__group").distinct()
    for target_id, group_id in pairs:
        groups[target_id].add(group_id)
    kind, was, *_ = [*program.settled.split(), "", ""]
    if kind == "group" and was.isdecimal():
        lost = [pk for pk in ids if int(was) not in groups[pk]]
        unshare_targets(lost, int(was))
    # An opened target keeps its groups, and gets no others: what was said of it while it was
    # private is theirs.
    private = BaseTarget.objects.filter(pk__in=groups, permissions=BaseTarget.Permissions.PRIVATE)
    shared = private.values_list("pk", flat=True)
    share_targets({(pk, group) for pk in shared for group in groups[pk]})


def _hand_over(ids: Sequence[int]) -> None:
    """Take what a private alert said out of the public summary, and give it to its own audience.

    Which program told it is known by the alert's own point; what was stored before alerts were
    named belongs to the only private program of a target, or is forgotten.
    """
    rows = TargetSummary.objects.filter(pk__in=ids).exclude(surroundings_time=None)
    rows = rows.select_related("target")
    own: dict[int, list[AudienceSummary]] = defaultdict(list)
    for row in AudienceSummary.objects.filter(target__in=ids, programs__len=1):
        own[row.target_id].append(row)
    told = _programs_that_told(rows)
    for summary in rows:
        program = told.get(summary.pk)
        if program is None and summary.target.permissions == BaseTarget.Permissions.PRIVATE:
            known = own[summary.pk]
            program = known[0].programs[0] if len(known) == 1 else 0
        if program is not None:
            _give(summary, [row for row in own[summary.pk] if row.programs == [program]])
            _forget(
                AudienceSummary.objects.filter(
                    target=summary.pk, surroundings_alert=summary.surroundings_alert
                ).exclude(programs__contains=[program])
            )


def _forget_first_sights(program: Program, ids: Sequence[int]) -> None:
    """Take when a survey first saw targets from the public, where this program may have told it.

    The points that are public still say when they began.
    """
    if program.settled not in ("public", ""):
        return
    if program.settled:
        told = TargetSummary.objects.filter(pk=OuterRef("target_id")).values("first_seen")
        own = AudienceSummary.objects.filter(target__in=ids, programs=[program.pk])
        own.filter(first_seen=None).update(first_seen=Subquery(told))
    TargetSummary.objects.filter(pk__in=ids).update(first_seen=None)


def _programs_that_told(rows: QuerySet[TargetSummary]) -> dict[int, int]:
    """The private programs that told the public summaries of surroundings, by target."""
    points = LightCurvePoint.objects.filter(
        target__in=rows.values("pk"),
        is_trigger=True,
        program__public=False,
        key=F("target__summary__surroundings_alert"),
    )
    return dict(points.values_list("target_id", "program_id"))


def _give(summary: TargetSummary, owners: Sequence[AudienceSummary]) -> None:
    for row in owners:
        rows = AudienceSummary.objects.filter(pk=row.pk)
        rows.update(
            first_seen=summary.first_seen, **{name: getattr(summary, name) for name in SURROUNDINGS}
        )
    _forget(TargetSummary.objects.filter(pk=summary.pk))


def _forget(rows: QuerySet[Any, Any]) -> None:
    rows.update(
        first_seen=None,
        surroundings_time=None,
        surroundings_alert="",
        alert_values={},
        n_survey_detections=None,
        star_separation_arcsec=None,
        star_score=None,
        solar_system_name="",
        solar_system_separation_arcsec=None,
    )
