"""Targets become candidates by region and window; updates move levels and delete nothing."""

from datetime import timedelta
from importlib import import_module
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import MERGER, make_event, make_localization, make_observer, make_target
from tom.candidates.models import EventCandidate, Vetting
from tom.candidates.services import match_event, match_if_due, match_targets
from tom.candidates.verdicts import give_verdict
from tom.changes.models import Change
from tom.events.models import EventKind, EventLocalization, NonLocalizedEvent
from tom.events.services import pin_localization
from tom.strategies.models import Strategy
from tom.strategies.services import WINDOWS, strategy_of
from tom.targets.models import TargetSummary

pytestmark = pytest.mark.django_db


def names(event: NonLocalizedEvent) -> set[str]:
    return set(event.candidates.values_list("target__name", flat=True))


def test_targets_in_the_region_and_the_window_become_candidates() -> None:
    event = make_event()
    make_target("inside")
    make_target("far", ra=17.0, dec=60.0)
    for name, days in (("early", -30), ("late", 30)):
        target, once = make_target(name), MERGER + timedelta(days=days)
        TargetSummary.objects.filter(target=target).update(
            first_detection=once, last_detection=once
        )

    assert match_event(event) == 1
    assert names(event) == {"inside"}


def test_a_target_that_shone_before_too_is_a_candidate_for_it_is_weighed_not_cut() -> None:
    event = make_event()
    target = make_target("old")
    TargetSummary.objects.filter(target=target).update(first_detection=MERGER - timedelta(days=300))

    match_event(event)

    assert names(event) == {"old"}


def test_a_kind_without_a_window_takes_every_target_of_the_region() -> None:
    event = make_event()
    Strategy.objects.filter(kind="gw").update(days_before=None, days_after=None)
    target = make_target("static")
    TargetSummary.objects.filter(target=target).update(last_detection=MERGER - timedelta(days=3000))

    match_event(event)

    assert names(event) == {"static"}


def test_a_target_stored_later_meets_an_event_of_a_kind_without_a_window() -> None:
    event = make_event(time=MERGER - timedelta(days=3000))
    Strategy.objects.filter(kind="gw").update(days_before=None, days_after=None)
    target = make_target("static")

    assert match_targets([target.pk]) == {event.pk}


def test_a_target_stored_later_meets_an_event_whose_whole_region_is_one_dense_place() -> None:
    event = make_event(alert_types=["PRELIMINARY"], localized=False)
    EventLocalization.objects.create(
        event=event,
        localization=make_localization(sigma_deg=0.1),
        product="skymap",
        time=MERGER,
    )
    target = make_target("inside")

    assert match_targets([target.pk]) == {event.pk}
    assert match_event(event) == 1


def test_a_deleted_rule_counts_as_it_was_at_first() -> None:
    event = make_event()
    Strategy.objects.all().delete()
    make_target("inside")
    long_ago = TargetSummary.objects.filter(target=make_target("early"))
    long_ago.update(last_detection=MERGER - timedelta(days=2))

    match_event(event)

    assert names(event) == {"inside"}
    assert strategy_of(event).level_shown == 0.9


def test_the_first_rules_are_those_of_the_migration() -> None:
    stored = import_module("tom.candidates.migrations.0002_rules").WINDOWS

    assert stored == WINDOWS
    assert set(WINDOWS) == set(EventKind)


def test_changed_targets_meet_the_events_of_their_own_time_by_no_clock() -> None:
    event = make_event()
    old_event = make_event(time=MERGER - timedelta(days=200))
    retracted = make_event(retracted=True)
    target = make_target("new")

    touched = match_targets([target.pk])

    assert touched == {event.pk}
    assert names(event) == {"new"}
    assert names(old_event) == names(retracted) == set()


def test_a_target_whose_points_reach_from_the_window_to_long_after_meets_the_event() -> None:
    event = make_event(time=MERGER - timedelta(days=40))
    target = make_target("long")
    TargetSummary.objects.filter(target=target).update(first_detection=MERGER - timedelta(days=39))

    touched = match_targets([target.pk])

    assert touched == {event.pk}


def test_matching_and_re_matching_give_the_same_levels() -> None:
    event = make_event()
    target = make_target("both", ra=199.0, dec=-22.0)
    match_targets([target.pk])
    first = EventCandidate.objects.values().get()

    match_event(event)

    assert EventCandidate.objects.values().get() == first
    assert 0 < first["credible_level_2d"] < 0.99
    assert first["probdensity"] > 0


def test_an_update_that_moves_the_region_away_keeps_the_candidate_with_its_new_level() -> None:
    event = make_event()
    make_target("left")
    match_event(event)
    EventLocalization.objects.create(
        event=event,
        localization=make_localization(ra=20.0, dec=60.0, sigma_deg=2.0),
        product="skymap",
        time=MERGER + timedelta(days=1),
    )

    match_event(event)

    candidate = event.candidates.get()
    assert candidate.credible_level_2d is not None
    assert candidate.credible_level_2d > 0.999


def test_the_maps_of_an_event_are_searched_at_once_and_each_target_read_once() -> None:
    event = make_event()
    make_target("inside")
    for day in (1, 2, 3):
        EventLocalization.objects.create(
            event=event,
            localization=make_localization(),
            product="skymap",
            time=MERGER + timedelta(days=day),
        )

    with CaptureQueriesContext(connection) as queries:
        match_event(event)

    asked = [query["sql"].partition(' FROM "targets_targetsummary"') for query in queries]
    read = [columns for columns, table, _ in asked if table and '"healpix29"' in columns]
    assert len(read) == 2  # by place, and of what is a candidate already
    searched = [query["sql"] for query in queries if "JOIN targets_targetsummary" in query["sql"]]
    assert len(searched) == 1


@pytest.mark.parametrize("order", permutations(("first map", "update", "targets")))
def test_what_an_earlier_map_held_is_a_candidate_in_whatever_order_all_came(order) -> None:
    event = make_event(alert_types=())
    for step in order:
        if step == "targets":
            late = make_target("late")
            make_target("in time")
            after = MERGER + timedelta(days=2)
            TargetSummary.objects.filter(target=late).update(first_detection=after)
            match_targets(TargetSummary.objects.values_list("pk", flat=True))
            continue
        is_update = step == "update"
        place = {"ra": 20.0, "dec": 60.0, "sigma_deg": 2.0} if is_update else {}
        EventLocalization.objects.create(
            event=event,
            localization=make_localization(**place),
            product="skymap",
            time=MERGER + timedelta(days=1 if is_update else 0, minutes=5),
        )
        match_event(event)

    # Matched while the first map was the only one, the late target stays: nothing is deleted.
    kept = {"late"} if order.index("update") == 2 else set()
    assert names(event) - kept == {"in time"}
    assert all(row.credible_level_2d > 0.999 for row in event.candidates.all())


def test_a_localization_pinned_by_hand_is_matched_once_before_the_next_ranking() -> None:
    event = make_event()
    make_target("inside")
    elsewhere = EventLocalization.objects.create(
        event=event,
        localization=make_localization(ra=20.0, dec=60.0, sigma_deg=2.0),
        product="combined_skymap",
        time=MERGER,
    )
    pin_localization(event, elsewhere)
    event.refresh_from_db()

    match_if_due(event)
    make_target("there", ra=20.0, dec=60.0)
    match_if_due(event)
    assert names(event) == set()

    pin_localization(event, elsewhere)
    event.refresh_from_db()
    match_if_due(event)
    assert names(event) == {"there"}


def test_a_localization_pinned_after_the_event_was_read_is_the_one_that_is_matched() -> None:
    event = make_event()
    make_target("there", ra=20.0, dec=60.0)
    elsewhere = EventLocalization.objects.create(
        event=event,
        localization=make_localization(ra=20.0, dec=60.0, sigma_deg=2.0),
        product="combined_skymap",
        time=MERGER,
    )
    pin_localization(NonLocalizedEvent.objects.get(pk=event.pk), elsewhere)

    match_if_due(event)

    assert names(event) == {"there"}


def test_a_new_candidate_is_scored_anew_inside_the_window() -> None:
    event = make_event()
    target = make_target("scored")
    TargetSummary.objects.filter(target=target).update(version=4, scored_version=4)

    match_event(event)
    event.refresh_from_db()

    assert TargetSummary.objects.get(target=target).version == 5
    assert NonLocalizedEvent.objects.due_for_ranking().get() == event


def test_a_hosts_distance_gives_a_3d_level() -> None:
    event = make_event()
    target = make_target("hosted")
    TargetSummary.objects.filter(target=target).update(
        host_distance_mpc=40.0, host_distance_error_mpc=4.0
    )
    make_target("bare", ra=198.0)

    match_event(event)

    levels = dict(event.candidates.values_list("target__name", "credible_level_3d"))
    assert levels["bare"] is None
    assert levels["hosted"] is not None
    assert 0 <= levels["hosted"] < 0.5


def test_matching_takes_the_same_queries_for_one_target_and_for_thirty() -> None:
    event = make_event()
    make_target()
    match_event(event)  # the map is unpacked once
    make_target()
    with CaptureQueriesContext(connection) as few:
        match_event(event)
    for i in range(30):
        make_target(ra=190 + 0.5 * i)

    with CaptureQueriesContext(connection) as many:
        match_event(event)

    assert len(many) == len(few)


def test_vetting_says_who_and_tells_the_pages() -> None:
    event = make_event()
    make_target()
    match_event(event)
    candidate = event.candidates.get()
    person = make_observer()

    give_verdict(candidate, Vetting.PROMISING, by=person)

    candidate.refresh_from_db()
    assert (candidate.vetting, candidate.vetted_by) == (Vetting.PROMISING, person)
    assert Change.objects.filter(topic="ranking", key=event.event_id).exists()
