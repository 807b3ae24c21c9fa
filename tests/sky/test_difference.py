"""Two maps of one source: what they share, and how far the likeliest place moved."""

import numpy as np
import pytest

from tests.factories import make_skymap
from tom.sky import build_skymap, compare_maps, read_skymap


def test_a_map_differs_from_itself_in_nothing():
    skymap = make_skymap()

    same = compare_maps(skymap, skymap)

    assert same.shift_deg == 0
    assert same.later_in_earlier == pytest.approx(same.earlier_in_later)
    assert same.later_in_earlier == pytest.approx(0.9, abs=0.01)


def test_two_maps_of_other_places_share_nothing():
    one, other = make_skymap(ra=10.0, dec=0.0), make_skymap(ra=190.0, dec=0.0)

    apart = compare_maps(one, other)

    assert apart.shift_deg == pytest.approx(180, abs=6)
    assert apart.common_area == 0
    assert max(apart.later_in_earlier, apart.earlier_in_later) < 1e-6


def test_a_small_map_within_a_wide_one_is_all_in_its_region_but_not_the_other_way_round():
    wide, small = make_skymap(sigma_deg=15.0), make_skymap(sigma_deg=4.0)

    apart = compare_maps(wide, small)

    assert apart.later_in_earlier == pytest.approx(1, abs=1e-3)
    assert apart.earlier_in_later < 0.3


def test_halves_of_the_sky_share_what_both_hold():
    half = np.arange(6)
    one = build_skymap(level=np.zeros(6), ipix=half, probdensity=np.ones(6))
    other = build_skymap(level=np.zeros(6), ipix=half + 3, probdensity=np.ones(6))

    apart = compare_maps(one, other, level=1.0)

    assert apart.common_area == pytest.approx(3 * 41252.96 / 12, rel=1e-6)
    assert apart.later_in_earlier == pytest.approx(0.5)


def test_the_three_detectors_map_of_gw170817_lies_in_that_of_two(real_data):
    maps = real_data / "gw/maps"
    two = read_skymap((maps / "GW170817_G298107_HL_bayestar_nside1024_nested.fits.gz").read_bytes())
    name = "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    three = read_skymap((maps / name).read_bytes())

    apart = compare_maps(two, three)

    assert 5 < apart.shift_deg < 10
    assert apart.later_in_earlier > 0.9 > apart.earlier_in_later
    assert apart.common_area < 30.98
