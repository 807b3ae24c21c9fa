"""Matching with all events at once finds what matching event by event does, in as few queries."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.candidates.worlds import fill_world, move_world
from tests.factories import MERGER, make_event, make_target
from tom.candidates.models import CandidateStanding, EventCandidate
from tom.candidates.services import match_targets
from tom.events.localizations import choose_localization, maps_in_turn, skymap_of
from tom.events.models import EventLocalization, NonLocalizedEvent, Region
from tom.sky import credible_ranges, levels_2d, levels_3d, probdensity_at
from tom.strategies.services import strategy_of
from tom.targets.models import AudienceSummary, TargetSummary

pytestmark = pytest.mark.django_db

Summary = TargetSummary | AudienceSummary
Who = tuple[int, int, tuple[int, ...]]


# --- The rule, written down for one event and one row at a time ---------------------------------
def is_near(event: NonLocalizedEvent, rows: Iterable[Summary]) -> bool:
    """Whether the detections of a whole batch may lie in the event's window."""
    firsts = [row.first_detection for row in rows if row.first_detection]
    lasts = [row.last_detection for row in rows if row.last_detection]
    if not firsts or event.retracted:
        return False
    return event.time is None or shines(event, min(firsts), max(lasts))


def shines(event: NonLocalizedEvent, first: datetime | None, last: datetime | None) -> bool:
    strategy = strategy_of(event)
    if event.time is None:
        return True
    if strategy.days_after is not None and not (
        first and first <= event.time + timedelta(days=strategy.days_after)
    ):
        return False
    return strategy.days_before is None or bool(
        last and last >= event.time - timedelta(days=strategy.days_before)
    )


def lies_in(use: EventLocalization, row: Summary) -> bool:
    ranges = credible_ranges(skymap_of(use.localization_id), strategy_of(use.event).level_stored)
    return any(first <= row.healpix29 < stop for first, stop in ranges.tolist())


def is_new(event: NonLocalizedEvent, row: Summary) -> bool:
    is_test = TargetSummary.objects.get(target=row.target_id).is_test
    if (event.is_live and is_test) or not shines(event, row.first_detection, row.last_detection):
        return False
    return any(
        lies_in(use, row) and (until is None or (row.first_detection or until) < until)
        for use, until in maps_in_turn(event)
    )


def is_known(event: NonLocalizedEvent, row: Summary) -> bool:
    mine = EventCandidate.objects.filter(event=event, target=row.target_id)
    if row.audience:
        return mine.filter(standings__programs=list(row.audience)).exists()
    return mine.filter(is_public=True).exists()


def one_by_one(target_ids: Iterable[int]) -> Iterator[tuple[Who, tuple[float | None, ...]]]:
    """Who is a candidate of what, as which audience knows it, with the levels."""
    public, narrower = (
        model.objects.filter(target__in=target_ids) for model in (TargetSummary, AudienceSummary)
    )
    rows = [*public, *narrower]
    for event in NonLocalizedEvent.objects.all():
        chosen = choose_localization(event, event.localizations.all())
        if chosen is None or not is_near(event, rows):
            continue
        for row in rows:
            if is_new(event, row) or is_known(event, row):
                yield (event.pk, row.target_id, row.audience), levels(chosen, row)


def levels(chosen: EventLocalization, row: Summary) -> tuple[float | None, ...]:
    skymap, place = skymap_of(chosen.localization_id), np.array([row.healpix29])
    host = TargetSummary.objects.get(target=row.target_id)
    distance, error = np.array([[host.host_distance_mpc or np.nan], [host.host_distance_error_mpc]])
    figures = (
        levels_2d(skymap, place),
        levels_3d(skymap, place, distance, np.nan_to_num(error.astype(float))),
        probdensity_at(skymap, place),
    )
    return (chosen.pk, *(None if np.isnan(x[0]) else float(x[0]) for x in figures))


# --- What was stored ----------------------------------------------------------------------------
LEVELS = ("credible_level_2d", "credible_level_3d", "probdensity")


def stored() -> dict[Who, tuple[float | None, ...]]:
    public = EventCandidate.objects.filter(is_public=True)
    rows = public.values_list("event", "target", "localization", *LEVELS)
    known = {(event, target, ()): tuple(rest) for event, target, *rest in rows}
    names = ("event", "target", "localization")
    narrower = CandidateStanding.objects.values_list(
        "programs", *(f"candidate__{name}" for name in names), *LEVELS
    )
    return known | {
        (event, target, tuple(programs)): tuple(rest) for programs, event, target, *rest in narrower
    }


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in range(1, 6))]
)
def test_all_events_at_once_are_matched_as_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = fill_world(rng)
    for batch in (ids[:12], ids[12:], ids):
        before, expected = stored(), dict(one_by_one(batch))

        touched = match_targets(batch)

        assert touched == {event for event, _, _ in expected}
        assert {who: stored()[who] for who in expected} == expected
        kept = {who: rest for who, rest in before.items() if who not in expected}
        moved_map = {who: rest[1:] for who, rest in kept.items()}
        assert {who: stored()[who][1:] for who in kept} == moved_map
        assert stored().keys() == before.keys() | expected.keys()
        move_world(rng)
    assert any(audience for _, _, audience in expected)
    assert len(touched) > 2


def test_what_is_no_public_candidate_has_no_public_levels() -> None:
    make_event()
    target = make_target()
    AudienceSummary.objects.create(
        target=target,
        programs=[7],
        **TargetSummary.objects.values("healpix29", "first_detection", "last_detection").get(),
    )
    far = make_target(ra=17.0, dec=60.0)
    TargetSummary.objects.filter(target=target).update(
        healpix29=TargetSummary.objects.get(target=far).healpix29
    )

    match_targets([target.pk])

    candidate = EventCandidate.objects.get()
    assert (candidate.is_public, candidate.credible_level_2d, candidate.probdensity) == (
        False,
        None,
        None,
    )
    assert candidate.standings.get().credible_level_2d < 0.99


# --- How many queries it takes ------------------------------------------------------------------
def queries_of(ids: list[int]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        match_targets(ids)
    return [query["sql"] for query in queries]


def add_events(n: int) -> None:
    for _ in range(n - NonLocalizedEvent.objects.count()):
        make_event(alert_types=["PRELIMINARY"])


@pytest.fixture
def no_maps_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every map be read again."""
    monkeypatch.setattr("tom.events.localizations._kept", {})


def test_targets_in_no_event_take_the_same_queries_at_0_10_and_100_open_events() -> None:
    ids = [make_target(ra=17.0, dec=60.0 + 0.1 * i).pk for i in range(5)]
    counts, texts = {}, []
    for n in (0, 10, 100):
        add_events(n)
        match_targets(ids)  # the regions of new maps are written once
        texts = queries_of(ids)
        counts[n] = len(texts)

    assert Region.objects.count() == 100
    assert EventCandidate.objects.count() == 0
    assert set(counts.values()) == {counts[0]}
    assert counts[0] <= 8
    assert not any("packed" in text for text in texts)  # no map was read


def test_targets_in_every_event_take_the_same_queries_at_10_and_100_open_events(
    no_maps_in_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [make_target(ra=197.0 + 0.1 * i).pk for i in range(5)]
    first, again, cold = {}, {}, {}
    for n in (1, 10, 100):
        add_events(n)
        first[n] = len(queries_of(ids))  # with regions to write
        again[n] = len(queries_of(ids))
        monkeypatch.setattr("tom.events.localizations._kept", {})
        cold[n] = len(queries_of(ids))

    assert EventCandidate.objects.count() == 500
    assert first[1] == first[10] == first[100]
    assert again[1] == again[10] == again[100] <= 24
    assert cold[1] == cold[10] == cold[100] == again[1] + 1


def test_targets_take_the_same_queries_however_many_they_are() -> None:
    make_event()
    ids = [make_target(ra=195.0 + 0.1 * i).pk for i in range(40)]
    match_targets(ids[:1])

    few, many = len(queries_of(ids[:2])), len(queries_of(ids))

    assert few == many


def test_an_event_of_long_ago_costs_no_query() -> None:
    ids = [make_target().pk]
    make_event()
    match_targets(ids)
    usual = len(queries_of(ids))
    make_event(time=MERGER - timedelta(days=400))

    assert len(queries_of(ids)) == usual
