"""Match targets with events."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import F, Max, Min, Q, QuerySet

from tom.candidates.models import WINDOWS, CandidateRule
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.locks import change_events
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.events.services import note_changes
from tom.sky import credible_ranges, levels_2d, levels_3d, probdensity_at
from tom.targets.copy import Table, copy_rows
from tom.targets.models import TargetSummary

RANGES = Table("sky_ranges", {"first": "bigint", "stop": "bigint"})
NEW = Table(
    "new_candidates",
    {"target_id": "bigint", "level_2d": "float8", "level_3d": "float8", "density": "float8"},
)


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

    Known candidates get their new levels, those now outside too: nothing is deleted. The caller
    has called `change_events`, so that no target is missed that is being stored.
    """
    chosen = chosen_localization(event)
    if chosen is None:
        return 0
    rule = rule_of(event)
    inside = _in_region(chosen, rule.level_stored)
    in_window = _in_window(event, rule)
    found = in_window.filter(target_id__in=inside) if inside else in_window.none()
    known = TargetSummary.objects.filter(target__candidacies__event=event)
    if _keep(event, chosen, [*found, *known]):
        note_changes([event.pk])
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
    summaries = TargetSummary.objects.filter(target_id__in=list(target_ids))
    for event in events_near(summaries, rules.values()).order_by("pk"):
        chosen = chosen_localization(event)
        if chosen is None:
            continue
        rule = rules[event.kind]
        inside = _inside(chosen, rule.level_stored, list(_in_window(event, rule, summaries)))
        known = summaries.filter(target__candidacies__event=event)
        if _keep(event, chosen, [*inside, *known]):
            touched.add(event.pk)
    note_changes(touched)
    return touched


def events_near(
    summaries: QuerySet[TargetSummary], rules: Iterable[CandidateRule]
) -> QuerySet[NonLocalizedEvent]:
    """Events in whose window the detections of these targets may lie.

    By the detections' own times, not by the clock: a night replayed matches as it did then.
    """
    span = summaries.aggregate(first=Min("first_detection"), last=Max("last_detection"))
    events = NonLocalizedEvent.objects.filter(retracted=False)
    if span["first"] is None:
        return events.none()
    near = Q(time=None)
    for rule in rules:
        ours = Q(kind=rule.kind)
        if rule.days_after is not None:
            ours &= Q(time__gte=span["first"] - timedelta(days=rule.days_after))
        if rule.days_before is not None:
            ours &= Q(time__lte=span["last"] + timedelta(days=rule.days_before))
        near |= ours
    return events.filter(near)


def _in_region(chosen: EventLocalization, level: float) -> list[int]:
    ranges = credible_ranges(skymap_of(chosen.localization_id), level)
    with transaction.atomic(), connection.cursor() as cursor:
        copy_rows(cursor, RANGES, ranges.tolist())
        cursor.execute(
            """
            SELECT s.target_id FROM sky_ranges r JOIN targets_targetsummary s
            ON s.healpix29 >= r.first AND s.healpix29 < r.stop
            """
        )
        return [pk for (pk,) in cursor.fetchall()]


def _inside(
    chosen: EventLocalization, level: float, rows: Sequence[TargetSummary]
) -> list[TargetSummary]:
    """The rows in the region that `_in_region` searches."""
    start, stop = credible_ranges(skymap_of(chosen.localization_id), level).T
    places = np.array([row.healpix29 for row in rows], np.int64)
    last = np.searchsorted(start, places, side="right") - 1
    within = (last >= 0) & (places < stop[last])
    return [row for row, is_inside in zip(rows, within, strict=True) if is_inside]


def _in_window(
    event: NonLocalizedEvent,
    rule: CandidateRule,
    summaries: QuerySet[TargetSummary] | None = None,
) -> QuerySet[TargetSummary]:
    """Targets that shone in the event's window; what shone earlier too is weighed, not cut."""
    rows = TargetSummary.objects.all() if summaries is None else summaries
    if event.is_live:  # what is known from a test alone is no candidate of anything real
        rows = rows.filter(is_test=False)
    if event.time is None:
        return rows
    if rule.days_after is not None:
        rows = rows.filter(first_detection__lte=event.time + timedelta(days=rule.days_after))
    if rule.days_before is not None:
        rows = rows.filter(last_detection__gte=event.time - timedelta(days=rule.days_before))
    return rows


def _keep(
    event: NonLocalizedEvent, chosen: EventLocalization, summaries: Sequence[TargetSummary]
) -> int:
    rows = list({row.pk: row for row in summaries}.values())
    if not rows:
        return 0
    skymap = skymap_of(chosen.localization_id)
    places = np.array([row.healpix29 for row in rows], np.int64)
    distance = np.array([row.host_distance_mpc or np.nan for row in rows])
    error = np.array([row.host_distance_error_mpc or 0.0 for row in rows])
    columns = (
        levels_2d(skymap, places),
        levels_3d(skymap, places, distance, error) if skymap.is_3d else np.full(len(rows), np.nan),
        probdensity_at(skymap, places),
    )
    values = [[None if np.isnan(x) else float(x) for x in column] for column in columns]
    with transaction.atomic(), connection.cursor() as cursor:
        copy_rows(cursor, NEW, zip([row.pk for row in rows], *values, strict=True))
        cursor.execute(KEEP, {"event": event.pk, "localization": chosen.pk})
        fresh = [target for target, is_new in cursor.fetchall() if is_new]
        # What was scored outside an event's window is scored anew inside it.
        TargetSummary.objects.filter(pk__in=fresh).update(version=F("version") + 1)
    return len(rows)


KEEP = """
    INSERT INTO candidates_eventcandidate (event_id, target_id, localization_id, vetting, created,
        credible_level_2d, credible_level_3d, probdensity)
    SELECT %(event)s, target_id, %(localization)s, 'new', now(), level_2d, level_3d, density
    FROM new_candidates ORDER BY target_id
    ON CONFLICT (event_id, target_id) DO UPDATE
    SET localization_id = excluded.localization_id,
        credible_level_2d = excluded.credible_level_2d,
        credible_level_3d = excluded.credible_level_3d, probdensity = excluded.probdensity
    RETURNING target_id, xmax = 0
"""
