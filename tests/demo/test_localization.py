import numpy as np
import pytest
from scipy.stats import kstest

from tests.demo.conftest import MERGER_TIME
from tom.demo.ephemeris import altitude, equatorial, sun_longitude
from tom.demo.localization import draw_arcs, draw_distance, draw_position, make_skymap
from tom.demo.packets import to_jd
from tom.demo.population import region_of
from tom.sky import (
    credible_area,
    credible_levels,
    healpix29,
    levels_2d,
    most_probable,
    read_skymap,
    write_skymap,
)

MERGER_JD = to_jd(MERGER_TIME)


@pytest.fixture(scope="module")
def pairs():
    """Preliminary and updated map of several mergers."""
    pairs = []
    for seed in range(40):
        wide, narrow = draw_arcs(MERGER_JD, np.random.default_rng(seed))
        pairs.append((make_skymap(wide), make_skymap(narrow)))
    return pairs


def test_the_update_is_smaller_than_the_preliminary_map(pairs):
    for preliminary, update in pairs:
        assert 100 < credible_area(preliminary, 0.9) < 320
        assert 30 < credible_area(update, 0.9) < 0.6 * credible_area(preliminary, 0.9)


def test_the_maps_have_the_mesh_of_the_real_ones(pairs):
    for skymap in pairs[0]:
        assert skymap.n == 19200
        assert skymap.area_sr.sum() == pytest.approx(4 * np.pi)
        assert 8 <= skymap.level.max() <= 11
        back = read_skymap(write_skymap(skymap))
        np.testing.assert_array_equal(back.uniq, skymap.uniq)
        np.testing.assert_allclose(back.distmu, skymap.distmu)


def test_distances_are_normalized_in_every_pixel(pairs):
    skymap = pairs[0][1]
    r = np.linspace(0.01, 400, 20000)[:, None]
    rows = slice(0, 19200, 1500)
    mu, sigma = skymap.distmu[rows], skymap.distsigma[rows]
    normal = np.exp(-0.5 * ((r - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))

    integral = np.sum(skymap.distnorm[rows] * r**2 * normal, axis=0) * (r[1, 0] - r[0, 0])

    np.testing.assert_allclose(integral, 1, rtol=1e-3)
    assert 40 < skymap.distance_mean < 130
    assert 0.1 < skymap.distance_std / skymap.distance_mean < 0.35


def test_positions_drawn_from_a_map_lie_at_uniform_levels(pairs):
    skymap, rng = pairs[3][1], np.random.default_rng(5)

    levels = [
        levels_2d(skymap, healpix29(*draw_position(skymap, skymap.probability, rng)[:2]))
        for _ in range(800)
    ]

    assert kstest(np.array(levels), "uniform").pvalue > 1e-3


def test_the_update_is_consistent_with_the_preliminary_map(pairs):
    rng = np.random.default_rng(6)
    levels = []
    for preliminary, update in pairs:
        ra, dec, _ = draw_position(update, update.probability, rng)
        levels.append(float(levels_2d(preliminary, healpix29(ra, dec))))

    assert kstest(levels, "uniform").pvalue > 1e-3


def test_the_region_holds_only_what_lies_within_the_90_percent_level(pairs):
    region = region_of(pairs[0][1])

    inside = region.inside > 0

    assert region.inside.sum() == pytest.approx(1)
    assert credible_levels(region.skymap)[inside].max() < 0.9


def test_distances_drawn_stay_where_the_demonstration_wants_them(pairs):
    rng = np.random.default_rng(7)

    drawn = [draw_distance(pairs[0][1], 100, rng) for _ in range(50)]

    assert 40 <= min(drawn) <= max(drawn) <= 120


def test_the_region_is_up_in_the_dark_at_palomar(pairs):
    times = np.floor(MERGER_JD) + 0.825 + np.arange(-0.5, 0.5, 10 / 1440)
    dark = altitude(times, *equatorial(sun_longitude(times))) < -14

    for _, update in pairs[:20]:
        up = altitude(times, *most_probable(update)) > 30
        assert np.sum(dark & up) >= 12
