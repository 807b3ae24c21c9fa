"""Match a batch of targets with all events at once, by the stored ranges of the regions."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max, Min, Q, QuerySet

from tom.candidates.keeping import Match
from tom.events.localizations import Turn
from tom.events.models import NonLocalizedEvent
from tom.events.regions import regions_of
from tom.strategies.models import Strategy
from tom.targets.models import AudienceSummary, TargetSummary

Maps = Sequence[tuple[NonLocalizedEvent, Sequence[Turn]]]
Strategies = Mapping[str, Strategy]


def events_near(target_ids: Sequence[int], strategies: Strategies) -> QuerySet[NonLocalizedEvent]:
    """Return the events whose time window may contain the detections of these targets.

    The detections' own times decide, not the clock: so a replayed night gives the same matches.
    """
    span = _span(target_ids)
    if span is None:
        return NonLocalizedEvent.objects.none()
    first, last = span
    near = Q(time=None)
    for strategy in strategies.values():
        ours = Q(kind=strategy.kind)
        if strategy.days_after is not None:
            ours &= Q(time__gte=first - timedelta(days=strategy.days_after))
        if strategy.days_before is not None:
            ours &= Q(time__lte=last + timedelta(days=strategy.days_before))
        near |= ours
    return NonLocalizedEvent.objects.filter(near, retracted=False)


def matches_of(target_ids: Sequence[int], maps: Maps, strategies: Strategies) -> list[Match]:
    """Return the matches of these targets with the events' regions and windows.

    A target that is already a candidate of an event matches too. The number of queries does not
    depend on the number of events.
    """
    levels = {event.pk: strategies[event.kind].level_stored for event, _ in maps}
    keys = [(use.localization_id, levels[event.pk]) for event, turns in maps for use, _ in turns]
    regions = regions_of(keys)
    rows = [
        (event.pk, region, until, *window(event, strategies[event.kind]), event.is_live)
        for event, turns in maps
        for use, until in turns
        for region in [regions[use.localization_id, levels[event.pk]]]
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in COLUMNS]
    parameters = {"targets": list(target_ids), **dict(zip(COLUMNS, columns, strict=True))}
    with connection.cursor() as cursor:
        cursor.execute(MATCH, parameters)
        found = cursor.fetchall()
    return [Match(event, target, tuple(audience), at) for event, target, audience, at in found]


def window(event: NonLocalizedEvent, strategy: Strategy) -> tuple[datetime | None, datetime | None]:
    """Return the earliest time of a candidate's last detection and the latest of its first one.

    None: no limit.
    """
    if event.time is None:
        return None, None
    before, after = strategy.days_before, strategy.days_after
    return (
        None if before is None else event.time - timedelta(days=before),
        None if after is None else event.time + timedelta(days=after),
    )


def _span(target_ids: Sequence[int]) -> tuple[datetime, datetime] | None:
    """Return the first and the last detection of all these targets, over all audiences."""
    ends = {"first": Min("first_detection"), "last": Max("last_detection")}
    spans = [
        model.objects.filter(target__in=target_ids).aggregate(**ends)
        for model in (TargetSummary, AudienceSummary)
    ]
    firsts = [span["first"] for span in spans if span["first"] is not None]
    lasts = [span["last"] for span in spans if span["last"] is not None]
    return (min(firsts), max(lasts)) if firsts else None


COLUMNS = ("events", "regions", "untils", "earliest", "latest", "live")
# A target known only from a test is not a candidate of a real event. Candidates of these events
# stay candidates, and get new levels.
MATCH = """
    WITH places AS MATERIALIZED (
        SELECT target_id, '{}'::bigint[] AS programs, healpix29, first_detection, last_detection,
            is_test
        FROM targets_targetsummary WHERE target_id = ANY(%(targets)s)
        UNION ALL
        SELECT a.target_id, a.programs, a.healpix29, a.first_detection, a.last_detection, s.is_test
        FROM targets_audiencesummary a LEFT JOIN targets_targetsummary s USING (target_id)
        WHERE a.target_id = ANY(%(targets)s)
    ), maps AS MATERIALIZED (
        SELECT * FROM unnest(%(events)s::bigint[], %(regions)s::bigint[], %(untils)s::timestamptz[],
            %(earliest)s::timestamptz[], %(latest)s::timestamptz[], %(live)s::boolean[])
        AS map (event_id, region_id, until, earliest, latest, is_live)
    )
    SELECT map.event_id, p.target_id, p.programs, p.healpix29
    FROM places p
    JOIN events_regionrange r ON int8range(r.first, r.stop) @> p.healpix29
    JOIN maps map USING (region_id)
    WHERE (map.earliest IS NULL OR p.last_detection >= map.earliest)
        AND (map.latest IS NULL OR p.first_detection <= map.latest)
        AND (map.until IS NULL OR p.first_detection < map.until)
        AND (NOT map.is_live OR p.is_test IS FALSE)
    UNION
    SELECT c.event_id, p.target_id, p.programs, p.healpix29
    FROM places p JOIN candidates_eventcandidate c USING (target_id)
    WHERE c.event_id = ANY(%(events)s) AND (c.is_public AND p.programs = '{}' OR EXISTS (
        SELECT FROM candidates_candidatestanding k
        WHERE k.candidate_id = c.id AND k.programs = p.programs))
"""
