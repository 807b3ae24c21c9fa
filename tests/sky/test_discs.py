"""Many discs at once: who lies in which, and the ranges that cover them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sky.strategies import latitudes, longitudes
from tests.sky.test_healpix import offset
from tom.sky import healpix29, separation_arcsec, within_ranges
from tom.sky.discs import Discs

radii = st.floats(0.01, 3600.0)
places = st.lists(st.tuples(longitudes, latitudes, radii), min_size=1, max_size=20)


def discs_of(rows):
    return Discs(*np.array(rows, float).T)


@given(places, st.integers(0, 19), st.floats(0, 2), st.floats(0, 2 * np.pi), longitudes, latitudes)
def test_the_nearest_disc_is_that_of_all_separations(rows, chosen, share, bearing, ra, dec):
    discs = discs_of(rows)
    near = rows[chosen % len(rows)]
    other = offset(near[0], near[1], share * near[2] / 3600, bearing)
    ras, decs = np.array([ra, other[0]]), np.array([dec, other[1]])

    found, away = discs.nearest(ras, decs)

    for at in range(2):
        apart = separation_arcsec(ras[at], decs[at], discs.ra, discs.dec)
        inside = apart <= discs.radius_arcsec
        assert (found[at] >= 0) == inside.any()
        if inside.any():
            assert inside[found[at]]
            assert away[at] == apart[inside].min()
        else:
            assert np.isnan(away[at])


@given(places, st.integers(0, 19), st.floats(0, 1), st.floats(0, 2 * np.pi))
def test_the_ranges_cover_each_disc(rows, chosen, share, bearing):
    ra, dec, radius = rows[chosen % len(rows)]
    inside = healpix29(*offset(ra, dec, share * radius / 3600, bearing))

    assert within_ranges(np.array([inside]), discs_of(rows).ranges()).all()


@pytest.mark.parametrize(
    ("place", "direction", "is_inside"),
    [
        ((359.9999, 0.0, 1.0), (0.0001, 0.0), True),
        ((359.9999, 0.0, 0.7), (0.0001, 0.0), False),
        ((10.0, 90.0, 2.0), (190.0, 89.9995), True),
        ((10.0, -90.0, 1.7), (190.0, -89.9995), False),
    ],
)
def test_a_disc_goes_over_ra_0_and_the_poles(place, direction, is_inside):
    rows, _ = discs_of([place]).nearest(*np.array([direction], float).T)

    assert (rows[0] == 0) == is_inside
    cells = healpix29(*direction)[np.newaxis]
    assert within_ranges(cells, discs_of([place]).ranges())[0] or not is_inside


def test_ranges_of_small_discs_are_small():
    ranges = discs_of([(10.0, 20.0, 3.0), (200.0, -45.0, 60.0)]).ranges()

    area = (ranges[:, 1] - ranges[:, 0]).sum() / (12 * 4**29) * 4 * np.pi
    assert area < 1000 * np.pi * np.radians(60 / 3600) ** 2


def test_of_no_direction_nothing_is_found():
    rows, away = discs_of([(10.0, 20.0, 3.0)]).nearest(np.array([]), np.array([]))

    assert len(rows) == len(away) == 0
