"""Match targets with events."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import F, Max, Min, Q, QuerySet

from tom.candidates.models import WINDOWS, CandidateRule, EventCandidate
from tom.candidates.verdicts import show_public_verdicts
from tom.events.localizations import maps_in_turn, skymap_of
from tom.events.locks import change_events
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.events.services import note_changes
from tom.sky import credible_ranges, levels_2d, levels_3d, probdensity_at
from tom.targets.copy import Table, copy_rows
from tom.targets.models import Audience, AudienceSummary, TargetSummary

RANGES = Table("sky_ranges", {"first": "bigint", "stop": "bigint"})
NEW = Table(
    "new_candidates",
    {
        "target_id": "bigint",
        "programs": "bigint[]",
        "level_2d": "float8",
        "level_3d": "float8",
        "density": "float8",
    },
)
Summary = TargetSummary | AudienceSummary


def rules_of_kinds() -> dict[str, CandidateRule]:
    """The settings of every kind of event; the first ones again where somebody deleted a row."""
    first = {
        kind: CandidateRule(kind=kind, days_before=before, days_after=after)
        for kind, (before, after) in WINDOWS.items()
    }
    return first | {rule.kind: rule for rule in CandidateRule.objects.all()}


def rule_of(event: NonLocalizedEvent) -> CandidateRule:
    """The settings of the event's kind."""
    return rules_of_kinds()[event.kind]


def match_event(event: NonLocalizedEvent) -> int:
    """Find every candidate of an event by its present localization; return how many it has.

    Known candidates get their new levels, those now outside too: nothing is deleted. What had shone
    in the region of an earlier map before the next one's time is a candidate, in whatever order
    maps and targets came. The caller has called `change_events`, so that no target is missed that
    is being stored.
    """
    maps = maps_in_turn(event)
    if not maps:
        return 0
    (chosen, _), *_earlier = maps
    rule = rule_of(event)
    found: list[Summary] = []
    public, narrower = TargetSummary.objects.all(), AudienceSummary.objects.all()
    for summaries, (use, until) in product((public, narrower), maps):
        inside = _in_region(use, rule.level_stored, summaries)
        shone = _before(until, _in_window(event, rule, summaries))
        found += shone.filter(pk__in=inside) if inside else []
    if _keep(event, chosen, [*found, *_known(event, public, narrower)]):
        note_changes([event.pk])
    show_public_verdicts(EventCandidate.objects.filter(event=event))
    return event.candidates.count()


def match_if_due(event: NonLocalizedEvent) -> None:
    """Match an event whose localization was changed by hand."""
    due = NonLocalizedEvent.objects.filter(pk=event.pk, match_due=True)
    if not due.exists():
        return
    with transaction.atomic():
        change_events()
        # Read anew: another localization may have been chosen meanwhile.
        for changed in due.select_for_update():
            due.update(match_due=False)
            match_event(changed)


def match_anew(kind: str, *, since: datetime) -> None:
    """Make the events of a kind from `since` on due, for a rule that was changed by hand."""
    events = NonLocalizedEvent.objects.filter(Q(time=None) | Q(time__gte=since), kind=kind)
    with transaction.atomic():
        note_changes(events.values_list("pk", flat=True))  # which locks them in its order
        events.update(match_due=True)


def match_targets(target_ids: Iterable[int]) -> set[int]:
    """Match changed targets with every event they may belong to; return those events' ids.

    The caller has called `hold_events`, so that no event is missed that is being stored.
    """
    touched: set[int] = set()
    rules = rules_of_kinds()
    ids = list(target_ids)
    public = TargetSummary.objects.filter(target__in=ids)
    narrower = _narrower(ids)
    for event in _events_near(public, narrower, rules.values()):
        maps = maps_in_turn(event)
        if not maps:
            continue
        (chosen, _), *_earlier = maps
        rule = rules[event.kind]
        shone = [*_in_window(event, rule, public), *_in_window(event, rule, narrower)]
        inside: list[Summary] = []
        for use, until in maps:
            inside += _inside(use, rule.level_stored, [r for r in shone if _is_before(until, r)])
        if _keep(event, chosen, [*inside, *_known(event, public, narrower)]):
            touched.add(event.pk)
    note_changes(touched)
    show_public_verdicts(EventCandidate.objects.filter(target__in=ids))
    return touched


def doubt_candidates(target_ids: Sequence[int]) -> None:
    """Take what made targets candidates as not public, until they are matched again."""
    EventCandidate.objects.filter(target__in=target_ids).update(
        is_public=False,
        credible_level_2d=None,
        credible_level_3d=None,
        probdensity=None,
        rank=None,
        posterior=None,
        posterior_low=None,
        posterior_high=None,
    )


def _known(
    event: NonLocalizedEvent,
    public: QuerySet[TargetSummary],
    narrower: QuerySet[AudienceSummary],
) -> list[Summary]:
    """Those of these summaries by which the event has candidates already."""
    openly = public.filter(target__candidacies__event=event, target__candidacies__is_public=True)
    others = narrower.filter(
        target__candidacies__event=event, target__candidacies__standings__programs=F("programs")
    )
    return [*openly, *others.distinct()]


def _narrower(target_ids: Sequence[int]) -> QuerySet[AudienceSummary]:
    """The summaries of narrower audiences; mostly there are none, which is asked but once."""
    rows = AudienceSummary.objects.filter(target__in=target_ids)
    return rows if rows.exists() else rows.none()


def _events_near(
    public: QuerySet[TargetSummary],
    narrower: QuerySet[AudienceSummary],
    rules: Iterable[CandidateRule],
) -> QuerySet[NonLocalizedEvent]:
    """Events in whose window the detections of these targets may lie, in order.

    By the detections' own times, not by the clock: a night replayed matches as it did then.
    """
    ends = {"first": Min("first_detection"), "last": Max("last_detection")}
    spans = [rows.aggregate(**ends) for rows in (public, narrower)]
    firsts = [span["first"] for span in spans if span["first"] is not None]
    events = NonLocalizedEvent.objects.filter(retracted=False).order_by("pk")
    if not firsts:
        return events.none()
    span = {"first": min(firsts), "last": max(span["last"] for span in spans if span["last"])}
    near = Q(time=None)
    for rule in rules:
        ours = Q(kind=rule.kind)
        if rule.days_after is not None:
            ours &= Q(time__gte=span["first"] - timedelta(days=rule.days_after))
        if rule.days_before is not None:
            ours &= Q(time__lte=span["last"] + timedelta(days=rule.days_before))
        near |= ours
    return events.filter(near)


def _in_region(chosen: EventLocalization, level: float, summaries: QuerySet[Any]) -> list[int]:
    """The keys of the summaries whose place lies in the region."""
    table, key = summaries.model._meta.db_table, summaries.model._meta.pk.column
    ranges = credible_ranges(skymap_of(chosen.localization_id), level)
    with transaction.atomic(), connection.cursor() as cursor:
        copy_rows(cursor, RANGES, ranges.tolist())
        cursor.execute(
            f"""
            SELECT s.{key} FROM sky_ranges r JOIN {table} s
            ON s.healpix29 >= r.first AND s.healpix29 < r.stop
            """  # noqa: S608  the names of our own tables
        )
        return [pk for (pk,) in cursor.fetchall()]


def _inside(chosen: EventLocalization, level: float, rows: Sequence[Summary]) -> list[Summary]:
    """The rows in the region that `_in_region` searches."""
    if not rows:
        return []
    start, stop = credible_ranges(skymap_of(chosen.localization_id), level).T
    places = np.array([row.healpix29 for row in rows], np.int64)
    last = np.searchsorted(start, places, side="right") - 1
    within = (last >= 0) & (places < stop[last])
    return [row for row, is_inside in zip(rows, within, strict=True) if is_inside]


def _in_window(event: NonLocalizedEvent, rule: CandidateRule, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Targets that shone in the event's window; what shone earlier too is weighed, not cut."""
    if event.is_live:  # what is known from a test alone is no candidate of anything real
        rows = rows.filter(target__summary__is_test=False)
    if event.time is None:
        return rows
    if rule.days_after is not None:
        rows = rows.filter(first_detection__lte=event.time + timedelta(days=rule.days_after))
    if rule.days_before is not None:
        rows = rows.filter(last_detection__gte=event.time - timedelta(days=rule.days_before))
    return rows


def _before(until: datetime | None, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those that had shone while a map held: until the next one's time, None for no end."""
    return rows if until is None else rows.filter(first_detection__lt=until)


def _is_before(until: datetime | None, row: Summary) -> bool:
    return until is None or (row.first_detection is not None and row.first_detection < until)


def _keep(event: NonLocalizedEvent, chosen: EventLocalization, summaries: Sequence[Summary]) -> int:
    rows = list({(row.target_id, row.audience): row for row in summaries}.values())
    if not rows:
        return 0
    skymap = skymap_of(chosen.localization_id)
    places = np.array([row.healpix29 for row in rows], np.int64)
    hosts = known_hosts([row.target_id for row in rows])
    distance = np.array([hosts.get(row.target_id, (np.nan, 0.0))[0] for row in rows])
    error = np.array([hosts.get(row.target_id, (np.nan, 0.0))[1] for row in rows])
    columns = (
        levels_2d(skymap, places),
        levels_3d(skymap, places, distance, error) if skymap.is_3d else np.full(len(rows), np.nan),
        probdensity_at(skymap, places),
    )
    values = [[None if np.isnan(x) else float(x) for x in column] for column in columns]
    whose = [(row.target_id, _array(row.audience)) for row in rows]
    with transaction.atomic(), connection.cursor() as cursor:
        copy_rows(
            cursor,
            NEW,
            ((*who, *figures) for who, *figures in zip(whose, *values, strict=True)),
        )
        ids = {"event": event.pk, "localization": chosen.pk}
        # What was scored outside an event's window is scored anew inside it.
        cursor.execute(NOTE_FRESH, ids)
        cursor.execute(NOTE_FRESH_AUDIENCES, ids)
        cursor.execute(KEEP, ids)
        cursor.execute(KEEP_STANDINGS, ids)
    return len(rows)


def known_hosts(target_ids: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Distance and error of the hosts that are known, Mpc."""
    known = TargetSummary.objects.filter(pk__in=target_ids, host_distance_mpc__isnull=False)
    rows = known.values_list("pk", "host_distance_mpc", "host_distance_error_mpc")
    return {pk: (distance or 0.0, error or 0.0) for pk, distance, error in rows}


def _array(audience: Audience) -> str:
    """An array in PostgreSQL's own writing, for COPY."""
    return "{" + ",".join(map(str, audience)) + "}"


NOTE_FRESH = """
    UPDATE targets_targetsummary s SET version = s.version + 1
    FROM new_candidates n WHERE s.target_id = n.target_id AND n.programs = '{}' AND NOT EXISTS (
        SELECT FROM candidates_eventcandidate c
        WHERE c.event_id = %(event)s AND c.target_id = n.target_id AND c.is_public)
"""
NOTE_FRESH_AUDIENCES = """
    UPDATE targets_audiencesummary s SET version = s.version + 1
    FROM new_candidates n
    WHERE s.target_id = n.target_id AND s.programs = n.programs AND NOT EXISTS (
        SELECT FROM candidates_eventcandidate c
        JOIN candidates_candidatestanding k ON k.candidate_id = c.id
        WHERE c.event_id = %(event)s AND c.target_id = n.target_id AND k.programs = n.programs)
"""
# First a candidate by public points, or one by others alone, which has no public standing; what
# became public by now counts as made now.
KEEP = """
    INSERT INTO candidates_eventcandidate AS old (event_id, target_id, localization_id, vetting,
        created, is_public, credible_level_2d, credible_level_3d, probdensity)
    SELECT DISTINCT ON (target_id) %(event)s, target_id, %(localization)s, 'new', now(),
        programs = '{}', CASE WHEN programs = '{}' THEN level_2d END,
        CASE WHEN programs = '{}' THEN level_3d END, CASE WHEN programs = '{}' THEN density END
    FROM new_candidates ORDER BY target_id, programs
    ON CONFLICT (event_id, target_id) DO UPDATE
    SET localization_id = excluded.localization_id,
        created = CASE WHEN excluded.is_public AND NOT old.is_public THEN now()
            ELSE old.created END,
        is_public = old.is_public OR excluded.is_public,
        credible_level_2d = excluded.credible_level_2d,
        credible_level_3d = excluded.credible_level_3d, probdensity = excluded.probdensity
"""
KEEP_STANDINGS = """
    INSERT INTO candidates_candidatestanding (candidate_id, programs, created, credible_level_2d,
        credible_level_3d, probdensity)
    SELECT c.id, n.programs, now(), n.level_2d, n.level_3d, n.density
    FROM new_candidates n JOIN candidates_eventcandidate c
        ON c.target_id = n.target_id AND c.event_id = %(event)s
    WHERE n.programs <> '{}' ORDER BY c.id, n.programs
    ON CONFLICT (candidate_id, programs) DO UPDATE
    SET credible_level_2d = excluded.credible_level_2d,
        credible_level_3d = excluded.credible_level_3d, probdensity = excluded.probdensity
"""
