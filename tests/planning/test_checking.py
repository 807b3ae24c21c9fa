"""The check of a schedule: it accepts what is right, and finds each thing that is made wrong."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning.nights import END, PLACE, START, make_flat_map, make_map, make_telescope
from tom.planning.checking import check_schedule
from tom.planning.faces import row_weights
from tom.planning.plain import covered_ranges
from tom.planning.schedule import Wanted, plan_night
from tom.sky.visibility import mjd_of, moon_radec

WANTED = Wanted(START, END, most=8, solver_seconds=0)
NARROW = {"kind": "rectangle", "width_deg": 3.0, "height_deg": 1.0}
CHIPS = {
    "kind": "polygons",
    "polygons": [
        [[-1.0, -1.0], [-0.1, -1.0], [-0.1, 1.0], [-1.0, 1.0]],
        [[0.1, -1.0], [1.0, -1.0], [1.0, 0.2], [0.4, 1.0]],
    ],
}


@pytest.fixture(scope="module")
def planned():
    skymap, telescope = make_map(), make_telescope()
    return plan_night(skymap, telescope, WANTED), skymap, telescope


def faults(schedule, skymap, telescope, **given):
    return check_schedule(schedule, skymap, telescope, **({"start": START, "end": END} | given))


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"shape": {"kind": "circle", "radius_deg": 1.3}},
        {"shape": CHIPS, "position_angle_deg": 33.0},
        {"shape": NARROW, "position_angle_deg": 120.0},
        {"airmass_max": 1.1, "exposure_s": 1200.0},
        {"moon_separation_min_deg": 40.0, "sun_altitude_max_deg": -18.0},
        {"slew_deg_s": 0.05, "settle_s": 30.0},
    ],
)
def test_our_own_plans_pass(figures):
    skymap, telescope = make_map(), make_telescope(**figures)

    schedule = plan_night(skymap, telescope, replace(WANTED, solver_seconds=2))

    assert schedule.pointings
    assert faults(schedule, skymap, telescope, most=8) == []


@given(
    st.floats(0, 360), st.floats(-85, 40), st.floats(0.5, 15), st.floats(1.05, 3), st.floats(0, 90)
)
@settings(max_examples=15)
def test_a_plan_for_any_map_and_limit_passes(ra, dec, radius, airmass_max, moon):
    skymap = make_map(radius_deg=radius, place=(ra, dec))
    telescope = make_telescope(airmass_max=airmass_max, moon_separation_min_deg=moon)

    schedule = plan_night(skymap, telescope, WANTED)

    assert faults(schedule, skymap, telescope, most=8) == []
    assert schedule.bound >= schedule.probability


def change(schedule, number, **changes):
    rows = [replace(p, **changes) if p.number == number else p for p in schedule.pointings]
    return replace(schedule, pointings=tuple(rows))


def shift(schedule, number, seconds):
    row = schedule.pointings[number - 1]
    by = timedelta(seconds=seconds)
    return change(schedule, number, start=row.start + by, end=row.end + by)


MUTATIONS = {
    "begins before": lambda s: shift(s, 3, -70),
    "does not fit": lambda s: shift(s, 3, -15),
    "outside the span": lambda s: shift(s, 8, 9 * 3600),
    "is not in the dark": lambda s: shift(s, 8, 7 * 3600),
    "is too low": lambda s: change(s, 4, dec=60.0),
    "instead of an exposure": lambda s: change(s, 8, end=s.pointings[7].end - timedelta(seconds=5)),
    "adds": lambda s: change(s, 2, gain=s.pointings[1].gain + 0.01),
    "sum to": lambda s: replace(s, probability=s.probability + 0.01),
    "bound is lower": lambda s: replace(s, bound=s.probability - 0.01),
    "were asked for": lambda s: replace(
        s, pointings=(*s.pointings, replace(s.pointings[-1], number=9))
    ),
    "Pointing 5 adds": lambda s: change(s, 5, ra=s.pointings[4].ra + 2.0),
}


@pytest.mark.parametrize("words", MUTATIONS)
def test_what_is_made_wrong_is_found(planned, words):
    schedule, skymap, telescope = planned
    assert faults(schedule, skymap, telescope, most=8) == []

    found = faults(MUTATIONS[words](schedule), skymap, telescope, most=8)

    assert any(words in fault for fault in found), found


def test_a_pointing_near_the_moon_is_found(planned):
    schedule, skymap, telescope = planned
    ra, dec = moon_radec(telescope.site, mjd_of(schedule.pointings[0].start))

    found = faults(change(schedule, 1, ra=float(ra[0]), dec=float(dec[0]) + 5), skymap, telescope)

    assert any("too near the Moon" in fault for fault in found)


def test_a_lower_altitude_limit_is_kept_for_the_whole_exposure(planned):
    schedule, skymap, telescope = planned

    found = faults(schedule, skymap, replace(telescope, altitude_min_deg=88.0))

    assert sum("is too low" in fault for fault in found) == 8


def test_what_others_covered_counts_nothing():
    skymap, telescope = make_map(), make_telescope()
    shape = {"kind": "circle", "radius_deg": 3.0}
    field = {"shape": shape, "ra": PLACE[0], "dec": PLACE[1], "position_angle_deg": 0.0}
    covered = covered_ranges([field])

    schedule = plan_night(skymap, telescope, replace(WANTED, covered=covered))

    assert schedule.covered > 0.4
    assert schedule.probability < 1 - schedule.covered
    assert faults(schedule, skymap, telescope, covered=[field]) == []
    assert any("adds" in fault for fault in faults(schedule, skymap, telescope))


def test_a_source_of_a_magnitude_counts_within_its_reach():
    skymap = make_flat_map(3, distance_mpc=100.0)
    telescope = make_telescope(shape={"kind": "circle", "radius_deg": 15.0})

    schedule = plan_night(skymap, telescope, replace(WANTED, reach_mpc=104.0))
    whole = plan_night(skymap, telescope, WANTED)

    assert 0.3 * whole.probability < schedule.probability < 0.8 * whole.probability
    weights = row_weights(skymap, 104.0)
    assert faults(schedule, skymap, telescope, weights=weights) == []


def test_a_span_over_the_day_reaches_into_the_next_evening():
    skymap, telescope = make_map(place=(230.0, -25.0)), make_telescope()
    start, end = START + timedelta(hours=5), START + timedelta(hours=23)  # it sets before the start

    plan = plan_night(skymap, telescope, Wanted(start, end, most=5, solver_seconds=0))

    assert len(plan.pointings) == 5
    assert plan.pointings[0].start > START + timedelta(hours=18)
    assert check_schedule(plan, skymap, telescope, start=start, end=end) == []


def test_a_night_without_a_field_that_is_up_has_an_empty_plan_that_says_why():
    skymap, telescope = make_map(place=(12.5, 75.0)), make_telescope()

    schedule = plan_night(skymap, telescope, WANTED)

    assert schedule.pointings == ()
    assert (schedule.probability, schedule.bound) == (0.0, 0.0)
    assert np.isnan(schedule.more_possible)
    assert {row.reason for row in schedule.refused} == {"too low"}
    assert faults(schedule, skymap, telescope) == []
