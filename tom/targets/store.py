"""Write alerts in bulk: targets, points, cutouts and TOM Toolkit's mirror, in one transaction.

COPY into temporary tables, then one INSERT ... ON CONFLICT for each real table: measured at 89,000
points per second where `get_or_create` does 793.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from tom.streams.parsers.records import ObjectAlert, Point
from tom.targets.copy import Table, copy_rows
from tom.targets.mirror import mirror_points
from tom.targets.owners import Owner, Programs, find_owners, find_programs
from tom.targets.summary import Context, note_contexts, refresh_summaries

POINTS = Table(
    "new_points",
    {
        "target_id": "bigint",
        "survey": "text",
        "kind": "text",
        "key": "text",
        "time": "timestamptz",
        "band": "text",
        "flux": "float8",
        "flux_error": "float8",
        "program_id": "bigint",
        "real_bogus": "float8",
        "is_trigger": "bool",
    },
)
# A trigger's own copy replaces the rounded one of a later alert's history, never the reverse.
MERGE_POINTS = """
    INSERT INTO targets_lightcurvepoint AS old (target_id, survey, kind, key, time, band, flux,
        flux_error, program_id, real_bogus, is_trigger)
    SELECT DISTINCT ON (survey, kind, key) * FROM new_points
    ORDER BY survey, kind, key, is_trigger DESC
    ON CONFLICT (survey, kind, key) DO UPDATE
    SET flux = excluded.flux, flux_error = excluded.flux_error, time = excluded.time,
        real_bogus = excluded.real_bogus, is_trigger = true
    WHERE excluded.is_trigger AND NOT old.is_trigger
    RETURNING id, target_id
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """Targets that some alerts changed, and those of them that were private before.

    Their light curve changed, or who may see them, or that they are no test alone any more.
    """

    changed: list[int]
    opened: list[int]


def store_alerts(alerts: Sequence[ObjectAlert], *, tests: Collection[str] = frozenset()) -> Changes:
    """Store alerts; return which targets they changed.

    `tests` names the objects that only test topics speak of: their targets reach nothing real.
    Running it again with the same alerts changes nothing.
    """
    if not alerts:
        return Changes([], [])
    with transaction.atomic():
        programs = find_programs(alerts)
        owners = find_owners(alerts, programs, tests=tests)
        opened = {owner.target_id for owner in owners.values() if owner.was_opened}
        real = {owner.target_id for owner in owners.values() if owner.became_real}
        changed = opened | real | _merge_points(alerts, owners, programs)
        contexts = _newest_contexts(alerts, owners, programs)
        note_contexts(contexts)
        refresh_summaries(changed)
    return Changes(sorted(changed), sorted(opened))


def _merge_points(
    alerts: Sequence[ObjectAlert],
    owners: Mapping[str, Owner],
    programs: Programs,
) -> set[int]:
    with connection.cursor() as cursor:
        copy_rows(cursor, POINTS, _point_rows(alerts, owners, programs))
        cursor.execute(MERGE_POINTS)
        merged = cursor.fetchall()
        mirror_points(cursor, [pk for pk, _ in merged])
    return {target_id for _, target_id in merged}


def _point_rows(
    alerts: Sequence[ObjectAlert],
    owners: Mapping[str, Owner],
    programs: Programs,
) -> list[tuple[object, ...]]:
    best: dict[tuple[str, str, str], tuple[ObjectAlert, Point]] = {}
    for alert in alerts:
        for point in alert.points:
            identity = (alert.survey, point.kind.value, point.key)
            if identity not in best or point.is_trigger:
                best[identity] = (alert, point)
    return [
        (
            owners[alert.object_id].target_id,
            *identity,
            point.time,
            point.band,
            None if math.isnan(point.flux_njy) else point.flux_njy,
            point.flux_error_njy,
            programs[alert.survey, point.program].pk,
            point.real_bogus,
            point.is_trigger,
        )
        for identity, (alert, point) in best.items()
    ]


def _newest_contexts(
    alerts: Sequence[ObjectAlert],
    owners: Mapping[str, Owner],
    programs: Programs,
) -> list[Context]:
    newest: dict[int, Context] = {}
    earliest: dict[int, datetime] = {}
    for alert in alerts:
        owner, program = owners[alert.object_id], programs[alert.survey, alert.program]
        if not (program.public or owner.is_private):
            continue
        pk = owner.target_id
        earliest[pk] = min(earliest.get(pk, alert.first_seen), alert.first_seen)
        if pk not in newest or newest[pk].alert.time < alert.time:
            newest[pk] = Context(pk, program.pk, earliest[pk], alert)
    return [
        Context(pk, context.program_id, earliest[pk], context.alert)
        for pk, context in sorted(newest.items())
    ]
