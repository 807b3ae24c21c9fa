"""Points that their survey withdrew: kept as they were, and in no light curve from then on."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django.db import models

from tom.records.alert import ObjectAlert
from tom.targets.copy import make_table
from tom.targets.mirror import TO_MIRROR, forget_points
from tom.targets.programs import Program


class WithdrawnPoint(models.Model):
    """A point that its survey marked as invalid. An older packet that comes later brings it back
    to no light curve, nor does a replay."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=80, help_text="The key that the point has, or would have")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "kind", "key"], name="targets_withdrawn_point_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


# A row of the past: what was known before still has it.
_MEASURED: Final = """target_id, survey, kind, key, time, band, flux, flux_error, program_id,
    real_bogus, is_trigger, stored, xact"""
_TAKE: Final = f"""
    WITH gone AS (
        DELETE FROM targets_lightcurvepoint p
        USING unnest(%(programs)s::bigint[], %(kinds)s::text[], %(keys)s::text[])
            AS w (program_id, kind, key)
        WHERE p.target_id = ANY(%(targets)s) AND p.program_id = w.program_id
            AND p.kind = w.kind AND p.key = w.key
        RETURNING p.*
    ), kept AS (
        INSERT INTO targets_replacedpoint ({_MEASURED}, replaced, replaced_by)
        SELECT {_MEASURED}, statement_timestamp(), pg_current_xact_id() FROM gone
    )
    INSERT INTO {TO_MIRROR.name} SELECT {", ".join(TO_MIRROR.columns)} FROM gone
"""  # noqa: S608  of our own text alone
_TAKEN: Final = f"SELECT DISTINCT target_id, program_id FROM {TO_MIRROR.name}"  # noqa: S608
_LEAVE_OUT: Final = """
    DELETE FROM new_points n USING targets_withdrawnpoint w
    WHERE n.program_id = w.program_id AND n.kind = w.kind AND n.key = w.key
"""


def keep_withdrawn(
    alerts: Sequence[ObjectAlert], programs: Mapping[tuple[str, int], Program]
) -> list[tuple[int, str, str]]:
    """Note which points these alerts call withdrawn; return their programs, kinds and keys."""
    found = sorted(
        {
            (programs[alert.survey, alert.program].pk, str(kind), key)
            for alert in alerts
            for kind, key in alert.withdrawn
        }
    )
    if found:
        rows = [WithdrawnPoint(program_id=pk, kind=kind, key=key) for pk, kind, key in found]
        WithdrawnPoint.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return found


def leave_out_withdrawn(cursor: Any) -> None:
    """Take what is withdrawn out of `new_points`."""
    cursor.execute(_LEAVE_OUT)


def take_withdrawn(
    cursor: Any, withdrawn: Collection[tuple[int, str, str]], targets: Collection[int]
) -> list[tuple[int, int]]:
    """Take withdrawn points out of the light curves of targets, and out of their mirror.

    Return the target and the program of each that stood there.
    """
    if not withdrawn:
        return []
    programs, kinds, keys = map(list, zip(*withdrawn, strict=True))
    make_table(cursor, TO_MIRROR)
    wanted = {"programs": programs, "kinds": kinds, "keys": keys, "targets": list(targets)}
    cursor.execute(_TAKE, wanted)
    forget_points(cursor, targets)
    cursor.execute(_TAKEN)
    return list(cursor.fetchall())
