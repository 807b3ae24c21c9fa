"""The exposure that a magnitude asks for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.sky.exposure import BANDWIDTH, PHOTONS, RADIUS_ARCSEC, SKY, Camera, exposure_seconds

CAMERA = Camera(1.0, 0.389, 8.0, 0.25, "a test")


@given(st.floats(10, 24), st.floats(3, 200))
def test_the_exposure_reaches_the_ratio_that_was_asked_for(magnitude: float, ratio: float) -> None:
    seconds = exposure_seconds(CAMERA, magnitude=magnitude, signal_to_noise=ratio)

    zero = PHOTONS * BANDWIDTH * math.pi / 4 * 0.25
    star = zero * 10 ** (-0.4 * magnitude) * seconds
    area = math.pi * RADIUS_ARCSEC**2
    noise = math.sqrt(star + zero * 10 ** (-0.4 * SKY) * area * seconds + area / 0.389**2 * 8.0**2)
    assert star / noise == pytest.approx(ratio, rel=1e-6)


def test_a_fainter_target_takes_longer() -> None:
    at_19, at_20 = (
        exposure_seconds(CAMERA, magnitude=magnitude, signal_to_noise=20) for magnitude in (19, 20)
    )

    assert 2.5 < at_20 / at_19 < 6.3  # between its own noise and the sky's
    assert at_20 == pytest.approx(107, abs=5)  # by hand: 21.4 e/s on 72 e/s of sky
