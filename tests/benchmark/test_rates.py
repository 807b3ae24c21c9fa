import numpy as np
import pytest

from tom.benchmark.rates import (
    RATES,
    Per,
    draw_distances,
    reach_mpc,
    thinned,
    volume_per_deg2,
    window_days,
)
from tom.demo.explosions import redshift_at
from tom.demo.population import BUILDERS

IA = next(rate for rate in RATES if rate.kind == "SN Ia")
FLARE = next(rate for rate in RATES if rate.kind == "flare")
ASTEROID = next(rate for rate in RATES if rate.kind == "asteroid")


def test_each_rate_says_its_source_and_has_a_builder():
    for rate in RATES:
        assert (
            "arXiv" in rate.source
            or "doi" in rate.source
            or rate.source.startswith(("assumed", "the same"))
        )
        assert rate.kind in BUILDERS
        assert rate.value > 0


def test_a_rate_of_volume_counts_explosions_of_a_cone_and_a_window():
    # Checked by hand: the comoving cone of a square degree to the reach, without dilation, is an
    # upper limit; without dilation and at the farthest redshift it is a lower one.
    z = redshift_at(reach_mpc("SN Ia"))
    cone = 4 / 3 * np.pi * (reach_mpc("SN Ia") / (1 + z)) ** 3 / 41252.96

    assert cone / (1 + z) < volume_per_deg2("SN Ia") < cone
    years = window_days("SN Ia") / 365.25
    assert IA.most(10.0, visits=3) == pytest.approx(
        2.35e4 * volume_per_deg2("SN Ia") / 1e9 * years * 10
    )


def test_a_rate_of_exposures_grows_with_them_and_one_of_area_does_not():
    assert FLARE.most(10.0, visits=4) == pytest.approx(4 * FLARE.most(10.0, visits=1))
    nuclei = next(rate for rate in RATES if rate.per is Per.AREA)
    assert nuclei.most(10.0, visits=4) == nuclei.most(10.0, visits=1) == 10 * nuclei.value


def test_half_of_the_exposures_keep_half_and_asteroids_keep_to_the_ecliptic():
    places, half = np.array([0.0, 8.0, -8.0]), np.full(3, 0.5)

    np.testing.assert_allclose(thinned(FLARE, places, half), 0.5)
    np.testing.assert_allclose(thinned(ASTEROID, places, half), [0.5, 0.5 / np.e, 0.5 / np.e])
    np.testing.assert_allclose(thinned(IA, places, half), 1.0)


def test_distances_are_even_in_volume():
    drawn = draw_distances("SN Ibc", 20_000, np.random.default_rng(1))
    distance = np.quantile(drawn, [0.25, 0.5, 0.75])
    comoving = distance / [1 + redshift_at(each) for each in distance]
    reach = reach_mpc("SN Ibc") / (1 + redshift_at(reach_mpc("SN Ibc")))

    # Time dilation moves the quantiles a little toward us.
    np.testing.assert_allclose((comoving / reach) ** 3, [0.25, 0.5, 0.75], atol=0.05)
    assert np.all(drawn <= reach_mpc("SN Ibc"))
