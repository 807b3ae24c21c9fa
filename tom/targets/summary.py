"""The summaries of a target, always recomputed from points: alerts come late and out of order."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from psycopg2.extras import execute_values

from tom.photometry import magnitude_sql, shines
from tom.records.alert import ObjectAlert


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The newest alert that a summary may know of, and when its alerts first saw the target.

    `key` is the summary's own: a target's, or that of an `AudienceSummary`.
    """

    key: int
    first_seen: datetime | None
    alert: ObjectAlert


def refresh_summaries(target_ids: Iterable[int]) -> None:
    """Recompute the public summaries of targets whose points changed: due for scoring then.

    Of points of public programs alone, so that all of it may be shown.
    """
    views = "SELECT id AS view_id, id AS target_id, '{}'::bigint[] AS programs"
    views += " FROM unnest(%(ids)s::bigint[]) AS id"
    _refresh("targets_targetsummary", "target_id", views, target_ids)


def refresh_audiences(ids: Iterable[int]) -> None:
    """Recompute summaries of audiences, of public points and of those of their own programs."""
    views = "SELECT id AS view_id, target_id, programs FROM targets_audiencesummary"
    views += " WHERE id = ANY(%(ids)s)"
    _refresh("targets_audiencesummary", "id", views, ids)


def _refresh(table: str, key: str, views: str, ids: Iterable[int]) -> None:
    wanted = sorted(ids)
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(
                REFRESH.format(
                    table=table,
                    key=key,
                    views=views,
                    shines=shines("p"),
                    peak=magnitude_sql("max(flux) FILTER (WHERE seen)"),
                    magnitude=magnitude_sql("flux"),
                ),
                {"ids": wanted},
            )


REFRESH = """
    WITH views AS ({views}), shown AS (
        SELECT v.view_id, p.*, {shines} AS seen
        FROM views v
        JOIN targets_lightcurvepoint p ON p.target_id = v.target_id
        JOIN targets_program g ON g.id = p.program_id
        WHERE g.public OR p.program_id = ANY(v.programs)
    ), counted AS (
        SELECT view_id,
            count(*) FILTER (WHERE kind = 'alert') AS n_detections,
            count(*) FILTER (WHERE kind = 'limit') AS n_limits,
            min(time) FILTER (WHERE seen OR kind = 'alert') AS first_sight,
            min(time) FILTER (WHERE seen) AS first_detection,
            max(time) FILTER (WHERE seen) AS last_detection,
            {peak} AS peak_magnitude
        FROM shown GROUP BY view_id
    ), newest AS (
        SELECT DISTINCT ON (view_id) view_id, {magnitude} AS magnitude, band
        FROM shown WHERE seen ORDER BY view_id, time DESC, kind, survey, key
    )
    UPDATE {table} s
    SET n_detections = coalesce(c.n_detections, 0), n_limits = coalesce(c.n_limits, 0),
        first_detection = c.first_detection, last_detection = c.last_detection,
        first_seen = least(s.first_seen, c.first_sight),
        peak_magnitude = c.peak_magnitude, last_magnitude = n.magnitude,
        last_band = coalesce(n.band, ''), version = s.version + 1
    FROM views v LEFT JOIN counted c USING (view_id) LEFT JOIN newest n USING (view_id)
    WHERE s.{key} = v.view_id
"""


def note_surroundings(found: Sequence[Surroundings]) -> None:
    """Keep what the newest public alert says of its surroundings, and the first sight."""
    _note("targets_targetsummary", "target_id", found)


def note_audience_surroundings(found: Sequence[Surroundings]) -> None:
    """The same for audiences, of the newest alert that each may know of."""
    _note("targets_audiencesummary", "id", found)


def _note(table: str, key: str, found: Sequence[Surroundings]) -> None:
    if not found:
        return
    rows = [_surroundings_row(item) for item in found]
    # psycopg2's own function, whose errors would not be Django's.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        note = NOTE.format(table=table, key=key)
        execute_values(cursor.cursor, note, rows, template=SURROUNDINGS_ROW)


# Of the row as it is once its lock is held: two batches may bring alerts of one target.
NEWER = "coalesce((s.surroundings_time, s.surroundings_alert) < (n.time, n.alert), true)"
NOTE = f"""
    UPDATE {{table}} s
    SET first_seen = least(s.first_seen, n.first_seen),
        alert_values = CASE WHEN {NEWER} THEN n.alert_values ELSE s.alert_values END,
        n_survey_detections = CASE WHEN {NEWER} THEN n.n_survey ELSE s.n_survey_detections END,
        star_separation_arcsec = CASE WHEN {NEWER} THEN n.star_separation
            ELSE s.star_separation_arcsec END,
        star_score = CASE WHEN {NEWER} THEN n.star_score ELSE s.star_score END,
        solar_system_name = CASE WHEN {NEWER} THEN n.ss_name ELSE s.solar_system_name END,
        solar_system_separation_arcsec = CASE WHEN {NEWER} THEN n.ss_separation
            ELSE s.solar_system_separation_arcsec END,
        surroundings_time = greatest(s.surroundings_time, n.time),
        surroundings_alert = CASE WHEN {NEWER} THEN n.alert ELSE s.surroundings_alert END
    FROM (VALUES %s) AS n (key, time, alert, first_seen, alert_values, n_survey,
        star_separation, star_score, ss_name, ss_separation)
    WHERE s.{{key}} = n.key
"""  # noqa: S608  of our own text alone
SURROUNDINGS_ROW = (
    "(%s, %s::timestamptz, %s, %s::timestamptz, %s::jsonb, %s::int, %s::float8, %s::float8, %s, "
    "%s::float8)"
)


def _surroundings_row(found: Surroundings) -> tuple[object, ...]:
    alert = found.alert
    star, match = alert.star, alert.solar_system
    return (
        found.key,
        alert.time,
        alert.alert_id,
        found.first_seen,
        json.dumps(dict(alert.scores)),
        alert.n_detections,
        star.separation_arcsec if star else None,
        star.star_galaxy_score if star else None,
        match.name[:100] if match else "",
        match.separation_arcsec if match else None,
    )
