"""Error circles as sky maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import latitudes, longitudes
from tom.sky import cone_localization, cone_sigma_deg, credible_area, healpix29, levels_2d
from tom.sky.healpix import pixel_centre, separation_arcsec

GBM_CORE_AND_TAIL = ((0.9, 1.9), (0.1, 4.1))


def probability_within(skymap, ra, dec, radius_deg):
    """Add up the 64 parts of each row whose centres lie in a circle."""
    parts = (64 * skymap.ipix[:, np.newaxis] + np.arange(64)).ravel()
    centres = pixel_centre(level=np.repeat(skymap.level + 3, 64), ipix=parts)
    near = separation_arcsec(ra, dec, *centres) <= radius_deg * 3600
    return np.repeat(skymap.probability / 64, 64)[near].sum()


@pytest.mark.parametrize(("containment", "divisor"), [(0.9, 2.146), (0.68, 1.510), (0.6827, 1.515)])
def test_the_sigma_of_a_circle(containment, divisor):
    sigma = cone_sigma_deg(radius_deg=1.0, containment=containment)

    assert 1 / sigma == pytest.approx(divisor, abs=1e-3)


@settings(max_examples=30)
@given(longitudes, latitudes, st.floats(-3, 1), st.sampled_from([0.5, 0.68, 0.9]))
def test_a_circle_holds_its_containment(ra, dec, log_radius, containment):
    radius = 10**log_radius

    skymap = cone_localization(ra=ra, dec=dec, radius_deg=radius, containment=containment)

    assert probability_within(skymap, ra, dec, radius) == pytest.approx(containment, abs=0.02)
    assert credible_area(skymap, containment) == pytest.approx(np.pi * radius**2, rel=0.02)


@given(longitudes, latitudes)
def test_a_cone_covers_the_whole_sky_and_stays_small(ra, dec):
    skymap = cone_localization(ra=ra, dec=dec, radius_deg=0.5)

    assert skymap.area_sr.sum() == pytest.approx(4 * np.pi)
    assert skymap.n < 6000
    assert skymap.raw_sum == pytest.approx(1)


def test_the_centre_is_the_most_credible():
    skymap = cone_localization(ra=359.9, dec=-60.0, radius_deg=1.0)

    levels = levels_2d(skymap, healpix29([359.9, 0.5, 180.0], [-60.0, -60.2, 0.0]))

    assert levels[0] < 0.05
    assert np.all(np.diff(levels) > 0)


def test_a_systematic_error_widens_the_cone():
    narrow = cone_localization(ra=10.0, dec=20.0, radius_deg=3.0, containment=0.68)
    wide = cone_localization(
        ra=10.0, dec=20.0, radius_deg=3.0, containment=0.68, systematic=GBM_CORE_AND_TAIL
    )

    assert probability_within(wide, 10.0, 20.0, 3.0) < 0.55
    assert credible_area(wide, 0.9) > 1.8 * credible_area(narrow, 0.9)


@pytest.mark.parametrize(
    ("radius", "containment"), [(0, 0.9), (-1, 0.9), (1, 0), (1, 1), (np.nan, 0.9)]
)
def test_what_is_no_circle_is_refused(radius, containment):
    with pytest.raises(ValueError, match="cone"):
        cone_localization(ra=0.0, dec=0.0, radius_deg=radius, containment=containment)
