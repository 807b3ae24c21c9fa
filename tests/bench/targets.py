"""Fill the tables with targets all over the sky, by COPY."""

from datetime import datetime

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.utils import timezone

from tom.sky import healpix29
from tom.targets.copy import Table, copy_rows
from tom.targets.models import LightCurvePoint, Program

MANY = Table(
    "many",
    {"name": "text", "ra": "float8", "dec": "float8", "healpix29": "bigint", "days": "float8"},
)
POINTS_EACH = 4
BATCH = 100_000
# In how many days the targets were last seen, mostly: few lie in an event's window.
DAYS = 400.0

INSERT_TARGETS = """
    INSERT INTO tom_targets_basetarget (name, type, created, modified, permissions, ra, dec, epoch,
        scheme, shared_by, shared_from)
    SELECT name, 'SIDEREAL', %(now)s, %(now)s, 'PUBLIC', ra, dec, 2000, '', '', '' FROM many
"""
INSERT_SUMMARIES = """
    INSERT INTO targets_targetsummary (target_id, healpix29, survey, ebv, ebv_error, n_detections,
        n_limits, first_seen, first_detection, last_detection, last_magnitude, last_band,
        peak_magnitude, alert_values, solar_system_name, host_name, is_test, version,
        scored_version)
    SELECT t.id, m.healpix29, 'ZTF', 0.1, 0.05, %(points)s, 0, seen - interval '9 days',
        seen - interval '9 days', seen, 18 + mod(t.id::bigint * 7919, 29989) / 10000.0, 'r',
        18, '{}', '', '', false, 1, 1
    FROM many m JOIN tom_targets_basetarget t USING (name)
    CROSS JOIN LATERAL (SELECT %(now)s - m.days * interval '1 day' AS seen) s
"""
INSERT_POINTS = """
    INSERT INTO targets_lightcurvepoint (target_id, survey, kind, key, time, month, band, flux,
        flux_error, program_id, is_trigger)
    SELECT t.id, 'ZTF', 'alert', t.id || ':' || i, seen, date_trunc('month', seen),
        CASE mod(i, 2) WHEN 0 THEN 'r' ELSE 'g' END, 30000 - 1000 * i, 1000, p.id, true
    FROM many m JOIN tom_targets_basetarget t USING (name)
    CROSS JOIN generate_series(0, %(points)s - 1) i
    CROSS JOIN LATERAL (SELECT %(now)s - (m.days + 3 * i) * interval '1 day' AS seen) s
    CROSS JOIN (SELECT id FROM targets_program WHERE survey = 'ZTF' AND number = 1) p
"""
# Points of the first targets that have none yet; very many of one of them.
INSERT_POINTS_OF = """
    INSERT INTO targets_lightcurvepoint (target_id, survey, kind, key, time, month, band, flux,
        flux_error, program_id, is_trigger)
    SELECT t.id, 'ZTF', 'alert', t.id || ':' || i, seen, date_trunc('month', seen),
        CASE mod(i, 2) WHEN 0 THEN 'r' ELSE 'g' END, 30000 - i, 1000, %(program)s, true
    FROM (SELECT * FROM tom_targets_basetarget ORDER BY id LIMIT %(most)s) t
    JOIN targets_targetsummary s ON s.target_id = t.id
    CROSS JOIN generate_series(0, CASE t.id WHEN %(longest)s THEN %(long)s ELSE %(each)s END - 1) i
    CROSS JOIN LATERAL (SELECT s.last_detection - i * interval '5 hours' AS seen) p
    WHERE NOT EXISTS (SELECT FROM targets_lightcurvepoint WHERE target_id = t.id)
"""
INSERT_OBJECTS = """
    INSERT INTO targets_surveyobject (survey, object_id, target_id, programs, ra, dec, created)
    SELECT 'ZTF', t.name, t.id, ARRAY[p.id]::bigint[], t.ra, t.dec, %(now)s
    FROM tom_targets_basetarget t
    JOIN targets_program p ON p.survey = 'ZTF'
        AND p.number = CASE t.permissions WHEN 'PUBLIC' THEN 1 ELSE 77 END
    ON CONFLICT DO NOTHING
"""
# Words of each classifier: six targets in ten are supernovae, one in 250 a kilonova.
INSERT_WORDS = """
    INSERT INTO targets_classification (survey, object_id, healpix29, author, classifier, version,
        time, probabilities, classes, taxonomy, is_test, says, digest)
    SELECT 'ZTF', t.name, s.healpix29, author, 'bench', '1', %(now)s - word * interval '1 day',
        '{}', '{}', '1', false,
        CASE WHEN mod(t.id, 5) < 3 THEN 'supernova Ia' WHEN mod(t.id, 500) IN (3, 4) THEN 'kilonova'
            ELSE 'variable' END, word::text
    FROM tom_targets_basetarget t JOIN targets_targetsummary s ON s.target_id = t.id
    CROSS JOIN unnest(ARRAY['ALeRCE', 'Fink', 'Lasair']) author
    CROSS JOIN generate_series(0, %(words)s - 1) word
    WHERE author <> 'Lasair' OR mod(t.id, 10) = 1
"""
INSERT_MESSAGES = """
    INSERT INTO streams_alertmessage (broker, topic, kind, sha256, size, state, reason, received,
        finished, name, headers, attempts, replays, is_repeat, partition, "offset")
    SELECT '', 'ztf_bench_programid1', 'ztf', md5(i::text), 60000, 'stored', '', heard, heard,
        '', '[]', 1, 0, false, 0, i
    FROM generate_series(1, %(n)s) i
    CROSS JOIN LATERAL (SELECT %(now)s - i * interval '1 second' AS heard) h
"""


def add_targets(
    n: int,
    *,
    rng: np.random.Generator,
    points: int = POINTS_EACH,
    now: datetime | None = None,
    days: float = DAYS,
) -> None:
    """Add targets with a summary, and with their points where any are asked for.

    They were last seen in the `days` before `now`.
    """
    settled = {"public": True, "settled": "public"}
    Program.objects.get_or_create(survey="ZTF", number=1, defaults=settled)
    for first in range(0, n, BATCH):
        last_seen = rng.uniform(0, days, min(BATCH, n - first))
        _add(last_seen, rng, points, now or timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _add(
    days: npt.NDArray[np.float64], rng: np.random.Generator, points: int, now: datetime
) -> None:
    n = len(days)
    ra = rng.uniform(0, 360, n)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    prefix = f"bench{rng.integers(2**40):010x}"
    columns = (ra.tolist(), dec.tolist(), healpix29(ra, dec).tolist(), days.tolist())
    values = {"now": now, "points": points}
    with transaction.atomic(), connection.cursor() as cursor:
        rows = zip((f"{prefix}{i:06d}" for i in range(n)), *columns, strict=True)
        copy_rows(cursor, MANY, rows)
        cursor.execute(INSERT_TARGETS, values)
        cursor.execute(INSERT_SUMMARIES, values)
        if points:
            cursor.execute(INSERT_POINTS, values)


def add_objects() -> None:
    """Make each target an object of ZTF."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_OBJECTS, {"now": timezone.now()})
        cursor.execute("VACUUM ANALYZE targets_surveyobject")


def add_words(words: int = 2) -> None:
    """Make each target an object of ZTF, of which three brokers say so often what it is."""
    add_objects()
    with connection.cursor() as cursor:
        cursor.execute(INSERT_WORDS, {"now": timezone.now(), "words": words})
        cursor.execute("VACUUM ANALYZE")


def add_points(*, most: int | None, longest: int, n: int) -> None:
    """Give those of the first `most` targets that have none some points, and one target `n`."""
    program = Program.objects.get(survey="ZTF", number=1)
    values = {"most": most, "longest": longest, "long": n, "each": POINTS_EACH}
    LightCurvePoint.objects.filter(target=longest).delete()
    with connection.cursor() as cursor:
        cursor.execute(INSERT_POINTS_OF, values | {"program": program.pk})


def add_messages(n: int) -> None:
    """Add messages that were worked on long ago, without their bytes."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MESSAGES, {"n": n, "now": timezone.now()})
