"""Credible regions as ranges, which agree with levels, and as outlines, which enclose them."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.formats.fits_tables import read_tables
from tom.sky import (
    build_skymap,
    cone_localization,
    contours,
    credible_area,
    credible_levels,
    credible_ranges,
    levels_2d,
    radec_of,
    read_skymap,
    separation_arcsec,
)
from tom.sky.healpix import unit_vectors
from tom.sky.regions import credible_rows


def enclosed_deg2(ra, dec):
    """The area within a ring, by Girard's theorem over triangles from its middle.

    Positive where the ring runs clockwise, seen from outside of the sphere.
    """
    points = unit_vectors(ra, dec)
    middle = points.mean(axis=0) / np.linalg.norm(points.mean(axis=0))
    first, second = points[:-1], points[1:]
    volume = np.cross(first, second) @ middle
    total = 1 + first @ middle + second @ middle + np.sum(first * second, axis=1)
    return -np.sum(2 * np.arctan2(volume, total)) * np.degrees(1) ** 2


@settings(max_examples=50)
@given(skymaps, st.floats(0, 1), st.integers(0, 12 * 4**29 - 1))
def test_a_position_is_within_the_ranges_if_its_level_is(skymap, level, hpx29):
    ranges = credible_ranges(skymap, level)

    inside = bool(np.any((ranges[:, 0] <= hpx29) & (hpx29 < ranges[:, 1])))
    if np.any(credible_levels(skymap) <= level):
        assert inside == bool(levels_2d(skymap, [hpx29])[0] <= level)


def test_ranges_are_never_empty():
    skymap = build_skymap(level=[0, 0], ipix=[0, 1], probdensity=[9.0, 1.0])

    assert credible_ranges(skymap, 0.5).tolist() == [[0, 4**29]]


def test_the_region_of_gw170817_is_ligo_skymaps(real_data):
    path = real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    skymap = read_skymap(path.read_bytes())
    region = (real_data / "gw/maps/MS181101ab_90pct.moc.fits").read_bytes()
    theirs = next(read_tables(region)).column("UNIQ")

    ours = skymap.uniq[credible_rows(skymap, 0.9)]

    assert len(ours) == 6970
    assert set(ours) == set(theirs)
    assert len(credible_ranges(skymap, 0.9)) == 221


@pytest.mark.parametrize(
    "name",
    [
        "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
        "S190814bv_LALInference.v1_nside1024_nested.fits.gz",
        "MS220722v_bayestar.multiorder.fits",
        "GRB170817A_GBM.multiorder.fits",
    ],
)
def test_outlines_enclose_the_credible_area(real_data, name):
    skymap = read_skymap((real_data / "gw/maps" / name).read_bytes())

    outlines = contours(skymap)

    for level, rings in outlines.items():
        enclosed = sum(enclosed_deg2(*ring) for ring in rings)
        assert enclosed == pytest.approx(credible_area(skymap, level), rel=0.03)


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (359.99, 30.0), (77.0, 90.0), (5.0, -89.5)])
@pytest.mark.parametrize("radius_deg", [0.001, 2.5, 20.0])
def test_the_outline_of_a_cone_is_its_circle(ra, dec, radius_deg):
    skymap = cone_localization(ra=ra, dec=dec, radius_deg=radius_deg)

    ((ring_ra, ring_dec),) = contours(skymap, levels=(0.9,))[0.9]

    radii = separation_arcsec(ra, dec, ring_ra, ring_dec) / 3600
    np.testing.assert_allclose(radii, radius_deg, rtol=0.1)
    assert np.all((ring_ra >= 0) & (ring_ra < 360))
    assert (ring_ra[0], ring_dec[0]) == (ring_ra[-1], ring_dec[-1])


def test_outlines_run_clockwise_around_a_region_and_back_around_a_hole():
    """As d3-geo wants them, or it would fill the rest of the sky."""
    ipix = np.arange(12 * 4**6)
    distance_deg = separation_arcsec(30.0, 20.0, *radec_of((ipix << 46) + (1 << 45))) / 3600
    density = np.exp(-0.5 * ((distance_deg - 50) / 4) ** 2)
    skymap = build_skymap(level=np.full(len(ipix), 6), ipix=ipix, probdensity=density)

    outer, hole = (enclosed_deg2(*ring) for ring in contours(skymap, levels=(0.9,))[0.9])

    assert outer > 0 > hole
    assert outer + hole == pytest.approx(credible_area(skymap, 0.9), rel=0.03)


def test_two_antipodal_islands_have_an_outline_each():
    first = cone_localization(ra=20.0, dec=10.0, radius_deg=8.0)
    second = cone_localization(ra=200.0, dec=-10.0, radius_deg=8.0)
    ipix = np.arange(12 * 4**6)
    outside = levels_2d(first, ipix << 46) * levels_2d(second, ipix << 46)
    skymap = build_skymap(level=np.full(len(ipix), 6), ipix=ipix, probdensity=(1 - outside) ** 4)

    rings = contours(skymap, levels=(0.9,))[0.9]

    assert len(rings) == 2
    assert enclosed_deg2(*rings[0]) == pytest.approx(enclosed_deg2(*rings[1]), rel=0.05)


def test_a_featureless_sky_has_no_outline():
    skymap = build_skymap(level=[0] * 12, ipix=range(12), probdensity=[1.0] * 12)

    assert contours(skymap) == {0.5: [], 0.9: []}


def test_outlines_of_a_wide_region_take_little_more_memory_than_its_map():
    n = 12 * 4**7
    density = 1 + np.random.default_rng(1).random(n)
    skymap = build_skymap(level=np.full(n, 7), ipix=np.arange(n), probdensity=density)

    tracemalloc.start()
    contours(skymap, levels=(0.9,))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100e6


def test_outlines_stay_small_enough_for_a_page(real_data):
    path = real_data / "gw/maps/S190425z_G330561_bayestar_nside256_nested.fits.gz"

    outlines = contours(read_skymap(path.read_bytes()))

    assert sum(len(ra) for rings in outlines.values() for ra, _ in rings) < 4000
