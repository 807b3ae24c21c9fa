"""3D credible levels: by real maps, by brute force, and by what they must do at their edges."""

import numpy as np
import pytest

from tom.sky import (
    build_skymap,
    credible_volume,
    distance_moments,
    distance_pdf_at,
    distance_probability_fraction,
    healpix29,
    levels_3d,
    read_skymap,
)
from tom.sky.volume import _tables

AT2017GFO = healpix29([197.450354], [-23.381484])


@pytest.fixture(scope="module")
def gw170817(real_data):
    path = real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    return read_skymap(path.read_bytes())


def density_per_volume(skymap, rows, r):
    sigma = skymap.distsigma[rows]
    peak = skymap.probdensity[rows] * skymap.distnorm[rows] / (sigma * np.sqrt(2 * np.pi))
    return peak * np.exp(-0.5 * ((r - skymap.distmu[rows]) / sigma) ** 2)


def brute_force_level(skymap, row, distance, step=0.02):
    """The mass of all denser volume elements on a fine grid of distances."""
    radii = np.arange(step / 2, 150, step)
    threshold = density_per_volume(skymap, row, distance)
    mass = total = 0.0
    for each in np.flatnonzero(skymap.probability > 1e-9):
        density = density_per_volume(skymap, each, radii)
        shells = density * radii**2 * skymap.area_sr[each]
        mass += shells[density > threshold].sum()
        total += shells.sum()
    return mass / total


@pytest.mark.parametrize(("sigma_mpc", "level"), [(0, 0.39205), (4, 0.4346), (8, 0.5247)])
def test_at2017gfo_has_the_level_of_the_closed_form(gw170817, sigma_mpc, level):
    assert levels_3d(gw170817, AT2017GFO, [40.7], sigma_mpc) == pytest.approx(level, abs=5e-4)


def test_the_level_is_within_two_percent_of_ligo_skymaps_distance_grid(gw170817):
    assert levels_3d(gw170817, AT2017GFO, [40.7]) == pytest.approx(0.3904, abs=2e-2)


@pytest.mark.parametrize(("level", "volume"), [(0.5, 111.33), (0.9, 539.88)])
def test_credible_volumes_are_the_smallest(gw170817, level, volume):
    assert credible_volume(gw170817, level) == pytest.approx(volume, rel=1e-3)


def test_levels_agree_with_summing_thin_shells(gw170817):
    rows = np.argsort(-gw170817.probability)[[0, 300, 3000]]
    distances = np.array([25.0, 40.0, 60.0])

    levels = levels_3d(gw170817, gw170817.start29[rows], distances)

    expected = [brute_force_level(gw170817, *each) for each in zip(rows, distances, strict=True)]
    np.testing.assert_allclose(levels, expected, atol=2e-3)


def test_an_error_averages_the_level_over_distance(gw170817):
    radii = np.linspace(0, 40.7 + 8 * 30, 200_001)[1:]
    weight = np.exp(-0.5 * ((radii - 40.7) / 30) ** 2)
    exact = levels_3d(gw170817, np.full(len(radii), AT2017GFO[0]), radii)

    level = levels_3d(gw170817, AT2017GFO, [40.7], [30.0])

    assert level == pytest.approx(np.average(exact, weights=weight), abs=1e-3)


def test_targets_drawn_from_the_map_have_uniform_levels(gw170817):
    generator = np.random.default_rng(170817)
    rows, distances = draw(gw170817, generator, 4000)

    levels = np.sort(levels_3d(gw170817, gw170817.start29[rows], distances))

    largest_gap = np.abs(levels - (np.arange(4000) + 0.5) / 4000).max()
    assert largest_gap < 1.63 / np.sqrt(4000)  # Kolmogorov-Smirnov at 1%


def draw(skymap, generator, n):
    """Draw rows by probability, and distances from each row's own distribution."""
    rows = generator.choice(skymap.n, n, p=skymap.probability / skymap.probability.sum())
    grid = np.linspace(0.05, 149.95, 1500)
    distances = np.empty(n)
    for i, row in enumerate(rows):
        weight = grid**2 * np.exp(-0.5 * ((grid - skymap.distmu[row]) / skymap.distsigma[row]) ** 2)
        distances[i] = generator.choice(grid, p=weight / weight.sum())
    return rows, distances


def test_moments_of_the_rows_are_the_maps_own_distance(gw170817):
    mean, std = distance_moments(gw170817)

    assert mean == pytest.approx(gw170817.distance_mean, rel=1e-4)
    assert std == pytest.approx(gw170817.distance_std, rel=1e-3)


def test_the_distance_density_integrates_to_one(gw170817):
    radii = np.linspace(0.01, 200, 20_000)

    density = distance_pdf_at(gw170817, np.full(len(radii), AT2017GFO[0]), radii)

    assert np.trapezoid(density, radii) == pytest.approx(1, abs=1e-3)


def half_known():
    """Two base pixels of equal probability, only one with a distance."""
    return build_skymap(
        level=[0, 0],
        ipix=[4, 6],
        probdensity=[1.0, 1.0],
        distance=([100.0, np.inf], [10.0, 1.0], [1 / (100**2 + 10**2), 0.0]),
    )


def test_levels_are_shares_of_the_probability_that_has_a_distance():
    skymap = half_known()

    levels = levels_3d(skymap, skymap.start29[[0, 0]], [100.0, 1000.0])

    assert distance_probability_fraction(skymap) == pytest.approx(0.5)
    np.testing.assert_allclose(levels, [0, 1], atol=1e-6)


def test_a_level_is_unknown_where_map_or_target_has_no_distance():
    skymap = half_known()
    outside = 0

    positions = [skymap.start29[1], outside, *skymap.start29[[0, 0, 0, 0]]]
    distances = [100.0, 100.0, np.nan, -1.0, 0.0, np.inf]

    assert np.isnan(levels_3d(skymap, positions, distances)).all()
    assert np.isnan(levels_3d(skymap, skymap.start29[[0, 0, 0]], 100.0, [-1, np.nan, np.inf])).all()


def test_a_2d_map_has_no_3d_level_and_no_volume():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    assert np.isnan(levels_3d(skymap, [0], [40.0])).all()
    assert np.isnan(credible_volume(skymap, 0.9))


def test_distances_where_the_map_puts_nothing_give_no_level_no_volume_and_no_mean():
    skymap = build_skymap(
        level=[0, 0],
        ipix=[4, 6],
        probdensity=[0.0, 1.0],
        distance=([100.0, np.inf], [10.0, 1.0], [1 / (100**2 + 10**2), 0.0]),
    )

    assert np.isnan(levels_3d(skymap, skymap.start29, [100.0, 100.0])).all()
    assert np.isnan(credible_volume(skymap, 0.9))
    assert np.isnan(distance_moments(skymap)).all()


def test_distances_wholly_below_zero_give_no_level_no_volume_and_no_mean():
    skymap = build_skymap(
        level=[0], ipix=[4], probdensity=[1.0], distance=([-500.0], [5.0], [1e-3])
    )

    assert np.isnan(levels_3d(skymap, skymap.start29, [40.0])).all()
    assert np.isnan(credible_volume(skymap, 0.9))
    assert np.isnan(distance_moments(skymap)).all()


def test_without_a_targets_distance_a_map_is_not_tabulated():
    skymap = half_known()

    levels_3d(skymap, skymap.start29, [np.nan, np.nan])

    assert skymap not in _tables


@pytest.mark.parametrize("level", [1 - 1e-8, 1 - 1e-12, 1.0])
def test_nearer_to_one_than_the_negligible_share_the_volume_is_unbounded(level):
    assert np.isfinite(credible_volume(half_known(), 1 - 2e-7))
    assert np.isinf(credible_volume(half_known(), level))


def test_a_negative_mean_leaves_the_tail_of_the_distribution():
    mu, sigma = -100.0, 50.0
    radii = np.linspace(0, 600, 600_001)
    shells = radii**2 * np.exp(-0.5 * ((radii - mu) / sigma) ** 2)
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0], distance=([mu], [sigma], [1.0]))

    level = levels_3d(skymap, [0], [50.0])

    assert level == pytest.approx(shells[radii < 50].sum() / shells.sum(), abs=2e-3)
