from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats

from tests.demo.conftest import MERGER_TIME
from tom.demo.ephemeris import (
    altitude,
    ecliptic_latitude,
    equatorial,
    moon_age,
    moonlight,
    sun_longitude,
)
from tom.demo.fields import N_FIELDS, draw_in_field, field_at, field_centre, pixel_at
from tom.demo.night import latest_merger
from tom.demo.packets import to_jd
from tom.demo.survey import plan_survey

MERGER_JD = to_jd(MERGER_TIME)
FIELDS = field_at(
    np.array([10.0, 20, 30, 40, 50, 60, 70]), np.array([0.0, 10, 20, 30, 40, 50, 60])
)[0]


@pytest.fixture(scope="module")
def exposures():
    return plan_survey(
        public=FIELDS, follow_up=FIELDS[:2], merger_jd=MERGER_JD, rng=np.random.default_rng(1)
    )


def test_no_two_exposures_overlap(exposures):
    gaps = np.diff(exposures.jd) * 86400

    assert np.all(gaps >= exposures.seconds[:-1] + 9.9)


def test_exposures_are_taken_in_the_dark_with_the_field_up(exposures):
    sun = altitude(exposures.jd, *equatorial(sun_longitude(exposures.jd)))
    field = altitude(exposures.jd, *field_centre(exposures.field))

    assert sun.max() < -11
    assert field.min() > 20


def test_fields_are_visited_twice_a_night_in_two_bands(exposures):
    public = exposures.take(np.flatnonzero(exposures.seconds == 30))
    nights = np.floor(public.jd - 0.3)
    for field in FIELDS:
        for night in np.unique(nights[public.field == field]):
            visit = (public.field == field) & (nights == night)
            assert sorted(public.fid[visit]) == [1, 2]
            assert 20 / 1440 < np.ptp(public.jd[visit]) < 0.12


@pytest.mark.parametrize("hour", range(24))
def test_the_whole_night_of_the_latest_merger_lies_in_the_past(hour):
    # In December the nights of Palomar are longest.
    now = datetime(2026, 12, 21, hour, 59, 59, tzinfo=UTC)
    merger = latest_merger(now)
    exposures = plan_survey(
        public=np.arange(300),
        follow_up=FIELDS,
        merger_jd=to_jd(merger),
        rng=np.random.default_rng(2),
    )

    half_an_hour = 1 / 48
    assert exposures.jd.max() + half_an_hour < to_jd(now)
    assert (merger.minute, merger.second) == (0, 0)


def test_follow_up_is_deeper_and_comes_after_the_merger_only(exposures):
    long = exposures.seconds > 30

    assert exposures.jd[long].min() > MERGER_JD
    assert set(exposures.field[long]) == set(FIELDS[:2])
    assert len(np.unique(np.floor(exposures.jd[long] - 0.3))) == 3
    same = (exposures.fid == 1) & (exposures.jd > MERGER_JD) & (exposures.jd < MERGER_JD + 3)
    deeper = np.median(exposures.limit[long & same]) - np.median(exposures.limit[~long & same])
    assert deeper == pytest.approx(1.25 * np.log10(6), abs=0.4)


def test_depth_is_that_of_the_real_survey(exposures):
    short = exposures.limit[exposures.seconds == 30]

    assert 19.5 < np.median(short) < 20.8
    assert short.min() > 17.5
    assert short.max() < 21.6


def test_every_field_centre_lies_in_its_own_field():
    fields = np.arange(1, N_FIELDS + 1)

    found, quadrant = field_at(*field_centre(fields))

    np.testing.assert_array_equal(found, fields)
    assert set(quadrant) <= {27, 28, 35, 36}


@given(ra=floats(0, 360, exclude_max=True), dec=floats(-90, 90))
def test_every_position_has_a_field_a_quadrant_and_a_pixel(ra, dec):
    field, quadrant = field_at(np.array([ra]), np.array([dec]))
    x, y = pixel_at(np.array([ra]), np.array([dec]))

    assert 1 <= field[0] <= N_FIELDS
    assert 0 <= quadrant[0] < 64
    assert 0 <= x[0] <= 3072
    assert 0 <= y[0] <= 3080


def test_positions_drawn_in_a_field_lie_in_it():
    rng = np.random.default_rng(2)
    for field in rng.integers(1, N_FIELDS + 1, 60):
        ra, dec = draw_in_field(int(field), rng)
        assert field_at(np.array([ra]), np.array([dec]))[0][0] == field
        x, y = pixel_at(np.array(ra), np.array(dec))
        assert 0 <= x < 3072
        assert 0 <= y < 3080


def test_sun_and_moon_stand_where_astropy_has_them():
    from astropy.coordinates import EarthLocation, get_body, get_sun
    from astropy.time import Time
    from astropy.utils.iers import conf

    jd = 2461365.9 + np.array([0.0, 5.1, 11.3, 17.7, 100.2])
    with conf.set_temp("auto_download", False), conf.set_temp("auto_max_age", None):
        times = Time(jd, format="jd", scale="utc")
        sun = get_sun(times)
        ra, dec = equatorial(sun_longitude(jd))
        np.testing.assert_allclose(ra, sun.ra.deg, atol=0.5)  # of date against ICRS
        np.testing.assert_allclose(dec, sun.dec.deg, atol=0.2)
        moon = get_body("moon", times, EarthLocation.from_geodetic(-116.86, 33.36))
        ours = np.cos(np.deg2rad(moon_age(jd)))
        np.testing.assert_allclose(ours, np.cos(np.deg2rad(sun.separation(moon).deg)), atol=0.2)


def test_a_bright_moon_disturbs_most_when_full_and_near():
    new_moon = 2451550.1 + 330 * 29.530589
    hours = np.arange(0, 1, 0.02)

    dark = moonlight(new_moon + hours, np.full(50, 40.0), np.full(50, 10.0))
    full = moonlight(new_moon + 14.77 + hours, np.full(50, 40.0), np.full(50, 10.0))

    assert dark.max() < 0.05
    assert 0.2 < full.max() <= 1


def test_the_ecliptic_runs_through_the_sun():
    ra, dec = equatorial(np.arange(0, 360, 10.0))

    np.testing.assert_allclose(ecliptic_latitude(ra, dec), 0, atol=1e-9)
