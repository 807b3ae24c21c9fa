"""Match targets with events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from tom.candidates.batches import events_near, matches_of, window
from tom.candidates.facts import forget_public_facts
from tom.candidates.keeping import Match, keep
from tom.candidates.models import EventCandidate
from tom.candidates.told import told_summaries
from tom.candidates.verdicts import show_public_verdicts
from tom.events.localizations import chosen_localization, maps_in_turn, maps_of
from tom.events.locks import change_events
from tom.events.models import NonLocalizedEvent
from tom.events.regions import ranges_in, regions_of
from tom.events.services import note_changes
from tom.sky import merge_ranges, within_ranges
from tom.sky.arrays import BoolArray, IntArray
from tom.strategies.services import strategies_of_kinds, strategy_of
from tom.targets.models import AudienceSummary, TargetSummary

Summary = TargetSummary | AudienceSummary
ObjectArray = npt.NDArray[np.object_]
# What of a summary is matched.
PLACED = ("target_id", "healpix29")
TOLD = (*PLACED, "programs")


def match_event(event: NonLocalizedEvent) -> int:
    """Find every candidate of an event by its present localization; return how many it has.

    Known candidates get new levels, also the ones that are now outside: nothing is deleted. A
    target in the region of an earlier map is a candidate if it was detected before the time of the
    next map, and so is a target that somebody says belongs to it. The order in which maps and
    targets came does not matter. The caller has called `change_events`, so that no target that is
    being stored is missed.
    """
    maps = maps_in_turn(event)
    if not maps:
        return 0
    (chosen, _), *_earlier = maps
    strategy = strategy_of(event)
    regions = regions_of({(use.localization_id, strategy.level_stored) for use, _ in maps})
    ranges = ranges_in(set(regions.values()))
    held = [
        Held(ranges[regions[use.localization_id, strategy.level_stored]], until)
        for use, until in maps
    ]
    found: list[Summary] = []
    for summaries in (TargetSummary.objects.only(*PLACED), AudienceSummary.objects.only(*TOLD)):
        inside = _inside(held, Shone(*window(event, strategy)), summaries)
        new = list(_of_kind(event, summaries.filter(pk__in=inside))) if inside else []
        others = summaries.exclude(pk__in=[row.pk for row in new])
        found += [*new, *_known(event, others)]
    rows = [*found, *told_summaries(event)]
    matches = [Match(event.pk, row.target_id, row.audience, row.healpix29) for row in rows]
    note_changes(keep(matches, {event.pk: chosen}))
    show_public_verdicts(EventCandidate.objects.filter(event=event))
    return event.candidates.count()


def match_if_due(event: NonLocalizedEvent) -> None:
    """Match an event whose localization was changed by hand."""
    due = NonLocalizedEvent.objects.filter(pk=event.pk, match_due=True)
    if not due.exists():
        return
    with transaction.atomic():
        change_events()
        # Read the event again: another localization may have been chosen meanwhile.
        for changed in due.select_for_update():
            due.update(match_due=False)
            match_event(changed)


def match_anew(kind: str, *, since: datetime) -> None:
    """Make the events of a kind from `since` on due, after a person changed a strategy."""
    events = NonLocalizedEvent.objects.filter(Q(time=None) | Q(time__gte=since), kind=kind)
    with transaction.atomic():
        note_changes(events.values_list("pk", flat=True))  # locks the events, in its order
        events.update(match_due=True)


def match_targets(target_ids: Iterable[int]) -> set[int]:
    """Match changed targets with every event they may belong to; return the keys of the events.

    The number of queries depends neither on the number of events nor on that of targets.
    The caller has called `hold_events`, so that no event that is being stored is missed.
    """
    ids = list(target_ids)
    strategies = strategies_of_kinds()
    maps = maps_of(events_near(ids, strategies))
    chosen = {event.pk: use for event, ((use, _), *_earlier) in maps}
    touched = keep(matches_of(ids, maps, strategies), chosen)
    note_changes(touched)
    show_public_verdicts(EventCandidate.objects.filter(target__in=ids))
    return touched


def adopt_candidates(
    other: NonLocalizedEvent, kept: NonLocalizedEvent, target_ids: Iterable[int]
) -> None:
    """Make these targets, candidates of one event, candidates of another one, if it has a map.

    Its map and window may leave them out. The caller has called `change_events`.
    """
    chosen = chosen_localization(kept)
    ids = list(target_ids)
    if chosen is None or not ids:
        return
    rows = [
        *_known(other, TargetSummary.objects.filter(target__in=ids)),
        *_known(other, AudienceSummary.objects.filter(target__in=ids)),
    ]
    keep(
        [Match(kept.pk, row.target_id, row.audience, row.healpix29) for row in rows],
        {kept.pk: chosen},
    )


def match_told(event: NonLocalizedEvent) -> None:
    """Make the targets that somebody says belong to an event candidates of it, if it has a map.

    The caller has called `hold_events`.
    """
    chosen = chosen_localization(event)
    if chosen is None:
        return
    rows = told_summaries(event)
    matches = [Match(event.pk, row.target_id, row.audience, row.healpix29) for row in rows]
    note_changes(keep(matches, {event.pk: chosen}))
    show_public_verdicts(EventCandidate.objects.filter(event=event))


def doubt_candidates(target_ids: Sequence[int]) -> None:
    """Make these targets' candidates not public, without figures, until they are matched again."""
    EventCandidate.objects.filter(target__in=target_ids).update(
        is_public=False,
        credible_level_2d=None,
        credible_level_3d=None,
        probdensity=None,
        rank=None,
        log_weight=None,
        log_weight_low=None,
        log_weight_high=None,
    )
    forget_public_facts(target_ids)


def _known(event: NonLocalizedEvent, summaries: QuerySet[Any]) -> QuerySet[Any]:
    """Ask for those summaries, all of one kind, whose targets are candidates of the event."""
    if summaries.model is TargetSummary:
        return summaries.filter(
            target__candidacies__event=event, target__candidacies__is_public=True
        )
    return summaries.filter(
        target__candidacies__event=event, target__candidacies__standings__programs=F("programs")
    ).distinct()


class Held(NamedTuple):
    """The region of a map, as ranges of shape `(k, 2)`, and until when it held; None: it holds."""

    ranges: IntArray
    until: datetime | None

    def takes(self, healpix29: IntArray, first_detections: ObjectArray) -> BoolArray:
        """Tell which places lie in it, of those first detected while the map held."""
        inside = within_ranges(healpix29, self.ranges)
        if self.until is not None:
            at = np.flatnonzero(inside)
            inside[at] = [
                first is not None and first < self.until for first in first_detections[at]
            ]
        return inside


class Shone(NamedTuple):
    """When a row must have been detected; None: no limit. Earlier detections exclude no row."""

    earliest: datetime | None
    latest: datetime | None

    def conditions(self) -> dict[str, datetime]:
        """Conditions on the row `s` in SQL, each with the value that it takes.

        They go by no index: a row is found by its place.
        """
        by_value = {
            "s.last_detection + interval '0' >= %s": self.earliest,
            "s.first_detection + interval '0' <= %s": self.latest,
        }
        return {text: value for text, value in by_value.items() if value is not None}


def _inside(maps: Sequence[Held], shone: Shone, summaries: QuerySet[Any]) -> list[int]:
    """Return the keys of the summaries that lie in the region of a map, of those that shone then.

    The database looks through all regions at once: those of one event overlap.
    """
    table, key = summaries.model._meta.db_table, summaries.model._meta.pk.column
    wanted = shone.conditions()
    condition = " AND ".join(wanted) or "true"
    merged = merge_ranges(np.concatenate([each.ranges for each in maps]))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT s.{key}, s.healpix29, s.first_detection
            FROM unnest(%s::bigint[], %s::bigint[]) AS r (first, stop) JOIN {table} s
            ON s.healpix29 >= r.first AND s.healpix29 < r.stop WHERE {condition}
            """,  # noqa: S608  the names of our own tables and columns
            [merged[:, 0].tolist(), merged[:, 1].tolist(), *wanted.values()],
        )
        rows = cursor.fetchall()
    if not rows:
        return []
    keys, healpix29, first_detections = zip(*rows, strict=True)
    places = np.array(healpix29, dtype=np.int64), np.array(first_detections, dtype=object)
    taken = np.logical_or.reduce([each.takes(*places) for each in maps])
    return [keys[at] for at in np.flatnonzero(taken)]


def _of_kind(event: NonLocalizedEvent, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows that may be candidates: of a real event none that only a test tells of."""
    return rows.filter(target__summary__is_test=False) if event.is_live else rows
