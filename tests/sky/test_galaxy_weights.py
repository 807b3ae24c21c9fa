"""A galaxy's weight is its light times the map's probability per volume."""

import numpy as np
import pytest
from scipy.special import ndtr

from tests.factories import make_skymap
from tom.sky import distance_pdf_at, healpix29, probdensity_at
from tom.sky.distance import gauss
from tom.sky.galaxy_weights import distance_offsets, galaxy_weights, mean_completeness

SCALE = 100.0
EDGES = np.array([0.0, 20.0, 40.0, 80.0, 1000.0])


def weigh(skymap, ra, dec, distance, *, error=1e-3, light=1.0):
    n = len(ra)
    return galaxy_weights(
        skymap,
        healpix29(ra, dec),
        luminosity=np.full(n, light),
        distance_mpc=np.asarray(distance, float),
        distance_error_mpc=np.full(n, error),
        scale_mpc=SCALE,
    )


def test_an_exact_galaxy_has_the_map_s_probability_per_volume() -> None:
    skymap, ra, dec, distance = make_skymap(), [197.4, 200.0], [-23.4, -20.0], [40.0, 33.0]
    ids = healpix29(ra, dec)

    expected = probdensity_at(skymap, ids) * distance_pdf_at(skymap, ids, distance)

    np.testing.assert_allclose(
        weigh(skymap, ra, dec, distance), expected / np.square(distance), rtol=1e-6
    )


def test_the_weights_of_a_whole_universe_sum_to_its_light_per_volume() -> None:
    skymap, n, reach = make_skymap(), 3_000_000, 100.0
    generator = np.random.default_rng(2)
    ra, dec = generator.uniform(0, 360, n), np.degrees(np.arcsin(generator.uniform(-1, 1, n)))
    distance = reach * generator.random(n) ** (1 / 3)

    total = weigh(skymap, ra, dec, distance).sum()

    assert total == pytest.approx(n / (4 / 3 * np.pi * reach**3), rel=0.05)


def test_light_counts_and_a_place_outside_does_not() -> None:
    skymap = make_skymap()

    one, two = (weigh(skymap, [197.4], [-23.4], [40.0], light=light)[0] for light in (1.0, 2.0))
    assert two == pytest.approx(2 * one)
    assert weigh(skymap, [17.0], [23.0], [40.0])[0] < 1e-6 * one


def test_an_error_widens_the_fit_and_an_unknown_distance_still_counts() -> None:
    skymap = make_skymap()

    sure, unsure = (weigh(skymap, [197.4], [-23.4], [90.0], error=e)[0] for e in (1.0, 40.0))
    (unknown,) = weigh(skymap, [197.4], [-23.4], [np.nan])
    assert unsure > 10 * sure
    assert 0 < unknown < unsure
    (off,) = distance_offsets(
        skymap,
        healpix29([197.4], [-23.4]),
        distance_mpc=np.array([52.0]),
        distance_error_mpc=np.array([6.0]),
    )
    assert off == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("shares", "expected"), [([1, 1, 1, 1], 1.0), ([0, 0, 0, 0], 0.0), ([1, 1, 0, 0], 0.347)]
)
def test_the_completeness_is_averaged_over_the_map_s_distances(shares, expected) -> None:
    found = mean_completeness(
        make_skymap(), edges_mpc=EDGES, completeness=np.array(shares, float), scale_mpc=SCALE
    )

    assert found == pytest.approx(expected, abs=0.005)


def test_over_its_error_a_galaxy_has_the_light_of_each_distance() -> None:
    skymap, place, far, error = make_skymap(), ([197.4], [-23.4]), 285.0, 170.0
    ids, x = healpix29(*place), np.linspace(0.01, 200, 200_001)
    per_volume = distance_pdf_at(skymap, np.full(x.shape, ids[0]), x) / x**2
    chance = gauss(x, far, error) / ndtr(far / error)
    expected = np.trapezoid((x / far) ** 2 * per_volume * chance, x) * probdensity_at(skymap, ids)

    np.testing.assert_allclose(weigh(skymap, *place, [far], error=error), expected, rtol=1e-4)
