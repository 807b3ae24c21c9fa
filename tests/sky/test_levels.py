"""2D credible levels: the order of rows, ties, and what the map does not cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import (
    build_skymap,
    credible_area,
    credible_levels,
    healpix29,
    levels_2d,
    probdensity_at,
    read_skymap,
    searched_area,
)


@given(skymaps)
def test_levels_accumulate_from_the_densest_row(skymap):
    levels = credible_levels(skymap)

    for row in range(0, skymap.n, 7):
        denser = skymap.probability[skymap.probdensity > skymap.probdensity[row]].sum()
        tied = skymap.probability[skymap.probdensity == skymap.probdensity[row]]
        expected = denser + tied.sum() * (1 + 1 / len(tied)) / 2
        assert levels[row] == pytest.approx(min(expected, 1.0), abs=1e-9)


def test_rows_without_ties_count_themselves_in():
    skymap = build_skymap(level=[0, 0, 0], ipix=[2, 0, 1], probdensity=[1.0, 6.0, 3.0])

    np.testing.assert_allclose(credible_levels(skymap), [0.6, 0.9, 1.0])


@given(skymaps)
def test_no_denser_row_has_a_higher_level(skymap):
    levels = credible_levels(skymap)

    outwards = np.argsort(-skymap.probdensity, kind="stable")
    assert np.all(np.diff(levels[outwards]) >= -1e-12)


@given(skymaps)
def test_rows_of_equal_density_share_one_level(skymap):
    levels = credible_levels(skymap)

    for density in np.unique(skymap.probdensity):
        assert len(np.unique(levels[skymap.probdensity == density])) == 1


def test_rows_of_no_probability_have_level_one():
    skymap = build_skymap(level=[0] * 12, ipix=range(12), probdensity=[1.0] + 11 * [0.0])

    np.testing.assert_allclose(credible_levels(skymap), 1.0)


@given(skymaps)
def test_the_area_searched_is_that_of_all_denser_rows_and_half_of_the_tied_ones(skymap):
    area = skymap.area_sr * np.degrees(1) ** 2

    found = searched_area(skymap, skymap.start29)

    for row in range(0, skymap.n, 7):
        denser = area[skymap.probdensity > skymap.probdensity[row]].sum()
        tied = area[skymap.probdensity == skymap.probdensity[row]]
        assert found[row] == pytest.approx(denser + tied.sum() * (1 + 1 / len(tied)) / 2)


def test_positions_off_a_partial_map_have_no_level():
    skymap = build_skymap(level=[1], ipix=[5], probdensity=[1.0])
    inside, outside = skymap.start29[0], skymap.stop29[0]

    np.testing.assert_allclose(levels_2d(skymap, [inside]), [1.0])
    assert np.isnan(levels_2d(skymap, [outside, inside - 1])).all()
    assert np.isnan(probdensity_at(skymap, [outside, inside - 1])).all()


@settings(max_examples=30)
@given(skymaps, st.floats(0.01, 0.99))
def test_areas_grow_with_the_level_up_to_the_map(skymap, level):
    smaller, larger = credible_area(skymap, level * 0.9), credible_area(skymap, level)

    assert 0 < smaller <= larger <= 41252.97


def test_targets_drawn_from_the_map_have_uniform_levels(real_data):
    path = real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    skymap = read_skymap(path.read_bytes())
    generator = np.random.default_rng(170817)
    rows = generator.choice(skymap.n, 4000, p=skymap.probability / skymap.probability.sum())

    levels = np.sort(levels_2d(skymap, skymap.start29[rows]))

    largest_gap = np.abs(levels - (np.arange(4000) + 0.5) / 4000).max()
    assert largest_gap < 1.63 / np.sqrt(4000)  # Kolmogorov-Smirnov at 1%


def test_the_density_of_gw170817_at_its_host(real_data):
    path = real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    skymap = read_skymap(path.read_bytes())

    density = probdensity_at(skymap, healpix29([197.450354], [-23.381484]))

    assert 4 * np.pi * density == pytest.approx(1431, abs=1)
