"""The model of a kilonova against its own equations, worked out another way."""

import astropy.constants as const
import astropy.units as u
import numpy as np
import pytest
from astropy.modeling.physical_models import BlackBody
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from tom.sky import kilonova
from tom.sky.kilonova import AT2017GFO, Ejecta, absolute_magnitude, draw

PART = Ejecta(0.02, 0.2, 1.0, 1000.0)


def arnett(part: Ejecta, day: float, kept: float | None = None) -> float:
    """Arnett's integral with r-process heat, erg/s, by adaptive quadrature."""
    mass = part.mass * const.M_sun.cgs.value
    light = const.c.cgs.value
    scale = np.sqrt(2 * part.opacity * mass / (13.7 * part.velocity * light**2))
    now = day * 86_400.0

    def source(seconds: float) -> float:
        heat = 4e18 * mass * (0.5 - np.arctan((seconds - 1.3) / 0.11) / np.pi) ** 1.3
        share = kept or float(kilonova._thermalized(part, np.array([seconds / 86_400.0]))[0])
        fade = np.exp((seconds**2 - now**2) / scale**2)
        return float(2 / scale * heat * share * seconds / scale * fade)

    start = 1e-3 * 86_400
    return float(quad(source, start, now, limit=400)[0])


@pytest.mark.parametrize("day", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("part", [PART, *AT2017GFO], ids=str)
def test_the_luminosity_is_arnett_s_integral(part: Ejecta, day: float) -> None:
    grid = np.geomspace(1e-3, day, 400)

    assert kilonova._luminosity(part, grid)[-1] == pytest.approx(arnett(part, day), rel=0.02)


@pytest.mark.parametrize(("day", "band"), [(0.5, "g"), (1.0, "r"), (3.0, "g"), (8.0, "r")])
def test_its_light_is_that_of_a_black_body_at_ten_parsec(day: float, band: str) -> None:
    luminosity = arnett(PART, day) * u.erg / u.s
    radius = PART.velocity * const.c * day * u.day
    area = 4 * np.pi * const.sigma_sb
    temperature = ((luminosity / (area * radius**2)) ** 0.25).to(u.K)
    if temperature < PART.floor * u.K:  # the photosphere recedes at the floor's temperature
        temperature = PART.floor * u.K
        radius = np.sqrt(luminosity / (area * temperature**4))
    wavelength = {"g": 4746.5, "r": 6366.4}[band] * u.AA
    surface = np.pi * u.sr * BlackBody(temperature)(wavelength)
    seen = (surface * (radius / (10 * u.pc)) ** 2).to(u.ABmag, u.spectral_density(wavelength))

    (magnitude,) = absolute_magnitude([PART], np.array([day]), band)

    assert magnitude == pytest.approx(seen.value, abs=0.05)


def test_the_flux_of_components_adds() -> None:
    days = np.array([0.5, 2.0, 5.0])

    apart = [10 ** (-0.4 * absolute_magnitude([part], days, "r")) for part in AT2017GFO]

    np.testing.assert_allclose(
        10 ** (-0.4 * absolute_magnitude(AT2017GFO, days, "r")), sum(apart), rtol=1e-3
    )


def test_it_reddens_and_fades_within_days() -> None:
    g, r = (absolute_magnitude(AT2017GFO, np.array([0.5, 1.0, 2.0, 4.0]), band) for band in "gr")

    assert np.all(np.diff(g - r) > 0.2)
    assert np.all(np.diff(g)[1:] > 0.5)
    assert -16 < r[1] < -15


@pytest.mark.parametrize(
    ("mass", "velocity", "a", "b", "d"),
    [
        (1e-3, 0.1, 2.01, 0.28, 1.12),  # nodes of the table of Barnes et al. 2016
        (5e-3, 0.2, 1.90, 0.28, 1.21),
        (5e-2, 0.3, 0.95, 0.15, 1.13),
        (5e-2, 0.15, (0.27 + 0.55) / 2, (0.10 + 0.13) / 2, (0.60 + 0.90) / 2),
        (1.0, 0.9, 0.95, 0.15, 1.13),  # beyond the table: its edge
    ],
)
def test_the_share_of_heat_that_stays_is_that_of_the_table(
    mass: float, velocity: float, a: float, b: float, d: float
) -> None:
    day = 3.0
    bent = 2 * b * day**d

    (kept,) = kilonova._thermalized(Ejecta(mass, velocity, 1.0, 1000.0), np.array([day]))

    assert kept == pytest.approx(0.36 * (np.exp(-a * day) + np.log(1 + bent) / bent))


@given(st.floats(1e-3, 0.1), st.floats(0.05, 0.4), st.floats(0.02, 12))
@settings(max_examples=30)
def test_no_more_heat_stays_than_there_is_and_less_as_time_passes(
    mass: float, velocity: float, day: float
) -> None:
    early, late = kilonova._thermalized(Ejecta(mass, velocity, 1.0, 1e3), np.array([day, 2 * day]))

    assert 0 < late < early <= 0.72


@given(st.integers(0, 5000))
@settings(max_examples=40)
def test_what_is_drawn_lies_in_the_range_of_mergers_and_is_blue_and_red(seed: int) -> None:
    blue, red = draw(np.random.default_rng(seed))

    assert 10**-2.3 <= blue.mass <= 10**-1.3
    assert 10**-2.3 <= red.mass <= 10**-1.2
    assert 0.15 <= blue.velocity <= 0.35
    assert 0.08 <= red.velocity <= 0.2
    assert blue.opacity <= 10**0.1 < 10**0.3 <= red.opacity <= 10
    assert 600 <= blue.floor <= 2500
    assert 1000 <= red.floor <= 3500


def test_no_moment_asked_for_has_no_magnitude() -> None:
    assert absolute_magnitude([PART], np.empty(0), "g").shape == (0,)
