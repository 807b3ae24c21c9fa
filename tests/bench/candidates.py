"""An event of very many candidates, some of them private, and its pages as two readers see them."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.bench.all_pages import add_rest, paths_of
from tests.bench.pages import measure_page, serve_here
from tests.bench.targets import add_words
from tom.candidates.models import Look
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import Ranking

# Of so many targets one has private points beside its public ones, and one is private altogether.
EVERY_SHARED, EVERY_PRIVATE = 2, 10
MOST_MS = 100.0

HIDE = """
    UPDATE tom_targets_basetarget SET permissions = 'PRIVATE' WHERE mod(id, %(private)s) = 0
"""
SHARE = """
    INSERT INTO guardian_groupobjectpermission (permission_id, content_type_id, group_id, object_pk)
    SELECT p.id, p.content_type_id, %(group)s, t.id::text
    FROM tom_targets_basetarget t CROSS JOIN auth_permission p
    JOIN django_content_type k ON k.id = p.content_type_id
    WHERE p.codename = 'view_target' AND k.app_label = 'tom_targets' AND k.model = 'basetarget'
        AND t.permissions = 'PRIVATE'
"""
ADD_SUMMARIES = """
    INSERT INTO targets_audiencesummary (target_id, programs, ra, dec, healpix29, ebv, ebv_error,
        n_detections, n_limits, first_seen, first_detection, last_detection, last_magnitude,
        last_band, peak_magnitude, alert_values, solar_system_name, version, scored_version)
    SELECT s.target_id, ARRAY[%(program)s]::bigint[], t.ra, t.dec, s.healpix29, s.ebv, s.ebv_error,
        s.n_detections + 1, 0, s.first_seen, s.first_detection, s.last_detection,
        s.last_magnitude - 0.1, s.last_band, s.peak_magnitude, '{}', '', 1, 1
    FROM targets_targetsummary s JOIN tom_targets_basetarget t ON t.id = s.target_id
    WHERE mod(t.id, %(shared)s) = 0
"""
ADD_CANDIDATES = """
    INSERT INTO candidates_eventcandidate (event_id, target_id, localization_id, vetting, created,
        is_public, credible_level_2d, credible_level_3d, probdensity)
    SELECT %(event)s, id, %(localization)s, 'new', %(now)s - mod(id, 48) * interval '1 hour',
        permissions = 'PUBLIC', level, level, 0.1
    FROM tom_targets_basetarget
    CROSS JOIN LATERAL (SELECT mod(id::bigint * 7919, 1000) / 1000.0 AS level) l
    ORDER BY id LIMIT %(most)s
"""
ADD_STANDINGS = """
    INSERT INTO candidates_candidatestanding (candidate_id, event_id, programs, created,
        credible_level_2d, credible_level_3d, probdensity)
    SELECT id, event_id, ARRAY[%(program)s]::bigint[], created, credible_level_2d,
        credible_level_3d, 0.1
    FROM candidates_eventcandidate WHERE event_id = %(event)s AND mod(target_id, %(shared)s) = 0
"""
END_PLACES = """
    UPDATE ranking_rankedcandidate SET until_id = %(ranking)s
    WHERE event_id = %(event)s AND until_id IS NULL
"""
ADD_PLACES = """
    INSERT INTO ranking_rankedcandidate (event_id, ranking_id, candidate_id, programs, log_weight,
        log_weight_low, log_weight_high, terms)
    SELECT %(event)s, %(ranking)s, candidate_id, programs, ln((chance + 1e-5) / (1 - chance)),
        ln((chance + 1e-5) / (2 - chance)), ln((1 + chance) / (1 - chance)), %(terms)s
    FROM (
        SELECT id AS candidate_id, ARRAY[]::bigint[] AS programs,
            mod(id * %(stir)s, 9973) / 10000.0 AS chance
        FROM candidates_eventcandidate WHERE event_id = %(event)s AND is_public
        UNION ALL
        SELECT k.candidate_id, k.programs, mod(k.candidate_id * %(stir)s + 1, 9973) / 10000.0
        FROM candidates_candidatestanding k
        JOIN candidates_eventcandidate c ON c.id = k.candidate_id WHERE c.event_id = %(event)s
    ) known
"""

COPY_PLACES = """
    UPDATE candidates_eventcandidate c SET rank = p.rank, log_weight = p.log_weight,
        log_weight_low = p.log_weight_low, log_weight_high = p.log_weight_high
    FROM (SELECT *, rank() OVER (ORDER BY log_weight DESC, id) FROM ranking_rankedcandidate
        WHERE ranking_id = %(ranking)s) p
    WHERE p.ranking_id = %(ranking)s AND c.id = p.candidate_id AND p.programs = '{}'
"""
COPY_STANDINGS = """
    UPDATE candidates_candidatestanding c SET rank = p.rank, log_weight = p.log_weight,
        log_weight_low = p.log_weight_low, log_weight_high = p.log_weight_high
    FROM (SELECT *, rank() OVER (ORDER BY log_weight DESC, id) FROM ranking_rankedcandidate
        WHERE ranking_id = %(ranking)s) p
    WHERE p.ranking_id = %(ranking)s AND c.candidate_id = p.candidate_id AND c.programs = p.programs
"""


def measure_full_event(
    *, times: int, most: int | None = None, words: int = 2
) -> dict[str, dict[str, object]]:
    """Make targets candidates of one event, and measure every page for two readers.

    One reads what is public; the other is in the group of a private program, too. Both looked at
    the event a day before, between its two rankings. `over_100_ms` names the pages that took
    longer on processors.

    Parameters
    ----------
    times
        How often each page is asked for.
    most
        The most candidates; None: all targets.
    words
        How often each broker says what each target is.
    """
    serve_here()
    event, readers = add_full_event(most=most)
    add_words(words)
    strategy = add_rest(most=most)
    measured: dict[str, dict[str, object]] = {}
    for name, user in readers.items():
        client = Client()
        client.force_login(user)
        client.cookies["swaps"] = "1"  # as of a browser that runs scripts
        for path in paths_of(event, strategy):
            measured[f"{name} {path}"] = measure_page(client, path, times)
    return {"over_100_ms": _slow(measured), **measured}


def _slow(measured: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """The pages that took more than they may, with their milliseconds on processors."""
    times = {page: figures["processor_ms"] for page, figures in measured.items()}
    return {page: ms for page, ms in times.items() if isinstance(ms, float) and ms > MOST_MS}


def add_full_event(*, most: int | None = None) -> tuple[NonLocalizedEvent, dict[str, User]]:
    """Make targets candidates, some privately; return the event and who reads it."""
    group = factories.make_group("bench")
    program = factories.make_program(77, group=group)
    readers = {
        "public": factories.make_observer("bench public"),
        "private": factories.make_observer("bench private", groups=[group]),
    }
    event = factories.make_event("S261120full")
    now = timezone.now()
    values = {"program": program.pk, "group": group.pk, "event": event.pk, "now": now}
    values |= {"private": EVERY_PRIVATE, "shared": EVERY_SHARED, "most": most}
    values["localization"] = event.localizations.order_by("-time")[0].pk
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (HIDE, SHARE, ADD_SUMMARIES, ADD_CANDIDATES, ADD_STANDINGS):
            cursor.execute(statement, values)
    for days, stir in ((2, 7919), (0, 104_729)):
        _rank(event, values | {"stir": stir}, when=now - timedelta(days=days))
    for user in readers.values():
        yesterday = now - timedelta(days=1)
        Look.objects.create(user=user, event=event, seen=now, since=yesterday)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return event, readers


def _rank(event: NonLocalizedEvent, values: Mapping[str, object], *, when: datetime) -> None:
    ranking = factories.make_ranking(event)
    Ranking.objects.filter(pk=ranking.pk).update(created=when)
    more = {
        "ranking": ranking.pk,
        "terms": json.dumps([[0.5, 0.1, 0.9, 2.0, False, "said"]] * len(factories.TERMS)),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (END_PLACES, ADD_PLACES, COPY_PLACES, COPY_STANDINGS):
            cursor.execute(statement, {**values, **more})
