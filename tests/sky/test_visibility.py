"""Altitudes against astropy's, and nights at the edges of the calendar and the globe."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.sky.visibility import (
    Constraints,
    Site,
    airmass,
    altitudes,
    datetime_of,
    mjd_of,
    moon_radec,
    observable_between,
    observable_now,
    observable_tonight,
    sun_altitude,
)

PARANAL = Site("Paranal", latitude=-24.627, longitude=-70.404, elevation_m=2635)
MAUNA_KEA = Site("Mauna Kea", latitude=19.826, longitude=-155.474, elevation_m=4215)
TROMSO = Site("Tromso", latitude=69.65, longitude=18.96)
MJD = np.linspace(57982.0, 61365.3, 25)  # August 2017 to November 2026
MOMENT = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)  # ten in the evening in Chile


@pytest.fixture(autouse=True)
def no_downloads():
    """Let astropy use the table it came with, however old that is on the day of the test."""
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        iers.conf.set_temp("iers_degraded_accuracy", "warn"),
    ):
        yield


def astropy_frame(site):
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.elevation_m)
    return AltAz(obstime=Time(MJD, format="mjd", scale="utc"), location=place)


@pytest.mark.parametrize("site", [PARANAL, MAUNA_KEA, TROMSO])
def test_altitudes_are_within_half_an_arcminute_of_astropys(site):
    generator = np.random.default_rng(5)
    ra, dec = generator.uniform(0, 360, 20), np.degrees(np.arcsin(generator.uniform(-1, 1, 20)))
    coordinates = SkyCoord(ra, dec, unit="deg")[:, np.newaxis]

    ours = altitudes([site], ra=ra, dec=dec, mjd=MJD)[0]

    theirs = coordinates.transform_to(astropy_frame(site)).alt.deg
    assert np.abs(ours - theirs).max() * 3600 < 30


@pytest.mark.parametrize("site", [PARANAL, TROMSO])
def test_sun_and_moon_stand_where_astropy_has_them(site):
    frame = astropy_frame(site)
    sun, moon = (get_body(name, frame.obstime, frame.location) for name in ("sun", "moon"))

    moon_here = altitudes(
        [site], ra=moon_radec(site, MJD)[0], dec=moon_radec(site, MJD)[1], mjd=MJD
    )

    assert np.abs(sun_altitude(site, MJD) - sun.transform_to(frame).alt.deg).max() < 0.02
    moon_error = np.diagonal(moon_here[0]) - moon.transform_to(frame).alt.deg
    assert np.abs(moon_error).max() < 0.05


def test_sites_targets_and_times_span_the_result():
    assert altitudes([PARANAL, TROMSO], ra=[1, 2, 3], dec=[4, 5, 6], mjd=[60000, 60001]).shape == (
        2,
        3,
        2,
    )


def test_airmass_is_one_overhead_and_unknown_below_the_horizon():
    np.testing.assert_allclose(airmass([90, 30, 0]), [1.0, 1.995, 37.9], rtol=2e-3)
    assert np.isnan(airmass(-0.1))


def test_a_target_overhead_at_midnight_is_observable_and_its_antipode_is_not():
    midnight_ra = 180.0  # at the March equinox, the Sun at RA 0

    night = observable_tonight(
        PARANAL, ra=[midnight_ra, 0.0], dec=[-24.6, 24.6], when=MOMENT - timedelta(hours=8)
    )

    assert night.hours[0] > 6
    assert night.altitude_deg[0].max() > 89
    assert night.hours[1] == 0
    assert np.isnan(night.best_mjd[1])
    best = datetime_of(night.best_mjd[0])
    assert abs(best - datetime(2026, 3, 20, 4, 50, tzinfo=UTC)) < timedelta(minutes=30)


def test_only_the_rest_of_the_night_counts():
    early, late = (
        observable_tonight(PARANAL, ra=180.0, dec=-24.6, when=MOMENT + timedelta(hours=hours))
        for hours in (0, 4)
    )

    np.testing.assert_array_equal(early.mjd, late.mjd)
    assert 0 < late.hours[0] < early.hours[0]
    assert np.all(late.mjd[late.observable[0]] >= mjd_of(MOMENT + timedelta(hours=4)))


def test_after_sunrise_the_next_night_is_meant():
    morning = MOMENT + timedelta(hours=11)

    night = observable_tonight(PARANAL, ra=180.0, dec=-24.6, when=morning)

    assert night.mjd[0] >= mjd_of(morning)
    assert night.hours[0] > 5


def test_a_polar_summer_has_no_night():
    night = observable_tonight(TROMSO, ra=180.0, dec=60.0, when=datetime(2026, 6, 21, tzinfo=UTC))

    assert night.hours[0] == 0


def test_a_risen_moon_keeps_its_distance():
    when = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)  # a day after full Moon
    ra, dec = (float(value[0]) for value in moon_radec(PARANAL, mjd_of(when)))
    careless = Constraints(moon_separation_min_deg=0)

    beside = observable_tonight(PARANAL, ra=ra, dec=dec, when=when)
    allowed = observable_tonight(PARANAL, ra=ra, dec=dec, when=when, constraints=careless)

    assert allowed.hours[0] > 2
    assert beside.hours[0] == 0
    assert beside.moon_illumination.min() > 0.95


@settings(max_examples=30)
@given(st.floats(-89, 89), st.floats(-180, 180), st.integers(0, 365 * 24))
def test_a_night_is_a_day_long_and_holds_or_follows_the_moment(latitude, longitude, hours):
    site = Site("anywhere", latitude=latitude, longitude=longitude)
    when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)

    night = observable_tonight(site, ra=[10.0], dec=[0.0], when=when, step_minutes=30)

    assert len(night.mjd) == 48
    assert night.mjd[0] - 1e-6 <= mjd_of(when) + 0.5
    assert night.mjd[-1] >= mjd_of(when) - 0.03
    assert night.hours[0] <= 24


def test_a_moment_needs_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        mjd_of(datetime(2026, 1, 1))  # noqa: DTZ001


def test_mjd_and_datetime_turn_into_each_other():
    assert mjd_of(datetime(2000, 1, 1, 12, tzinfo=UTC)) == 51544.5
    assert datetime_of(51544.5) == datetime(2000, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [1, 17, 60, 1440])
def test_a_span_is_followed_from_its_first_moment_to_its_last(minutes):
    end = MOMENT + timedelta(minutes=minutes)
    place = {"ra": [180.0, 10.0], "dec": [-24.6, 60.0]}

    span = observable_between(PARANAL, **place, start=MOMENT, end=end)

    assert np.all(np.diff(span.mjd) * 1440 < 10 + 1e-6)
    for column, when in ((0, MOMENT), (-1, end)):
        there = observable_now(PARANAL, **place, when=when)
        np.testing.assert_allclose(span.altitude_deg[:, column], there.altitude_deg[:, 0])
        np.testing.assert_array_equal(span.observable[:, column], there.observable[:, 0])
