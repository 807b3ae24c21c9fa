"""The family of kilonovae, against its models one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.sky import at2017gfo
from tom.sky.kilonova import AT2017GFO, absolute_magnitude, draw
from tom.sky.kilonovae import (
    BANDS,
    COLOUR_SCATTER,
    MODEL_ERROR,
    SEED,
    SIZE,
    chance_brighter,
    density,
    drawn,
    family,
)

R = np.array([BANDS.index("r")])
EVERY = np.linspace(-23, -3, 2001)


def density_at(
    magnitude: np.ndarray, *, days: float, sigma: float = 0.0, band: str = "r"
) -> np.ndarray:
    n = len(magnitude)
    return density(
        band=np.full(n, BANDS.index(band)),
        days=np.full(n, days),
        magnitude=magnitude,
        sigma=np.full(n, sigma),
    )


@pytest.mark.parametrize(("band", "days"), [("g", 0.6), ("r", 1.3), ("i", 3.1), ("z", 0.2)])
def test_the_table_is_the_mean_of_the_models_each_within_its_error(band: str, days: float) -> None:
    bright = family(band, np.array([days]))[:, 0]
    off = (EVERY[:, None] - bright) / MODEL_ERROR
    expected = np.exp(-0.5 * off**2).mean(1) / (MODEL_ERROR * np.sqrt(2 * np.pi))

    found = density_at(EVERY, days=days, band=band)

    np.testing.assert_allclose(found, expected, atol=0.06 * expected.max())
    assert np.trapezoid(found, EVERY) == pytest.approx(1, abs=0.01)


@settings(max_examples=25)
@given(st.floats(0.1, 4), st.floats(-18, -10), st.floats(0, 1), st.sampled_from(BANDS))
def test_the_chance_to_be_brighter_is_the_integral_of_the_density(
    days: float, magnitude: float, sigma: float, band: str
) -> None:
    brighter = np.linspace(-25, magnitude, 4001)
    expected = np.trapezoid(density_at(brighter, days=days, sigma=sigma, band=band), brighter)

    chance = chance_brighter(
        band=np.array([BANDS.index(band)]),
        days=np.array([days]),
        magnitude=np.array([magnitude]),
        sigma=np.array([sigma]),
    )[0]

    assert chance == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("band", BANDS)
def test_half_of_what_is_drawn_are_draws_of_the_model(band: str) -> None:
    random = np.random.default_rng(SEED)
    days = np.array([0.3, 1.3, 5.0])

    one_by_one = [absolute_magnitude(draw(random), days, band) for _ in range(SIZE // 2)]

    np.testing.assert_allclose(drawn(band, days)[: SIZE // 2], one_by_one)


def test_the_models_half_is_as_far_off_what_is_drawn_as_the_model_is_off_at2017gfo() -> None:
    days = np.array([0.89, 1.44, 3.45])

    off = {band: (family(band, days) - drawn(band, days))[: SIZE // 2].mean(0) for band in "gri"}

    for band, found in off.items():
        its_own = at2017gfo.absolute_magnitude(band, days)
        model = absolute_magnitude(AT2017GFO, days, band)
        np.testing.assert_allclose(found, its_own - model, atol=1e-3)
    assert np.all(off["g"] - off["r"] < -0.2)  # the model is too red


def test_those_that_fade_fast_have_the_colours_of_those_that_fade_slowly() -> None:
    days = np.array([0.5, 2.5])
    off = {band: family(band, days) - drawn(band, days) for band in "gr"}
    redder = (off["g"] - off["r"])[:, 0].reshape(2, -1)[:, ::2]  # those of light curves
    fading = np.diff(drawn("r", days))[:, 0].reshape(2, -1)[:, ::2]

    for half, pace in zip(redder - redder.mean(1, keepdims=True), fading, strict=True):
        fifths = half[np.argsort(pace)].reshape(5, -1)
        np.testing.assert_allclose(fifths.mean(1), 0, atol=0.13)
        np.testing.assert_allclose(fifths.std(1), COLOUR_SCATTER, rtol=0.25)


@pytest.mark.parametrize(("band", "days"), [("g", 0.89), ("r", 0.89), ("i", 1.44), ("r", 3.45)])
def test_the_other_half_lie_about_at2017gfo(band: str, days: float) -> None:
    alike = family(band, np.array([days]))[SIZE // 2 :, 0]
    its_own = at2017gfo.absolute_magnitude(band, np.array([days]))[0]

    assert np.median(alike) == pytest.approx(its_own, abs=0.3)
    assert 0.4 < alike.std() < 1.1


@pytest.mark.parametrize(("band", "days"), [("g", 0.89), ("r", 0.89), ("i", 1.44), ("r", 3.45)])
def test_at2017gfo_is_one_of_the_family_and_not_the_whole_of_it(band: str, days: float) -> None:
    its_own = at2017gfo.absolute_magnitude(band, np.array([days]))
    every = density_at(EVERY, days=days, band=band)
    share = np.cumsum(every) / every.sum()
    faint, bright = EVERY[np.searchsorted(share, [0.95, 0.05])]

    assert bright < its_own[0] < faint
    assert faint - bright > 1.8


def test_the_density_for_one_is_the_same_to_the_last_bit_among_others() -> None:
    magnitudes = np.linspace(-18.0, -10.0, 1001)

    together = density_at(magnitudes, days=1.3, sigma=0.4)

    alone = [density_at(magnitudes[at : at + 1], days=1.3, sigma=0.4)[0] for at in range(1001)]
    assert together.tolist() == alone


def test_what_is_not_known_gives_no_density() -> None:
    unknown, one = np.array([np.nan]), np.array([1.0])

    for given_ in ({"days": unknown}, {"magnitude": unknown}, {"sigma": unknown}):
        arguments = {"days": one, "magnitude": -15 * one, "sigma": one} | given_
        assert np.isnan(density(band=R, **arguments)).all()
        assert np.isnan(chance_brighter(band=R, **arguments)).all()


def test_what_no_kilonova_is_has_no_density() -> None:
    assert density_at(np.array([-25.0, -3.0]), days=1.0).tolist() == [0, 0]
