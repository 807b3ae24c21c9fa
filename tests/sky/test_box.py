"""Error boxes as sky maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import latitudes, longitudes
from tests.sky.test_cone import offset_from, probability_where
from tom.sky import box_localization, credible_area, healpix29, levels_2d
from tom.sky.healpix import unit_vectors

# Of GCN's example of MAXI.
CORNERS = [(345.72, 19.547), (345.464, 19.29), (347.309, 17.634), (347.566, 17.889)]


def box_about(ra, dec, *, long_deg, wide_deg, angle_deg):
    """Return the corners of a box with such half sides, its long side at a position angle."""
    corners = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
    return [
        offset_from(ra, dec, along=x * long_deg, across=y * wide_deg, angle_deg=angle_deg)
        for x, y in corners
    ]


def within_sides(corners):
    """Return what says of vectors whether all four great circles have them on the box's side."""
    vectors = unit_vectors(*np.transpose(corners))
    poles = np.cross(vectors, np.roll(vectors, -1, axis=0))
    signs = np.sign(poles @ vectors.sum(axis=0))
    return lambda each: np.all((each @ poles.T) * signs >= 0, axis=-1)


@settings(max_examples=15, deadline=None)
@given(
    longitudes,
    latitudes,
    st.floats(-3, 1.3),
    st.sampled_from([1.0, 0.5, 0.1]),
    st.floats(0, 180),
    st.sampled_from([0.5, 0.68, 0.9, 0.95]),
)
def test_a_box_holds_its_containment(ra, dec, log_long, shape, angle, containment):
    long = 10**log_long
    corners = box_about(ra, dec, long_deg=long, wide_deg=shape * long, angle_deg=angle)

    skymap = box_localization(corners, containment=containment)

    held = probability_where(skymap, within_sides(corners))
    assert held == pytest.approx(containment, abs=0.02)
    assert skymap.area_sr.sum() == pytest.approx(4 * np.pi)
    assert skymap.n < 200_000  # at a pole it takes most: some 130,000


def test_the_region_of_its_level_is_the_box_and_flat():
    skymap = box_localization(CORNERS, containment=0.9)

    assert credible_area(skymap, 0.9) == pytest.approx(0.353 * 2.41, rel=0.03)
    inside = healpix29([346.515, 345.7, 347.33], [18.59, 19.3, 17.88])
    levels = levels_2d(skymap, inside)
    assert np.ptp(levels) < 1e-9  # ties share a level
    outside = levels_2d(skymap, healpix29([345.9, 346.515], [17.9, 21.0]))
    assert np.all(outside > 0.9)


def test_either_way_round_is_the_same_box():
    one, other = box_localization(CORNERS), box_localization(CORNERS[::-1])

    assert np.array_equal(one.ipix, other.ipix)
    assert np.allclose(one.probdensity, other.probdensity, rtol=1e-9, atol=0)


def test_a_systematic_error_widens_a_box():
    wide = box_localization(CORNERS, systematic=((1.0, 0.3),))

    # Each side goes out to the root of its distance's square and of 0.3 * 2.146 squared.
    long, short = np.hypot(2.41 / 2, 0.6438), np.hypot(0.353 / 2, 0.6438)
    assert credible_area(wide, 0.9) == pytest.approx(4 * long * short, rel=0.04)


@pytest.mark.parametrize(
    "corners",
    [
        [],
        CORNERS[:3],
        [*CORNERS[:3], (347.5, float("nan"))],
        [*CORNERS[:3], (347.5, 91.0)],
        [CORNERS[0]] * 4,
        [CORNERS[0], CORNERS[2], CORNERS[1], CORNERS[3]],  # it crosses itself
        [(0, 0), (10, 0), (10, 10), (6, 2)],  # a dart
        [(0, 0), (90, 0), (180, 0), (270, 0)],
        [(0, 0), (10, 0), (10, 0.001), (0, 0.001)],  # longer than the sky map can show
    ],
)
def test_what_is_no_box_is_refused(corners):
    with pytest.raises(ValueError, match="box"):
        box_localization(corners)


@pytest.mark.parametrize("containment", [0, 1, np.nan])
def test_what_is_no_chance_is_refused(containment):
    with pytest.raises(ValueError, match="containment"):
        box_localization(CORNERS, containment=containment)
