"""Rank very many targets, in an event's list and in one without: first, and where few moved."""

from datetime import timedelta

import numpy as np
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.bench.measure import Processors, timed
from tests.bench.pages import measure_page, serve_here
from tests.bench.targets import add_targets
from tom.events.models import NonLocalizedEvent
from tom.ranking.basis import Basis
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import newest_ranking, rank_event, rank_list, recompute
from tom.scoring.services import scorers, window_start
from tom.strategies.models import Strategy
from tom.strategies.services import strategy_of
from tom.targets.models import LightCurvePoint, TargetSummary

# Of so many candidates one moves between two rankings.
EVERY_MOVED = 100
# Of each candidate there are so many points, most of them after the merger, so many days ago.
POINTS_EACH, LAST_DAYS, MERGER_DAYS = 10, 20.0, 30

ADD_CANDIDATES = """
    INSERT INTO candidates_eventcandidate (event_id, target_id, localization_id, vetting, created,
        is_public, credible_level_2d, credible_level_3d, probdensity)
    SELECT %(event)s, id, %(localization)s, 'new', %(now)s, true,
        mod(id::bigint * 7919, 1000) / 1000.0, NULL, mod(id::bigint * 7919, 1000) / 100.0
    FROM tom_targets_basetarget
"""
ADD_SURROUNDINGS = """
    UPDATE targets_targetsummary SET surroundings_time = %(now)s,
        star_separation_arcsec = mod(target_id, 40) / 10.0, star_score = mod(target_id, 11) / 10.0,
        solar_system_separation_arcsec = mod(target_id, 90)
    WHERE mod(target_id, 5) > 0
"""
ADD_SCORES = """
    INSERT INTO scoring_score (target_id, programs, scorer, version, artefact_sha256, data_version,
        since, probability, sigma, reason, explanation, created)
    SELECT target_id, '{}', %(scorer)s, %(version)s, '', version, %(since)s,
        CASE WHEN mod(target_id, 3) > 0 THEN jsonb_build_object(%(label)s::text,
            mod(target_id::bigint * 7919, 997) / 1000.0)
        END, 1.0, CASE WHEN mod(target_id, 3) = 0 THEN 'too few detections' ELSE '' END, '[]',
        %(now)s
    FROM targets_targetsummary
"""
MOVE = """
    UPDATE targets_targetsummary SET star_separation_arcsec = 0.05, star_score = 0.99
    WHERE mod(target_id, %(every)s) = 0
"""
# As a new map does.
MOVE_ALL = "UPDATE candidates_eventcandidate SET probdensity = 1.1 * probdensity"


def add_night(n: int, *, rng: np.random.Generator) -> None:
    """Add targets that were seen often in the days after a merger."""
    add_targets(n, rng=rng, points=POINTS_EACH, days=LAST_DAYS)


def measure_ranking() -> dict[str, object]:
    """Return seconds of one process: the first ranking, one after few moved, one made again.

    And one after all moved. The processor's seconds are of this process and of its connection's.
    """
    event = _add_event()
    first, _ = _seconds_to_rank(event)
    rows_of_first = RankedCandidate.objects.filter(event=event).count()
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"every": EVERY_MOVED})
    few, few_spent = _seconds_to_rank(event)
    newest = newest_ranking(event)
    if newest is None:
        message = "nothing was ranked"
        raise RuntimeError(message)
    rows_of_second = newest.places.count()
    with timed() as again:
        recompute(newest)
    with connection.cursor() as cursor:
        cursor.execute(MOVE_ALL)
    whole, whole_spent = _seconds_to_rank(event)
    return {
        "candidates": event.candidates.count(),
        "points": LightCurvePoint.objects.count(),
        "first_seconds": first,
        "after_few_moved_seconds": few,
        "after_few_moved_processor_s": few_spent,
        "after_all_moved_seconds": whole,
        "after_all_moved_processor_s": whole_spent,
        "made_again_seconds": round(again.seconds, 3),
        "rows_of_first": rows_of_first,
        "rows_of_second": rows_of_second,
    }


def _seconds_to_rank(event: NonLocalizedEvent) -> tuple[float, float]:
    """Rank an event: the seconds by the clock, and those on processors."""
    spent = Processors()
    before = spent()
    with timed() as clock:
        _rank(event)
    return round(clock.seconds, 3), round(spent() - before, 3)


def measure_list(*, times: int) -> dict[str, object]:
    """Return seconds of a list without an event: the first ranking, one where nothing moved.

    And its page as an observer sees it. Every target that there is belongs to the list.
    """
    serve_here()
    strategy = Strategy.objects.create(
        name="bench", sought=["transient"], terms=["star", "minor planet"], days_before=1000.0
    )
    with timed() as first:
        newest = rank_newly(strategy)
    with timed() as unchanged:
        again = rank_newly(strategy)
    if newest is None or again is not None:
        message = "the list was not ranked once"
        raise RuntimeError(message)
    client = Client()
    client.force_login(factories.make_observer("bench list"))
    return {
        "targets": newest.places.count(),
        "first_seconds": round(first.seconds, 3),
        "unchanged_seconds": round(unchanged.seconds, 3),
        "page": measure_page(client, f"/lists/{strategy.pk}/", times),
    }


def rank_newly(strategy: Strategy) -> Ranking | None:
    """Rank a list without an event; None: nothing moved."""
    with transaction.atomic():
        return rank_list(Listing(None, strategy), Basis.present(strategy, None))


def _add_event() -> NonLocalizedEvent:
    event = factories.make_event("S261120many")
    now = timezone.now()
    NonLocalizedEvent.objects.filter(pk=event.pk).update(time=now - timedelta(days=MERGER_DAYS))
    event.refresh_from_db()
    values = {"event": event.pk, "now": now}
    values["localization"] = event.localizations.order_by("-time")[0].pk
    values["since"] = window_start(event, strategy_of(event))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ADD_CANDIDATES, values)
        cursor.execute(ADD_SURROUNDINGS, values)
        for scorer in scorers():
            spec = scorer.spec
            named = {"scorer": spec.name, "version": spec.version, "label": spec.classes[0]}
            cursor.execute(ADD_SCORES, values | named)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return event


def _rank(event: NonLocalizedEvent) -> None:
    with transaction.atomic():
        if rank_event(event) is None:
            message = f"nothing moved among {TargetSummary.objects.count()} targets"
            raise RuntimeError(message)
