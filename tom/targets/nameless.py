"""Points that a broker tells without the survey's id: one row with the survey's own copy.

Such a point has a key of its own (`tom.records.alert.nameless_key`). It adds no row where the same
exposure stands already; and when the survey's own copy comes later, the row takes its key and its
values: a broker rounds them, and may not tell the sign of a flux.
"""

from collections.abc import Collection
from typing import Any, Final

from tom.records.alert import NAMELESS, SAME_EPOCH
from tom.targets.copy import make_table
from tom.targets.mirror import TO_MIRROR, forget_points, take_points

# With `|| ''` no index but that of times helps: the others lead to the whole light curve.
_IS_TWIN: Final = """
    o.target_id = n.target_id AND o.survey || '' = n.survey AND o.kind || '' = n.kind
    AND o.band = n.band
    AND o.time BETWEEN n.time - %(apart)s AND n.time + %(apart)s
    AND n.time BETWEEN o.time - %(apart)s AND o.time + %(apart)s
"""
# What is private takes the place of nothing that others may read, and tells it nothing.
_TELLS_N: Final = "(o.program_id = n.program_id OR o.program_id <> ALL(%(private)s))"
_TELLS_O: Final = "(o.program_id = n.program_id OR n.program_id <> ALL(%(private)s))"
# Without it, and wherever the database joins instead of looking each point up (hence OFFSET 0), the
# time goes with the square of the points: a light curve of 20,000 took three minutes.
_INDEX: Final = "CREATE INDEX ON new_points (target_id, time); ANALYZE new_points"
_DROP: Final = f"""
    DELETE FROM new_points n
    WHERE n.key LIKE '{NAMELESS}%%' AND (
        EXISTS (
            SELECT FROM new_points o
            WHERE {_IS_TWIN} AND {_TELLS_N} AND (o.key NOT LIKE '{NAMELESS}%%' OR o.key < n.key)
            OFFSET 0
        ) OR EXISTS (
            SELECT FROM targets_lightcurvepoint o
            WHERE {_IS_TWIN} AND {_TELLS_N} AND o.key <> n.key AND o.month = ANY(%(months)s)
            OFFSET 0
        )
    )
"""  # noqa: S608  of our own text alone
_FIND: Final = f"""
    SELECT o.id, n.key, n.time, n.flux, n.flux_error, n.real_bogus, n.is_trigger
    FROM targets_lightcurvepoint o
    CROSS JOIN LATERAL (
        SELECT * FROM new_points n
        WHERE {_IS_TWIN} AND {_TELLS_O} AND n.key NOT LIKE '{NAMELESS}%%'
        OFFSET 0
    ) n
    WHERE o.key LIKE '{NAMELESS}%%' AND o.target_id = ANY(%(targets)s)
        AND o.month = ANY(%(months)s)
        AND NOT EXISTS (
            SELECT FROM targets_lightcurvepoint p
            WHERE p.target_id = n.target_id AND p.survey = n.survey AND p.kind = n.kind
                AND p.key = n.key AND p.month = o.month
        )
"""  # noqa: S608  as above
_HAS_ANY: Final = f"""
    SELECT EXISTS (
        SELECT FROM targets_lightcurvepoint
        WHERE key LIKE '{NAMELESS}%%' AND target_id = ANY(%(targets)s) AND month = ANY(%(months)s)
    )
"""  # noqa: S608  as above
_NAME: Final = """
    UPDATE targets_lightcurvepoint o
    SET key = f.key, time = f.time, flux = f.flux, flux_error = f.flux_error,
        real_bogus = f.real_bogus, is_trigger = f.is_trigger
    FROM unnest(%(ids)s::bigint[], %(keys)s::text[], %(times)s::timestamptz[],
        %(fluxes)s::float8[], %(errors)s::float8[], %(scores)s::float8[], %(triggers)s::bool[]
    ) AS f (id, key, time, flux, flux_error, real_bogus, is_trigger)
    WHERE o.id = f.id AND o.month = ANY(%(months)s)
"""
_VALUES: Final = ("ids", "keys", "times", "fluxes", "errors", "scores", "triggers")


def settle_nameless(
    cursor: Any,
    *,
    targets: Collection[int],
    months: Collection[Any],
    private: Collection[int],
    some_new: bool,
) -> list[int]:
    """Leave one row for each exposure; return the rows that got the survey's own key.

    Parameters
    ----------
    cursor
        Of the transaction in which `new_points` holds what is to be merged.
    targets, months
        Of the new points.
    private
        The programs that not everybody reads.
    some_new
        Whether any new point is without an id.
    """
    wanted = {
        "targets": list(targets),
        "months": list(months),
        "private": list(private),
        "apart": SAME_EPOCH,
    }
    cursor.execute(_HAS_ANY, wanted)
    some_old = cursor.fetchone()[0]
    if some_old or some_new:
        cursor.execute(_INDEX)
    named = _name(cursor, wanted) if some_old else []
    if some_new:
        cursor.execute(_DROP, wanted)
    return named


def _name(cursor: Any, wanted: dict[str, Any]) -> list[int]:
    cursor.execute(_FIND, wanted)
    found = {row[0]: row for row in cursor.fetchall()}
    if not found:
        return []
    make_table(cursor, TO_MIRROR)
    take_points(cursor, found, wanted["months"])
    forget_points(cursor, wanted["targets"])
    columns = map(list, zip(*found.values(), strict=True))
    cursor.execute(_NAME, wanted | dict(zip(_VALUES, columns, strict=True)))
    return list(found)
