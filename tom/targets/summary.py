"""A target's summary, always recomputed from its points: alerts come late and out of order."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F
from psycopg2 import Binary
from psycopg2.extras import execute_values

from tom.streams.parsers.records import ObjectAlert
from tom.targets.models import Cutout, TargetSummary


@dataclass(frozen=True, slots=True)
class Context:
    """The newest alert of a target in a batch, and when the target was first seen."""

    target_id: int
    program_id: int
    first_seen: datetime
    alert: ObjectAlert


def refresh_summaries(target_ids: Iterable[int]) -> None:
    """Recompute the summaries of targets whose points changed; they are due for scoring then.

    Private points of a public target are left out, so that all of it may be shown.
    """
    with connection.cursor() as cursor:
        cursor.execute(REFRESH, {"ids": sorted(target_ids)})


REFRESH = """
    WITH shown AS (
        SELECT p.*, p.kind <> 'limit' AND p.flux > 0
            AND (p.kind = 'alert' OR p.flux >= 5 * p.flux_error) AS seen
        FROM targets_lightcurvepoint p
        JOIN targets_program g ON g.id = p.program_id
        JOIN tom_targets_basetarget t ON t.id = p.target_id
        WHERE p.target_id = ANY(%(ids)s) AND (g.public OR t.permissions = 'PRIVATE')
    ), counted AS (
        SELECT target_id,
            count(*) FILTER (WHERE kind = 'alert') AS n_detections,
            count(*) FILTER (WHERE kind = 'limit') AS n_limits,
            min(time) FILTER (WHERE seen) AS first_detection,
            max(time) FILTER (WHERE seen) AS last_detection,
            31.4 - 2.5 * log(max(flux) FILTER (WHERE seen)) AS peak_magnitude
        FROM shown GROUP BY target_id
    ), newest AS (
        SELECT DISTINCT ON (target_id) target_id, 31.4 - 2.5 * log(flux) AS magnitude, band
        FROM shown WHERE seen ORDER BY target_id, time DESC, kind, survey, key
    )
    UPDATE targets_targetsummary s
    SET n_detections = c.n_detections, n_limits = c.n_limits,
        first_detection = c.first_detection, last_detection = c.last_detection,
        first_seen = least(s.first_seen, c.first_detection),
        peak_magnitude = c.peak_magnitude, last_magnitude = n.magnitude,
        last_band = coalesce(n.band, ''), version = s.version + 1
    FROM counted c LEFT JOIN newest n USING (target_id)
    WHERE s.target_id = c.target_id
"""


def forget_private(target_ids: Sequence[int]) -> None:
    """Forget what points and alerts said of targets that were private until now.

    What is public is noted anew by the alert that opens them; they are due for scoring then.
    """
    TargetSummary.objects.filter(pk__in=target_ids).update(
        n_detections=0,
        n_limits=0,
        first_seen=None,
        first_detection=None,
        last_detection=None,
        last_magnitude=None,
        last_band="",
        peak_magnitude=None,
        context_time=None,
        context_alert="",
        alert_values={},
        n_survey_detections=None,
        star_separation_arcsec=None,
        star_score=None,
        solar_system_name="",
        solar_system_separation_arcsec=None,
        version=F("version") + 1,
    )
    Cutout.objects.filter(target__in=target_ids, program__public=False).delete()


def note_contexts(contexts: Sequence[Context]) -> None:
    """Keep what the newest alert says of its surroundings, its cutouts, and the first sight."""
    if not contexts:
        return
    rows = [_context_row(item) for item in contexts]
    cutouts = [row for item in contexts for row in _cutout_rows(item)]
    # psycopg2's own function, whose errors would not be Django's.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        execute_values(cursor.cursor, NOTE, rows, template=CONTEXT_ROW)
        if cutouts:
            execute_values(cursor.cursor, KEEP_CUTOUTS, cutouts, page_size=50)


# Of the row as it is once its lock is held: two batches may bring alerts of one target.
NEWER = "coalesce((s.context_time, s.context_alert) < (n.time, n.alert), true)"
NOTE = f"""
    UPDATE targets_targetsummary s
    SET first_seen = least(s.first_seen, n.first_seen),
        alert_values = CASE WHEN {NEWER} THEN n.alert_values ELSE s.alert_values END,
        n_survey_detections = CASE WHEN {NEWER} THEN n.n_survey ELSE s.n_survey_detections END,
        star_separation_arcsec = CASE WHEN {NEWER} THEN n.star_separation
            ELSE s.star_separation_arcsec END,
        star_score = CASE WHEN {NEWER} THEN n.star_score ELSE s.star_score END,
        solar_system_name = CASE WHEN {NEWER} THEN n.ss_name ELSE s.solar_system_name END,
        solar_system_separation_arcsec = CASE WHEN {NEWER} THEN n.ss_separation
            ELSE s.solar_system_separation_arcsec END,
        context_time = greatest(s.context_time, n.time),
        context_alert = CASE WHEN {NEWER} THEN n.alert ELSE s.context_alert END
    FROM (VALUES %s) AS n (target_id, time, alert, first_seen, alert_values, n_survey,
        star_separation, star_score, ss_name, ss_separation)
    WHERE s.target_id = n.target_id
"""  # noqa: S608  of our own text alone
CONTEXT_ROW = (
    "(%s, %s::timestamptz, %s, %s::timestamptz, %s::jsonb, %s::int, %s::float8, %s::float8, %s, "
    "%s::float8)"
)
KEEP_CUTOUTS = """
    INSERT INTO targets_cutout AS old (target_id, kind, time, program_id, fits) VALUES %s
    ON CONFLICT (target_id, kind) DO UPDATE
    SET time = excluded.time, program_id = excluded.program_id, fits = excluded.fits,
        png = NULL, width_arcsec = NULL, fault = ''
    WHERE (old.time, old.fits) < (excluded.time, excluded.fits)
"""


def _context_row(context: Context) -> tuple[object, ...]:
    alert = context.alert
    star, match = alert.star, alert.solar_system
    return (
        context.target_id,
        alert.time,
        alert.alert_id,
        context.first_seen,
        json.dumps(dict(alert.scores)),
        alert.n_detections,
        star.separation_arcsec if star else None,
        star.star_galaxy_score if star else None,
        match.name[:100] if match else "",
        match.separation_arcsec if match else None,
    )


def _cutout_rows(context: Context) -> list[tuple[object, ...]]:
    return [
        (context.target_id, kind, context.alert.time, context.program_id, Binary(data))
        for kind, data in context.alert.cutouts.items()
    ]
