"""Which events meet a rule, and when it is quiet."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_event
from tests.reports.alarms.conftest import make_rule
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.reports.alarms.matching import SECONDS_PER_YEAR, matching_rules
from tom.reports.alarms.rules import AlarmRule, Source

db = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def meets(event: NonLocalizedEvent, **fields: object) -> bool:
    return bool(matching_rules(event, [make_rule(**fields)]))


# The factories' event: a significant merger, 1 per 31,700 yr, BNS 97%, at 40 Mpc.
@db
@pytest.mark.parametrize(
    ("fields", "met"),
    [
        ({}, True),
        ({"sources": ["grb"]}, False),
        ({"far_per_year": 1.0}, True),
        ({"far_per_year": 1e-9}, False),
        ({"has_ns": 0.9}, True),
        ({"has_remnant": 1.0}, False),
        ({"not_terrestrial": 0.9}, True),
        ({"classes": ["BNS", "NSBH"], "class_chance": 0.9}, True),
        ({"classes": ["BBH"], "class_chance": 0.5}, False),
        ({"distance_mpc": 50.0}, True),
        ({"distance_mpc": 30.0}, False),
        ({"area_deg2": 40_000.0}, True),
        ({"area_deg2": 1.0}, False),
        ({"has_ns": 0.9, "distance_mpc": 30.0}, False),
    ],
)
def test_an_event_meets_a_rule_if_it_meets_each_threshold(fields, met) -> None:
    event = make_event(
        classification={"BNS": 0.97, "BBH": 0.01, "Terrestrial": 0.02},
        properties={"HasNS": 0.99, "HasRemnant": 0.98},
    )

    assert meets(event, **fields) is met


@db
@pytest.mark.parametrize(
    "fields",
    [
        *({name: 0.0} for name in ("has_ns", "has_remnant", "not_terrestrial")),
        {"classes": ["BNS"], "class_chance": 0.0},
        *({name: 1e9} for name in ("far_per_year", "area_deg2", "distance_mpc")),
    ],
)
def test_what_is_not_known_meets_no_threshold(fields) -> None:
    event = make_event(localized=False, far=None, classification={}, properties={})

    assert not meets(event, **fields)


@db
def test_a_threshold_is_met_at_its_value() -> None:
    event = make_event(properties={"HasNS": 0.5}, far=2 / SECONDS_PER_YEAR)

    assert meets(event, has_ns=0.5, far_per_year=2.0)


@db
@pytest.mark.parametrize(
    ("significant", "asked", "met"),
    [(False, True, False), (False, False, True), (True, True, True)],
)
def test_a_rule_asks_for_significant_events_unless_it_says_otherwise(
    significant, asked, met
) -> None:
    event = make_event(significant=significant)

    assert meets(event, only_significant=asked) is met


@db
@pytest.mark.parametrize(
    ("group", "sources"),
    [("CBC", {"cbc"}), ("Burst", {"burst"}), (None, {"cbc", "burst"}), ("odd", {"cbc", "burst"})],
)
def test_a_wave_is_what_its_newest_message_calls_it(group, sources) -> None:
    event = make_event()
    EventSequence.objects.filter(event=event).update(details={"event": {"group": group}})

    met = {source for source in Source.values if meets(event, name=source, sources=[source])}
    assert met == sources


@db
def test_a_rule_that_is_off_or_removed_is_not_in_force() -> None:
    make_rule("off", is_on=False)
    make_rule("gone", removed=timezone.now())
    on = make_rule("on")

    assert list(AlarmRule.objects.in_force()) == [on]


@db
@pytest.mark.parametrize(
    "fields",
    [{"has_ns": 1.1}, {"area_deg2": -1.0}, {"quiet_from": time(1)}, {"class_chance": -0.1}],
)
def test_the_database_keeps_no_impossible_threshold(fields) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_rule(**fields)


# --- Quiet hours ------------------------------------------------------------------------------
def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-01-10T21:59:59", None),
        ("2026-01-10T22:00:00", "2026-01-11T06:00:00"),  # 23:00 in Paris
        ("2026-01-11T05:59:59", "2026-01-11T06:00:00"),
        ("2026-01-11T06:00:00", None),
        ("2026-07-10T21:30:00", "2026-07-11T05:00:00"),  # in summer one hour earlier
        ("2026-03-29T00:30:00", "2026-03-29T05:00:00"),  # the night that loses an hour
    ],
)
def test_quiet_hours_follow_the_clock_of_their_zone(now: str, until: str | None) -> None:
    rule = AlarmRule(quiet_from=time(23), quiet_to=time(7), zone="Europe/Paris")

    found = rule.quiet_until(at(now))

    assert found == (at(until) if until else None)


@given(
    st.integers(0, 525_600).map(lambda minutes: at("2026-01-01T00:00:17") + minutes * MINUTE),
    st.times(),
    st.times(),
    st.sampled_from(["UTC", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_quiet_hours_end_within_a_day_or_so_and_not_before_now(now, start, end, zone) -> None:
    rule = AlarmRule(quiet_from=start, quiet_to=end, zone=zone)

    until = rule.quiet_until(now)

    assert until is None or now < until <= now + timedelta(hours=26)


def test_the_times_of_a_day_within_one_day_are_quiet_between_them() -> None:
    rule = AlarmRule(quiet_from=time(9), quiet_to=time(17), zone="UTC")
    quiet = [hour for hour in range(24) if rule.quiet_until(at(f"2026-01-10T{hour:02}:30:00"))]

    assert quiet == list(range(9, 17))
    assert ZoneInfo(rule.zone)
