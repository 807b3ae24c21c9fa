"""The scorers that people added: which judge, which weigh, and what each may read."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from guardian.models import GroupObjectPermission
from tom_targets.base_models import BaseTarget

from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.kept_queries import Given, kept_query
from tom.scoring.contract import ScorerSpec
from tom.scoring.curves import Key, Summary, key_of
from tom.scoring.own import Parts, spec_of
from tom.scoring.own_models import OwnScorer, OwnVersion
from tom.strategies.models import Strategy
from tom.targets.models import Program

JUDGED_ANEW: Final = timedelta(days=30)
"""Candidates of events so young are judged by a scorer that is new."""


@dataclass(frozen=True)
class Added:
    """A scorer that a person added, as it judges now; `group_id` None: it is everybody's."""

    version_id: int
    spec: ScorerSpec
    group_id: int | None


def added_scorers() -> list[Added]:
    """Return those that judge; one query."""
    return [_added(row) for row in OwnScorer.objects.at_work()]


def weighing_specs(strategy: Strategy | None) -> list[ScorerSpec]:
    """Return the specifications of those that weigh in a strategy's lists; None: in everybody's.

    One of a group weighs in that group's lists alone: so nobody else learns what it said.
    """
    group = None if strategy is None else strategy.group_id
    rows = _weighing(now=timezone.now())
    return [spec_of(row.in_force.spec) for row in rows if row.in_force and _is_for(row, group)]


def named_specs(strategy: Strategy) -> list[ScorerSpec]:
    """Return the specifications of those that a strategy names to put its list in order.

    They need not weigh. For one of a group the same holds as in `weighing_specs`.
    """
    named = {strategy.by, strategy.within} - {""}
    rows = OwnScorer.objects.at_work().filter(name__in=named) if named else ()
    return [
        spec_of(row.in_force.spec)
        for row in rows
        if row.in_force and _is_for(row, strategy.group_id)
    ]


def weighing_names() -> set[str]:
    """Return the names of those that weigh in some list."""
    return {row.name for row in _weighing(now=timezone.now())}


@kept_query
def _weighing(*, now: Given) -> QuerySet[OwnScorer]:
    return OwnScorer.objects.weighing(now)


def _is_for(row: OwnScorer, group_id: int | None) -> bool:
    return row.group_id is None or row.group_id == group_id


def parts_of(version_id: int) -> Parts:
    """Return what a version is made of; raises OwnVersion.DoesNotExist if it is gone."""
    row = OwnVersion.objects.select_related("scorer").get(pk=version_id)
    return Parts(
        path=settings.OWN_SCORERS[row.scorer.kind],
        spec=spec_of(row.spec),
        artefact=bytes(row.artefact),
        options=row.options,
        memory_mb=min(row.memory_mb, settings.SCORER_MEMORY_MB),
    )


def barred_from(scorer: object, summaries: Collection[Summary]) -> set[Key]:
    """Return the light curves that a scorer may not read.

    One of a group may read what all of the group's members may: public points of public targets,
    the group's programs, and the private targets that the group may see. One of everybody reads
    what is public. An installed scorer reads everything.
    """
    if not isinstance(scorer, Added):
        return set()
    own = Program.objects.filter(group=scorer.group_id, public=False) if scorer.group_id else ()
    programs = {row.pk for row in own}
    private = _private_targets({each.target_id for each in summaries}, scorer.group_id)
    return {
        key_of(each)
        for each in summaries
        if not programs.issuperset(each.audience) or each.target_id in private
    }


def _private_targets(targets: Collection[int], group_id: int | None) -> set[int]:
    """Return those of these targets that are private, but for those that the group may see."""
    rows = BaseTarget.objects.filter(
        pk__in=targets, permissions=BaseTarget.Permissions.PRIVATE
    ).values_list("pk", flat=True)
    private = set(rows)
    if not private or group_id is None:
        return private
    seen = GroupObjectPermission.objects.filter(
        group=group_id, permission__codename="view_target", object_pk__in=map(str, private)
    )
    return private - {int(pk) for pk in seen.values_list("object_pk", flat=True)}


# --- Changes ----------------------------------------------------------------------------------
def add_scorer(
    name: str, kind: str, *, group: Group | None, version: OwnVersion, by: User
) -> OwnScorer:
    """Keep a new scorer with its first version; it judges from now on.

    Raises
    ------
    IntegrityError
        If the name is taken.
    """
    with transaction.atomic():
        scorer = OwnScorer.objects.create(
            name=name, kind=kind, group=group, made_by=by, changed_by=by
        )
        add_version(scorer, version, by=by)
    return scorer


def add_version(scorer: OwnScorer, version: OwnVersion, *, by: User) -> None:
    """Keep another version, and let it judge from now on.

    Raises
    ------
    IntegrityError
        If there is such a version.
    """
    with transaction.atomic():
        version.scorer, version.by = scorer, by
        version.save()
        put_in_force(scorer, version, by=by)


def put_in_force(scorer: OwnScorer, version: OwnVersion, *, by: User) -> None:
    """Let a version judge from now on: candidates of young events first, others as they change."""
    with transaction.atomic():
        change_scorer(scorer, by=by, in_force=version)
        young = NonLocalizedEvent.objects.filter(time__gte=timezone.now() - JUDGED_ANEW)
        note_changes(young.values_list("pk", flat=True))


def change_scorer(scorer: OwnScorer, *, by: User, **values: Any) -> None:
    """Change what a scorer does, and note who did."""
    for name, value in {**values, "changed_by": by, "changed": timezone.now()}.items():
        setattr(scorer, name, value)
    scorer.save()


def let_weigh(scorer: OwnScorer, since: datetime | None, *, by: User) -> None:
    """End the shadow period of the version in force at a time; None: it goes on."""
    with transaction.atomic():
        scorer.versions.filter(pk=scorer.in_force_id or 0).update(weighs_from=since)
        change_scorer(scorer, by=by)


def _added(row: OwnScorer) -> Added:
    version = row.in_force
    assert version is not None  # noqa: S101  `at_work` leaves out those without
    return Added(version.pk, spec_of(version.spec), row.group_id)
