"""What a site can observe at a moment agrees, told in angles, with the night's own tests."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tom.sky import Constraints, Site, airmass, observable_now, present_sky, separation_arcsec
from tom.sky.present import PresentSky, lowest_altitude

SITES = [
    Site("Cerro Tololo", -30.1674, -70.8048),
    Site("Teide", 28.3003, -16.5118),
    Site("Siding Spring", -31.2728, 149.0708),
]
LIMITS = [
    Constraints(),
    Constraints(airmass_max=1.4, altitude_min_deg=50.0, moon_separation_min_deg=60.0),
    Constraints(airmass_max=3.0, hour_angle_max_hours=2.0, moon_separation_min_deg=90.0),
]
GENERATOR = np.random.default_rng(7)
RA = GENERATOR.uniform(0, 360, 2000)
DEC = np.degrees(np.arcsin(GENERATOR.uniform(-1, 1, 2000)))


def holds(sky: PresentSky) -> np.ndarray:
    """Where the angles say that a target can be observed."""
    from_zenith = separation_arcsec(RA, DEC, sky.zenith_ra, sky.zenith_dec) / 3600
    hours = np.abs((RA - sky.zenith_ra + 180) % 360 - 180)
    found = (from_zenith <= 90 - sky.altitude_min_deg) & (hours <= sky.hour_angle_max_deg)
    if sky.moon is not None:
        from_moon = separation_arcsec(RA, DEC, *sky.moon) / 3600
        found &= from_moon >= sky.moon_separation_min_deg
    return np.asarray(found)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
@pytest.mark.parametrize("limits", LIMITS, ids=["usual", "high", "meridian"])
def test_what_can_be_observed_is_what_the_night_says(site: Site, limits: Constraints) -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    seen_dark = seen_moon = 0
    for hours in range(0, 14 * 24, 7):
        when = start + timedelta(hours=hours)

        sky = present_sky(site, when=when, constraints=limits)
        night = observable_now(site, ra=RA, dec=DEC, when=when, constraints=limits)

        expected = night.observable[:, 0]
        found = np.zeros(len(RA), dtype=bool) if sky is None else holds(sky)
        np.testing.assert_array_equal(found, expected)
        seen_dark += bool(expected.any())
        seen_moon += sky is not None and sky.moon is not None
    assert seen_dark > 5
    assert seen_moon > 5


@pytest.mark.parametrize("airmass_max", [1.0, 1.5, 2.0, 2.5, 5.0])
def test_the_lowest_altitude_has_the_largest_airmass(airmass_max: float) -> None:
    assert airmass(lowest_altitude(airmass_max)) == pytest.approx(airmass_max, abs=1e-6)


def test_no_limit_of_airmass_leaves_all_above_the_horizon() -> None:
    assert lowest_altitude(np.inf) == 0
    assert lowest_altitude(40.0) == pytest.approx(0, abs=0.1)
    assert lowest_altitude(0.5) == pytest.approx(90)
