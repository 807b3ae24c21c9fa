"""TOM Toolkit's photometry as a mirror of our points: for its pages, sharing and plug-ins."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from tom.photometry import LIMIT_SIGMA, is_told, magnitude_sql


def mirror_points(cursor: Any, points: Collection[tuple[int, int, date]]) -> None:
    """Mirror public points as TOM Toolkit's photometry, in AB magnitudes.

    `points` have a key, a target and a month each; only the partitions of these months are read.
    The mirror's rows have no reader of their own: what is not for everybody has no place there.

    A detection below 3 sigma or negative is mirrored as its limit. The clause without a target
    covers both of the table's unique keys.
    """
    months = list({month for *_, month in points})
    wanted = {"ids": [pk for pk, *_ in points], "months": months}
    cursor.execute(MIRRORED, {"targets": list({target for _, target, _ in points})})
    mirrored = {target for (target,) in cursor.fetchall()}
    known = [pk for pk, target, _ in points if target in mirrored]
    forget_points(cursor, ids=known, months=months)
    cursor.execute(
        f"""
        INSERT INTO tom_dataproducts_photometryreduceddatum (target_id, timestamp, value, telescope,
            instrument, source_name, source_location, reduction_version, brightness,
            brightness_error, "limit", unit, bandpass, exposure_time)
        SELECT p.target_id, p.time, '{{}}', '', p.survey, p.survey, p.kind || ':' || p.key, p.kind,
            CASE WHEN seen THEN {magnitude_sql("p.flux")} END,
            CASE WHEN seen THEN 2.5 / ln(10) * p.flux_error / p.flux END,
            CASE WHEN NOT seen THEN {magnitude_sql(f"{LIMIT_SIGMA} * p.flux_error")} END,
            'AB mag', p.band, NULL
        FROM targets_lightcurvepoint p
        JOIN targets_program g ON g.id = p.program_id
        CROSS JOIN LATERAL (SELECT {is_told("p")} AS seen) s
        WHERE p.id = ANY(%(ids)s) AND p.flux_error > 0
            AND g.public AND p.month = ANY(%(months)s)
        ON CONFLICT DO NOTHING
        """,  # noqa: S608  of our own text alone
        wanted,
    )


def forget_points(cursor: Any, *, ids: Sequence[int], months: Sequence[date]) -> None:
    """Take points out of the mirror, under the keys that they have now."""
    if ids:
        cursor.execute(FORGET, {"ids": list(ids), "months": list(months)})


MIRRORED = """
    SELECT id FROM unnest(%(targets)s::bigint[]) AS t (id)
    WHERE EXISTS (SELECT FROM tom_dataproducts_photometryreduceddatum WHERE target_id = t.id)
"""
# Each row is looked for by its target, whatever the database believes of how many there are.
FORGET = """
    DELETE FROM tom_dataproducts_photometryreduceddatum WHERE id = ANY(ARRAY(
        SELECT m.id
        FROM targets_lightcurvepoint p
        CROSS JOIN LATERAL (
            SELECT id FROM tom_dataproducts_photometryreduceddatum
            WHERE target_id = p.target_id AND source_name = p.survey
                AND source_location = p.kind || ':' || p.key
            OFFSET 0
        ) m
        WHERE p.id = ANY(%(ids)s) AND p.month = ANY(%(months)s)
    ))
"""
