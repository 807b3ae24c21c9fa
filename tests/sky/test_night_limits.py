"""Each limit of a night against astropy's angles, and which of them is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import AltAz, EarthLocation, PrecessedGeocentric, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers

from tests.sky.test_visibility import PARANAL, TROMSO
from tom.sky.visibility import (
    Constraints,
    Night,
    Site,
    airmass,
    datetime_of,
    mjd_of,
    moon_radec,
    observable_now,
    observable_tonight,
    sun_altitude,
    zenith_radec,
)

WHEN = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)  # the Moon is a day past full
RA = np.arange(0.0, 360.0, 24.0)
DEC = np.linspace(-80.0, 40.0, len(RA))
ALL = Constraints(
    airmass_max=40.0,
    altitude_min_deg=-90.0,
    sun_altitude_max_deg=90.0,
    hour_angle_max_hours=12.0,
    moon_separation_min_deg=0.0,
)


@pytest.fixture(scope="module")
def sky() -> dict[str, np.ndarray]:
    """Altitudes, hour angles, the Sun and the Moon of the night at Paranal, by astropy."""
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        iers.conf.set_temp("iers_degraded_accuracy", "warn"),
    ):
        times = Time(follow(ALL).mjd, format="mjd", scale="utc")
        longitude, latitude = PARANAL.longitude, PARANAL.latitude
        place = EarthLocation.from_geodetic(longitude, latitude, PARANAL.elevation_m)
        frame = AltAz(obstime=times, location=place)
        targets = SkyCoord(RA, DEC, unit="deg")[:, np.newaxis]
        altaz = targets.transform_to(frame)
        of_date = targets.transform_to(PrecessedGeocentric(equinox=times[0], obstime=times[0]))
        sidereal = times.sidereal_time("mean", longitude=longitude * units.deg).hour
        sun, moon = (get_body(name, times, place).transform_to(frame) for name in ("sun", "moon"))
        return {
            "altitude": altaz.alt.deg,
            "hour angle": (sidereal - of_date.ra.hour + 12) % 24 - 12,
            "sun": sun.alt.deg,
            "moon": moon.alt.deg,
            "separation": altaz.separation(moon).deg,
            "illumination": (1 + np.cos(np.pi - sun.separation(moon).rad)) / 2,
        }


def follow(constraints: Constraints) -> Night:
    """The targets' night in half hours."""
    when = WHEN - timedelta(hours=6)
    return observable_tonight(
        PARANAL, ra=RA, dec=DEC, when=when, constraints=constraints, step_minutes=30
    )


def test_the_angles_are_astropys(sky) -> None:
    night = follow(ALL)

    np.testing.assert_allclose(night.altitude_deg, sky["altitude"], atol=0.02)
    np.testing.assert_allclose(night.sun_altitude_deg, sky["sun"], atol=0.02)
    np.testing.assert_allclose(night.moon_altitude_deg, sky["moon"], atol=0.05)
    np.testing.assert_allclose(night.moon_separation_deg, sky["separation"], atol=0.1)
    np.testing.assert_allclose(night.moon_illumination, sky["illumination"], atol=0.002)


@pytest.mark.parametrize(
    ("limits", "angle", "least", "most"),
    [
        ({"altitude_min_deg": 40.0}, "altitude", 40.0, 91.0),
        # Kasten & Young's airmass is 2 at an altitude of 29.92 degrees.
        ({"airmass_max": 2.0}, "altitude", 29.92, 91.0),
        ({"sun_altitude_max_deg": -18.0}, "sun", -91.0, -18.0),
        ({"hour_angle_max_hours": 3.0}, "hour angle", -3.0, 3.0),
    ],
)
def test_a_limit_holds_where_astropys_angle_keeps_it(sky, limits, angle, least, most) -> None:
    night = follow(replace(ALL, **limits))

    value = np.broadcast_to(sky[angle], night.altitude_deg.shape)
    counts = night.mjd >= mjd_of(WHEN - timedelta(hours=6))
    clear = (np.abs(value - least) > 0.1) & (np.abs(value - most) > 0.1)
    # An airmass, whatever it may be, is one above the horizon alone.
    clear &= np.abs(sky["altitude"]) > 0.1
    wanted = (value > least) & (value < most) & counts & (sky["altitude"] > 0)
    assert wanted.any()
    np.testing.assert_array_equal(night.observable[clear], wanted[clear])


def test_a_moon_keeps_its_distance_while_it_is_up(sky) -> None:
    night = follow(replace(ALL, moon_separation_min_deg=50.0))

    counts = night.mjd >= mjd_of(WHEN - timedelta(hours=6))
    wanted = ((sky["separation"] > 50) | (sky["moon"] < 0)) & counts & (sky["altitude"] > 0)
    clear = (np.abs(sky["separation"] - 50) > 0.2) & (np.abs(sky["altitude"]) > 0.1)
    clear &= np.abs(sky["moon"]) > 0.1
    assert wanted[clear].any()
    np.testing.assert_array_equal(night.observable[clear], wanted[clear])


@pytest.mark.parametrize(("step", "hours"), [(10.0, 12.0), (30.0, 12.0), (60.0, 4.0)])
def test_the_hours_are_those_between_two_moments(step: float, hours: float) -> None:
    pole = {"ra": 0.0, "dec": -89.99}  # always as high as the latitude
    night = observable_tonight(
        PARANAL,
        **pole,
        when=WHEN,
        until=WHEN + timedelta(hours=hours, minutes=-1),
        constraints=ALL,
        step_minutes=step,
    )

    assert night.hours[0] == pytest.approx(hours)
    assert len(night.mjd) == 1440 / step


def test_the_best_moment_is_the_highest_of_those_that_count() -> None:
    late = observable_tonight(PARANAL, ra=180.0, dec=-24.6, when=WHEN, constraints=ALL)
    early = observable_tonight(
        PARANAL, ra=180.0, dec=-24.6, when=WHEN, until=WHEN + timedelta(hours=4), constraints=ALL
    )

    highest = late.mjd[np.argmax(late.altitude_deg[0])]
    assert late.best_mjd[0] == highest
    assert early.best_mjd[0] == early.mjd[early.mjd <= mjd_of(WHEN + timedelta(hours=4))][-1]


# --- Which night --------------------------------------------------------------------------------
@pytest.mark.parametrize("longitude", [-155.0, -70.0, 0.0, 18.0, 149.0, 179.0])
@pytest.mark.parametrize("latitude", [-31.0, 45.0])
def test_a_night_begins_at_the_mean_noon_before_it(latitude: float, longitude: float) -> None:
    site = Site("anywhere", latitude=latitude, longitude=longitude)
    for hour in range(24):
        when = datetime(2026, 5, 10, hour, 30, tzinfo=UTC)
        after_noon = (hour + 0.5 + longitude / 15 - 12) % 24  # hours, mean solar time
        start = when - timedelta(hours=after_noon)
        if after_noon > 12 and sun_altitude(site, mjd_of(when))[0] > 0:
            start += timedelta(days=1)  # in the morning the next night is meant

        night = observable_tonight(site, ra=0.0, dec=0.0, when=when, step_minutes=120)

        assert night.mjd[0] == pytest.approx(mjd_of(start), abs=1e-6)


# --- What stands in the way ---------------------------------------------------------------------
OVERHEAD = {"ra": 165.0, "dec": -24.6}


@pytest.mark.parametrize(
    ("limit", "fields"),
    [
        ("", {}),
        ("window", {"until": WHEN - timedelta(days=1)}),
        ("dark", {"constraints": Constraints(sun_altitude_max_deg=-89.0)}),
        ("high", {"dec": 70.0}),
        ("high", {"constraints": Constraints(airmass_max=0.9)}),
        ("high", {"constraints": Constraints(altitude_min_deg=89.99)}),
        ("hour angle", {"constraints": Constraints(hour_angle_max_hours=0.0)}),
        ("moon", {"constraints": Constraints(moon_separation_min_deg=180.0)}),
    ],
)
def test_what_keeps_a_target_from_being_seen_is_named(limit: str, fields) -> None:
    night = observable_tonight(PARANAL, when=WHEN, **{**OVERHEAD, **fields})

    assert night.limit() == limit
    assert (night.hours[0] > 0) == (limit == "")


def test_the_first_thing_in_the_way_is_named_and_of_each_target_its_own() -> None:
    night = observable_tonight(
        TROMSO, ra=[165.0, 165.0], dec=[20.0, -80.0], when=datetime(2026, 1, 15, tzinfo=UTC)
    )
    summer = observable_tonight(TROMSO, ra=165.0, dec=-80.0, when=datetime(2026, 6, 21, tzinfo=UTC))

    assert (night.limit(0), night.limit(1)) == ("", "high")
    assert summer.limit() == "dark"


def test_one_moment_is_a_night_of_one_time() -> None:
    when = datetime_of(observable_tonight(PARANAL, when=WHEN, **OVERHEAD).best_mjd[0])

    now = observable_now(PARANAL, when=when, **OVERHEAD)
    strict = observable_now(
        PARANAL, when=when, constraints=Constraints(altitude_min_deg=89.99), **OVERHEAD
    )

    assert (now.mjd.tolist(), now.limit()) == ([mjd_of(when)], "")
    assert strict.limit() == "high"


def test_the_zenith_is_where_a_target_stands_overhead() -> None:
    ra, dec = zenith_radec(PARANAL, [mjd_of(WHEN), mjd_of(WHEN) + 0.3])

    for n, mjd in enumerate((mjd_of(WHEN), mjd_of(WHEN) + 0.3)):
        night = observable_now(PARANAL, ra=ra[n], dec=dec[n], when=datetime_of(mjd))
        assert night.altitude_deg[0, 0] == pytest.approx(90, abs=1e-4)
        assert airmass(night.altitude_deg)[0, 0] == pytest.approx(1, abs=1e-3)
    assert 0 <= ra.min() <= ra.max() < 360
    moon_ra, _ = moon_radec(PARANAL, np.arange(61000.0, 61030.0))
    assert 0 <= moon_ra.min() < 30 < 330 < moon_ra.max() < 360


def test_the_sky_of_a_night_is_that_of_its_site_day_and_steps() -> None:
    def asked(site: Site, days: int, minutes: int) -> Night:
        when = WHEN + timedelta(days=days)
        return observable_tonight(site, ra=RA, dec=DEC, when=when, step_minutes=minutes)

    choices = list(product((PARANAL, TROMSO), (0, 1), (10, 30)))
    first = [asked(*choice) for choice in choices]
    again = [asked(*choice) for choice in choices]

    assert len({(night.mjd[0], night.sun_altitude_deg[5]) for night in first}) == len(choices)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.moon_separation_deg, other.moon_separation_deg)
        assert not one.mjd.flags.writeable
