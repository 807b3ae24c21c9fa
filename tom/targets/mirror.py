"""TOM Toolkit's photometry as a mirror of our points: for its pages, sharing and plug-ins."""

from collections.abc import Sequence
from typing import Any

from tom.photometry import LIMIT_SIGMA, is_told, magnitude_sql


def mirror_points(cursor: Any, ids: Sequence[int]) -> None:
    """Mirror public points as TOM Toolkit's photometry, in AB magnitudes.

    Its rows have no reader of their own: what is not for everybody has no place there.

    A detection below 3 sigma or negative is mirrored as its limit. The clause without a target
    covers both of the table's unique keys.
    """
    cursor.execute(
        """
        DELETE FROM tom_dataproducts_photometryreduceddatum m USING targets_lightcurvepoint p
        WHERE p.id = ANY(%(ids)s) AND m.target_id = p.target_id
            AND m.source_location = p.kind || ':' || p.key
        """,
        {"ids": list(ids)},
    )
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
            AND g.public
        ON CONFLICT DO NOTHING
        """,  # noqa: S608  of our own text alone
        {"ids": list(ids)},
    )
