"""What a filter's rule says of a trigger: each condition at its ends, and all of them together."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.records import Trigger
from tom.sky import cone_ranges, separation_arcsec
from tom.streams.rules import Cone, Outcome, Rule, judge, night_of

NOWHERE = np.empty((0, 2), dtype=np.int64)
TRIGGER = Trigger(
    survey="ZTF", object_id="ZTF26aaaaaaa", alert_id="7", time=datetime(2026, 1, 2, 6, tzinfo=UTC),
    ra=150.0, dec=2.0, band="r", flux_njy=1e5, program=1, reliability=0.7, is_solar_system=False,
)  # fmt: skip


def outcome(rule: Rule, **values: object) -> Outcome:
    [found] = judge(rule, [replace(TRIGGER, **values)], NOWHERE)
    return found


def test_a_rule_without_conditions_passes_everything():
    assert outcome(Rule(), reliability=None, flux_njy=0.0, is_solar_system=True) is Outcome.PASSED


@pytest.mark.parametrize(
    ("rule", "values", "found"),
    [
        (Rule(least_reliability=0.5), {"reliability": 0.5}, Outcome.PASSED),
        (Rule(least_reliability=0.5), {"reliability": 0.49}, Outcome.RELIABILITY),
        (Rule(least_reliability=0.5), {"reliability": None}, Outcome.PASSED),
        # 31.4 - 2.5 log10 of 1e5 nJy is 18.9, whatever the sign.
        (Rule(brightest=18.8, faintest=19.0), {"flux_njy": -1e5}, Outcome.PASSED),
        (Rule(faintest=18.8), {}, Outcome.MAGNITUDE),
        (Rule(brightest=19.0), {}, Outcome.MAGNITUDE),
        (Rule(faintest=25.0), {"flux_njy": 0.0}, Outcome.MAGNITUDE),
        (Rule(sign="positive"), {"flux_njy": -1.0}, Outcome.SIGN),
        (Rule(sign="positive"), {"flux_njy": 1.0}, Outcome.PASSED),
        (Rule(sign="negative"), {"flux_njy": 1.0}, Outcome.SIGN),
        (Rule(sign="negative"), {"flux_njy": -1.0}, Outcome.PASSED),
        (Rule(least_dec=2.0, most_dec=3.0), {}, Outcome.PASSED),
        (Rule(least_dec=2.1), {}, Outcome.DECLINATION),
        (Rule(most_dec=1.9), {}, Outcome.DECLINATION),
        (Rule(no_solar_system=True), {"is_solar_system": True}, Outcome.SOLAR_SYSTEM),
        (Rule(no_solar_system=True), {}, Outcome.PASSED),
        (Rule(programs=(2, 3)), {}, Outcome.PROGRAM),
        (Rule(programs=(2, 1)), {}, Outcome.PASSED),
        (Rule(cones=(Cone(359.9, 2, 1.0),)), {"ra": 0.5}, Outcome.PASSED),
        (Rule(cones=(Cone(359.9, 2, 0.5),)), {"ra": 0.5}, Outcome.PLACE),
        (Rule(cones=(Cone(0, 0, 1), Cone(150, 2.5, 0.6))), {}, Outcome.PASSED),
        (Rule(cones=(Cone(7, 90, 1.0),)), {"ra": 200.0, "dec": 89.5}, Outcome.PASSED),
        (Rule(in_regions=True), {}, Outcome.PLACE),
    ],
)
def test_each_condition_holds_at_its_ends(rule: Rule, values: dict[str, object], found: Outcome):
    assert outcome(rule, **values) is found


def test_a_place_is_in_a_cone_or_in_the_region_of_an_event():
    regions = cone_ranges(ra=10.0, dec=-20.0, radius_arcsec=3600)
    rule = Rule(in_regions=True, cones=(Cone(150, 2, 1.0),))
    places = [(10.0, -20.3), (150.5, 2.0), (10.0, -18.0), (0.0, -90.0), (0.0, 90.0)]

    found = judge(rule, [replace(TRIGGER, ra=ra, dec=dec) for ra, dec in places], regions)

    assert found == [Outcome.PASSED, Outcome.PASSED, *[Outcome.PLACE] * 3]


def test_regions_count_only_where_the_rule_says_so():
    regions = cone_ranges(ra=TRIGGER.ra, dec=TRIGGER.dec, radius_arcsec=3600)

    assert judge(Rule(cones=(Cone(0, 0, 1),)), [TRIGGER], regions) == [Outcome.PLACE]
    assert judge(Rule(in_regions=True), [TRIGGER], regions) == [Outcome.PASSED]


triggers = st.builds(
    Trigger, survey=st.just("ZTF"), object_id=st.just("a"), alert_id=st.just("7"),
    time=st.just(TRIGGER.time), ra=st.floats(0, 360, exclude_max=True), dec=st.floats(-90, 90),
    band=st.just("r"), flux_njy=st.floats(-1e7, 1e7), program=st.integers(0, 3),
    reliability=st.none() | st.floats(0, 1), is_solar_system=st.booleans(),
)  # fmt: skip
rules = st.builds(
    Rule, least_reliability=st.none() | st.floats(0, 1), brightest=st.none() | st.floats(10, 18),
    faintest=st.none() | st.floats(18, 25), sign=st.sampled_from(["", "positive", "negative"]),
    least_dec=st.none() | st.floats(-90, 0), most_dec=st.none() | st.floats(0, 90),
    cones=st.just(()) | st.just((Cone(180, 0, 60),)), in_regions=st.just(False),
    no_solar_system=st.booleans(), programs=st.just(()) | st.just((1, 3)),
)  # fmt: skip


def passes(rule: Rule, each: Trigger) -> bool:
    """The rule in plain words."""
    size = abs(each.flux_njy)
    magnitude = 31.4 - 2.5 * math.log10(size) if size else math.inf
    return (
        (not rule.programs or each.program in rule.programs)
        and not (rule.no_solar_system and each.is_solar_system)
        and (each.reliability is None or each.reliability >= (rule.least_reliability or 0))
        and (rule.sign != "positive" or each.flux_njy > 0)
        and (rule.sign != "negative" or each.flux_njy < 0)
        and (rule.brightest is None or magnitude >= rule.brightest)
        and (rule.faintest is None or magnitude <= rule.faintest)
        and (rule.least_dec is None or each.dec >= rule.least_dec)
        and (rule.most_dec is None or each.dec <= rule.most_dec)
        and (
            not rule.cones
            or any(
                separation_arcsec(each.ra, each.dec, cone.ra, cone.dec) <= cone.radius * 3600
                for cone in rule.cones
            )
        )
    )


@given(rules, st.lists(triggers, max_size=20))
def test_a_batch_is_judged_as_its_triggers_one_by_one(rule: Rule, batch: list[Trigger]):
    found = judge(rule, batch, NOWHERE)

    assert [each is Outcome.PASSED for each in found] == [passes(rule, each) for each in batch]


@pytest.mark.parametrize(
    ("hour", "night"), [(16, date(2026, 1, 2)), (15, date(2026, 1, 1)), (6, date(2026, 1, 1))]
)
def test_a_night_is_named_by_its_evening(hour: int, night: date):
    assert night_of(datetime(2026, 1, 2, hour, tzinfo=UTC)) == night
