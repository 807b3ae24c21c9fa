"""What a site sees of many places tonight is what `observable_tonight` says of each."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tom.sky import Constraints, Site, observable_tonight
from tom.sky.healpix import unit_vectors
from tom.sky.tonight import dark_hours, share_tonight

SITES = (
    Site("Siding Spring", -31.2728, 149.0708, 1116.0),
    Site("Haleakala", 20.7069, -156.2575, 3055.0),
    Site("Tromso", 69.65, 18.96),
)
WHEN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
generator = np.random.default_rng(5)
RA, DEC = generator.uniform(0, 360, 200), np.degrees(np.arcsin(generator.uniform(-1, 1, 200)))
LIMITS = (
    Constraints(),
    Constraints(airmass_max=1.5, altitude_min_deg=40.0, moon_separation_min_deg=60.0),
    Constraints(hour_angle_max_hours=4.0),
)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("days", [0, 200])
def test_places_can_be_observed_as_targets_can(site, limits, days) -> None:
    when = WHEN + timedelta(days=days)
    whole = observable_tonight(site, ra=RA, dec=DEC, when=when, constraints=limits)

    dark = dark_hours(site, unit_vectors(RA, DEC), when=when, constraints=limits)

    np.testing.assert_allclose(dark.hours, whole.hours)
    assert set(dark.mjd.tolist()) >= set(whole.mjd[whole.observable.any(axis=0)].tolist())


def test_the_share_is_that_of_the_places_that_are_up_at_some_time() -> None:
    vectors, weights = unit_vectors(RA, DEC), np.full(len(RA), 1 / len(RA))
    whole = observable_tonight(SITES[0], ra=RA, dec=DEC, when=WHEN)

    share = share_tonight(SITES[0], vectors, weights, when=WHEN, constraints=Constraints())

    assert share.probability == pytest.approx(whole.observable.any(axis=1).mean())
    assert share.most == pytest.approx(whole.observable.mean(axis=0).max())
    assert share.first is not None
    assert WHEN <= share.first <= share.best <= share.last


def test_a_site_in_the_midnight_sun_sees_nothing() -> None:
    vectors = unit_vectors(RA, DEC)
    when = datetime(2026, 6, 20, 9, 0, tzinfo=UTC)

    share = share_tonight(
        SITES[2], vectors, np.ones(200) / 200, when=when, constraints=Constraints()
    )

    assert (share.probability, share.first, share.best) == (0.0, None, None)
