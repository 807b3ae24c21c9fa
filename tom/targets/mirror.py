"""TOM Toolkit's photometry as a mirror of our points: for its pages, sharing and plug-ins."""

from collections.abc import Collection
from typing import Any

from tom.photometry import LIMIT_SIGMA, is_told, magnitude_sql
from tom.targets.copy import Table, make_table

# The points that are new or changed, as they are stored now.
TO_MIRROR = Table(
    "points_to_mirror",
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
    },
)


def mirror_all_points(cursor: Any, targets: Collection[int]) -> None:
    """Mirror the light curves of these targets whole."""
    make_table(cursor, TO_MIRROR)
    cursor.execute(ALL_POINTS, [list(targets)])
    mirror_points(cursor, targets)


def mirror_points(cursor: Any, targets: Collection[int]) -> None:
    """Mirror the public points of `TO_MIRROR` as TOM Toolkit's photometry, in AB magnitudes.

    `targets` are those that the points belong to. The mirror's rows have no reader of their own:
    what is not for everybody has no place there.

    A detection below 3 sigma or negative is mirrored as its limit.
    """
    forget_points(cursor, targets)
    cursor.execute(MIRROR)


def forget_points(cursor: Any, targets: Collection[int]) -> None:
    """Take the points of `TO_MIRROR` out of the mirror, under the keys that they have there."""
    cursor.execute(MIRRORED, [list(targets)])
    mirrored = [target for (target,) in cursor.fetchall()]
    if mirrored:
        cursor.execute(FORGET, [mirrored])


def take_points(cursor: Any, ids: Collection[int], months: Collection[object]) -> None:
    """Put stored points of these months into `TO_MIRROR`, where they are not in it yet."""
    cursor.execute(GIVEN_POINTS, {"ids": list(ids), "months": list(months)})


ALL_POINTS = f"""
    INSERT INTO {TO_MIRROR.name} SELECT {", ".join(TO_MIRROR.columns)}
    FROM targets_lightcurvepoint WHERE target_id = ANY(%s)
"""  # noqa: S608  of our own text alone
GIVEN_POINTS = f"""
    INSERT INTO {TO_MIRROR.name} SELECT {", ".join(f"p.{name}" for name in TO_MIRROR.columns)}
    FROM targets_lightcurvepoint p
    WHERE p.id = ANY(%(ids)s) AND p.month = ANY(%(months)s) AND NOT EXISTS (
        SELECT FROM {TO_MIRROR.name} t
        WHERE (t.target_id, t.survey, t.kind, t.key) = (p.target_id, p.survey, p.kind, p.key)
    )
"""  # noqa: S608  of our own text alone
MIRRORED = """
    SELECT id FROM unnest(%s::bigint[]) AS t (id)
    WHERE EXISTS (SELECT FROM tom_dataproducts_photometryreduceddatum WHERE target_id = t.id)
"""
# Each row is looked for by its target, whatever the database believes of how many there are.
FORGET = f"""
    DELETE FROM tom_dataproducts_photometryreduceddatum WHERE id = ANY(ARRAY(
        SELECT m.id
        FROM {TO_MIRROR.name} p
        CROSS JOIN LATERAL (
            SELECT id FROM tom_dataproducts_photometryreduceddatum
            WHERE target_id = p.target_id AND source_name = p.survey
                AND source_location = p.kind || ':' || p.key
            OFFSET 0
        ) m
        WHERE p.target_id = ANY(%s)
    ))
"""  # noqa: S608  of our own text alone
# The clause without a target covers both of the table's unique keys.
MIRROR = f"""
    INSERT INTO tom_dataproducts_photometryreduceddatum (target_id, timestamp, value, telescope,
        instrument, source_name, source_location, reduction_version, brightness,
        brightness_error, "limit", unit, bandpass, exposure_time)
    SELECT p.target_id, p.time, '{{}}', '', p.survey, p.survey, p.kind || ':' || p.key, p.kind,
        CASE WHEN seen THEN {magnitude_sql("p.flux")} END,
        CASE WHEN seen THEN 2.5 / ln(10) * p.flux_error / p.flux END,
        CASE WHEN NOT seen THEN {magnitude_sql(f"{LIMIT_SIGMA} * p.flux_error")} END,
        'AB mag', p.band, NULL
    FROM {TO_MIRROR.name} p
    JOIN targets_program g ON g.id = p.program_id
    CROSS JOIN LATERAL (SELECT {is_told("p")} AS seen) s
    WHERE p.flux_error > 0 AND g.public
    ON CONFLICT DO NOTHING
"""  # noqa: S608  of our own text alone
