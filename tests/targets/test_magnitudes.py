"""Fluxes as AB magnitudes."""

import math

import pytest

from tom.targets.magnitudes import Magnitude, magnitude_of


def test_a_flux_of_3631_jansky_has_magnitude_0():
    found = magnitude_of(flux=3631e9, flux_error=36.31e9)

    assert found.magnitude == pytest.approx(0, abs=1e-3)
    assert found.error == pytest.approx(0.010857, abs=1e-6)
    assert found.limit is None


@pytest.mark.parametrize("flux", [None, -1000.0, 0.0, 299.0, math.nan])
def test_what_is_below_three_sigma_is_a_five_sigma_limit(flux):
    assert magnitude_of(flux=flux, flux_error=100.0) == Magnitude(
        limit=pytest.approx(31.4 - 2.5 * math.log10(500))
    )


@pytest.mark.parametrize("flux_error", [None, 0.0, -1.0, math.nan, math.inf])
def test_without_an_error_nothing_is_said(flux_error):
    assert magnitude_of(flux=500.0, flux_error=flux_error) == Magnitude()
