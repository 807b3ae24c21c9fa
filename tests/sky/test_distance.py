"""The likelihood ratio of a host's distance, against plain integration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import (
    build_skymap,
    distance_modulus_at,
    distance_moments,
    distance_overlap,
    distance_pdf,
    distance_pdf_at,
    unlisted_share,
)

HORIZON = 300.0


def one_direction(mu, sigma):
    """A map of one row, whose distance distribution integrates to one."""
    radii = np.linspace(0, max(mu, 0) + 12 * sigma, 200_001)
    mass = np.trapezoid(radii**2 * np.exp(-0.5 * ((radii - mu) / sigma) ** 2), radii)
    norm = np.sqrt(2 * np.pi) * sigma / mass
    return build_skymap(level=[0], ipix=[0], probdensity=[1.0], distance=([mu], [sigma], [norm]))


def background_at(radii):
    """Unrelated hosts by distance: a volume, seen less and less with distance."""
    scale = HORIZON / 10
    return radii**2 * np.exp(-radii / scale) / (2 * scale**3)


def ratio(skymap, distance, error):
    return distance_overlap(
        skymap, [0], distance_mpc=[distance], distance_sigma_mpc=[error], horizon_mpc=HORIZON
    )[0]


@settings(max_examples=40)
@given(st.floats(-30, 150), st.floats(5, 40), st.floats(1, 350), st.floats(2, 60))
def test_the_ratio_is_the_integral_over_distance(mu, sigma, distance, error):
    skymap = one_direction(mu, sigma)
    radii = np.linspace(1e-3, 5 * HORIZON, 200_001)
    host = np.exp(-0.5 * ((radii - distance) / error) ** 2)
    everywhere = np.linspace(0, distance + 12 * error, 40_001)
    host /= np.trapezoid(np.exp(-0.5 * ((everywhere - distance) / error) ** 2), everywhere)
    background = background_at(radii)
    density = distance_pdf_at(skymap, np.zeros(len(radii), dtype=np.int64), radii)
    expected = np.trapezoid(density * host / background, radii)

    assert ratio(skymap, distance, error) == pytest.approx(expected, rel=2e-3, abs=1e-9)


@settings(max_examples=40)
@given(st.floats(-30, 150), st.floats(5, 40), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_what_is_not_listed_is_the_integral_over_distance(mu, sigma, completeness):
    skymap, edges = one_direction(mu, sigma), [0.0, 40.0, 90.0, 200.0]
    radii = np.linspace(1e-3, max(mu, 0) + 12 * sigma, 200_001)
    density = distance_pdf_at(skymap, np.zeros(len(radii), dtype=np.int64), radii)
    lists = np.append(completeness, 0.0)[np.searchsorted(edges, radii, side="right") - 1]
    expected = np.trapezoid(density * (1 - lists), radii)

    found = unlisted_share(skymap, [0], edges_mpc=edges, completeness=completeness)

    assert found[0] == pytest.approx(expected, abs=1e-3)


@settings(max_examples=20)
@given(skymaps.filter(lambda skymap: np.isfinite(distance_moments(skymap)[0])))
def test_the_maps_density_of_distance_is_the_mean_of_its_directions(skymap):
    known = np.flatnonzero(np.isfinite(skymap.distmu) & (skymap.probability > 0))
    radii, step = np.linspace(0.5, 800.5, 801, retstep=True)
    each = np.array([distance_pdf_at(skymap, skymap.start29[known], r) for r in radii])
    sums = each @ skymap.probability[known]

    found = distance_pdf(skymap, radii)

    np.testing.assert_allclose(found, sums / (sums.sum() * step), rtol=2e-3, atol=1e-9)
    assert found.sum() * step == pytest.approx(1, abs=2e-3)
    mean, _ = distance_moments(skymap)
    assert found @ radii * step == pytest.approx(mean, rel=2e-3)


def test_an_exact_distance_compares_the_two_densities_there():
    skymap = one_direction(40.0, 8.0)
    expected = distance_pdf_at(skymap, [0], [42.0])[0] / background_at(42.0)

    assert ratio(skymap, 42.0, 0.0) == pytest.approx(expected)
    assert ratio(skymap, 42.0, 1e-3) == pytest.approx(expected, rel=1e-4)


def test_unrelated_hosts_have_a_mean_ratio_of_one():
    """The background's own distances must, on average, speak neither for nor against."""
    skymap = one_direction(60.0, 15.0)
    distances = np.random.default_rng(3).gamma(3.0, HORIZON / 10, 200_000)

    ratios = distance_overlap(
        skymap,
        np.zeros(len(distances), dtype=np.int64),
        distance_mpc=distances,
        distance_sigma_mpc=0.0,
        horizon_mpc=HORIZON,
    )

    assert ratios.mean() == pytest.approx(1, abs=0.05)


def test_a_host_far_beyond_the_map_has_a_finite_ratio_of_nothing():
    assert ratio(one_direction(40.0, 8.0), 500.0, 1.0) == pytest.approx(0)
    assert ratio(one_direction(40.0, 8.0), 50_000.0, 300.0) == pytest.approx(0)


def test_an_exact_host_at_40_mpc_counts_as_real_hosts_distances_say():
    """A horizon of 1000 Mpc: some hundred, where a volume without a limit of light gives 10,000."""
    found = distance_overlap(
        one_direction(38.0, 7.5),
        [0],
        distance_mpc=[40.7],
        distance_sigma_mpc=[2.4],
        horizon_mpc=1000.0,
    )

    assert 50 < found[0] < 200


@pytest.mark.parametrize(
    ("distance", "error"), [(np.nan, 1.0), (-3.0, 1.0), (40.0, np.nan), (40.0, -1.0)]
)
def test_a_host_without_a_distance_has_no_ratio(distance, error):
    assert np.isnan(ratio(one_direction(40.0, 8.0), distance, error))


def test_a_2d_map_has_no_ratio_and_no_moments():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    assert np.isnan(ratio(skymap, 40.0, 4.0))
    assert np.isnan(distance_moments(skymap)).all()


@settings(max_examples=40)
@given(st.floats(-60, 150), st.floats(8, 40))
def test_moments_are_the_integrals_over_distance(mu, sigma):
    radii = np.linspace(0, max(mu, 0) + 12 * sigma, 100_001)
    weight = radii**2 * np.exp(-0.5 * ((radii - mu) / sigma) ** 2)
    mean = np.average(radii, weights=weight)

    found_mean, found_std = distance_moments(one_direction(mu, sigma))

    assert found_mean == pytest.approx(mean, rel=1e-4)
    assert found_std == pytest.approx(
        np.sqrt(np.average((radii - mean) ** 2, weights=weight)), rel=1e-3
    )


@settings(max_examples=40)
@given(st.floats(20, 150), st.floats(0.05, 0.45))
def test_the_distance_modulus_has_the_mean_and_the_spread_of_the_distance(mu, share):
    sigma = share * mu
    skymap = one_direction(mu, sigma)
    radii = np.linspace(1e-3, mu + 12 * sigma, 200_001)
    density = distance_pdf_at(skymap, np.zeros(len(radii), dtype=np.int64), radii)
    moduli = 5 * np.log10(radii) + 25
    mean = np.trapezoid(density * moduli, radii)
    spread = np.sqrt(np.trapezoid(density * (moduli - mean) ** 2, radii))

    modulus, error = distance_modulus_at(skymap, [0])

    assert modulus[0] == pytest.approx(mean, abs=0.05)
    assert error[0] == pytest.approx(spread, rel=0.15)


def test_without_a_distance_there_is_no_modulus():
    flat = build_skymap(level=[0], ipix=[0], probdensity=[1.0])
    gone = build_skymap(
        level=[0, 0], ipix=[0, 1], probdensity=[1.0, 1.0],
        distance=([np.inf, -4000.0], [1.0, 50.0], [0.0, 1.0]),
    )  # fmt: skip

    for skymap, places in ((flat, [0]), (gone, [0, 1 << 58, 11 << 58])):
        assert all(np.isnan(values).all() for values in distance_modulus_at(skymap, places))
