"""Order-29 ids, cones and angles, above all at RA 0 and at the poles."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sky.strategies import latitudes, longitudes
from tom.sky import cone_ranges, healpix29, merge_ranges, radec_of, separation_arcsec
from tom.sky.healpix import unit_vectors

ROOT = Path(__file__).resolve().parents[2]


def offset(ra, dec, angle_deg, bearing):
    """The direction at an angle from another one."""
    centre = unit_vectors(ra, dec)
    helper = np.eye(3)[np.argmin(np.abs(centre))]
    east = np.cross(helper, centre) / np.linalg.norm(np.cross(helper, centre))
    side = np.cos(bearing) * east + np.sin(bearing) * np.cross(centre, east)
    there = np.cos(np.radians(angle_deg)) * centre + np.sin(np.radians(angle_deg)) * side
    return np.degrees(np.arctan2(there[1], there[0])) % 360, np.degrees(
        np.arctan2(there[2], np.hypot(there[0], there[1]))
    )


@given(longitudes, latitudes)
def test_an_id_names_its_direction_to_a_milliarcsecond(ra, dec):
    back = radec_of(healpix29(ra, dec))

    assert separation_arcsec(ra, dec, *back) < 1e-3


@given(
    longitudes,
    latitudes,
    st.floats(-3, 5.8),
    st.floats(0, 1),
    st.floats(0, 2 * np.pi),
)
def test_a_cones_ranges_cover_the_whole_cone(ra, dec, log_radius, fraction, bearing):
    radius_arcsec = min(10**log_radius, 648000.0)
    inside = healpix29(*offset(ra, dec, fraction * radius_arcsec / 3600, bearing))

    ranges = cone_ranges(ra=ra, dec=dec, radius_arcsec=radius_arcsec)

    assert np.any((ranges[:, 0] <= inside) & (inside < ranges[:, 1]))


@pytest.mark.parametrize("ra", [0.0, 90.0])
@pytest.mark.parametrize("radius_deg", [91.0, 140.0, 150.0, 175.0])
def test_a_cone_wider_than_a_hemisphere_is_covered_on_its_far_side(ra, radius_deg):
    turn = np.linspace(0, 2 * np.pi, 60)
    inside = [healpix29(*offset(ra, 0.0, radius_deg - 0.1, each)) for each in turn]

    ranges = cone_ranges(ra=ra, dec=0.0, radius_arcsec=radius_deg * 3600)

    at = np.searchsorted(ranges[:, 0], inside, side="right") - 1
    assert np.all((at >= 0) & (inside < ranges[at, 1]))


@given(longitudes, latitudes, st.floats(0, 4.5))
def test_a_cones_ranges_are_few_and_near(ra, dec, log_radius):
    radius_arcsec = 10**log_radius

    ranges = cone_ranges(ra=ra, dec=dec, radius_arcsec=radius_arcsec)

    assert len(ranges) < 60
    edges = np.concatenate([ranges[:, 0], ranges[:, 1] - 1])
    assert np.max(separation_arcsec(ra, dec, *radec_of(edges))) < 2.6 * radius_arcsec


def test_a_cone_of_no_radius_still_covers_its_centre():
    here = healpix29(0.0, 90.0)

    ranges = cone_ranges(ra=0.0, dec=90.0, radius_arcsec=0.0)

    assert np.any((ranges[:, 0] <= here) & (here < ranges[:, 1]))


def test_a_cone_wider_than_the_sky_is_refused():
    with pytest.raises(ValueError, match="radius"):
        cone_ranges(ra=0.0, dec=0.0, radius_arcsec=700_000)


@pytest.mark.parametrize(("ra", "dec"), [(0, 91), (np.nan, 0), (0, np.nan), (np.inf, 0)])
def test_what_is_no_direction_is_refused(ra, dec):
    with pytest.raises(ValueError, match="direction"):
        healpix29(ra, dec)


def test_separations_are_exact_across_ra_zero_at_poles_and_for_tiny_angles():
    first = [(359.9999, 0.0), (0.0, 90.0), (10.0, 20.0), (0.0, 0.0)]
    second = [(0.0001, 0.0), (180.0, 89.0), (10.0, 20.0 + 1e-9), (180.0, 0.0)]

    angles = separation_arcsec(*np.transpose(first), *np.transpose(second))

    np.testing.assert_allclose(angles, [0.72, 3600, 3.6e-6, 648000], rtol=1e-5)


def test_ranges_that_touch_or_overlap_become_one():
    ranges = np.array([[10, 20], [0, 5], [20, 30], [12, 15], [40, 50]])

    assert merge_ranges(ranges).tolist() == [[0, 5], [10, 30], [40, 50]]


def test_no_ranges_merge_to_none():
    assert merge_ranges(np.empty((0, 2), dtype=np.int64)).shape == (0, 2)


def test_what_draws_plots_and_what_minimizes_are_not_loaded_at_every_start():
    line = "import sys, tom.sky; print({'matplotlib', 'scipy.optimize'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout == "set()\n", done.stderr


def test_matplotlib_can_be_loaded_all_the_same():
    import matplotlib

    assert matplotlib.__version__
