"""Exposure times of a camera: the CCD equation, with round numbers for sky and seeing."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from tom.sky.arrays import FloatArray

PHOTONS: Final = 5.48e10
"""Of AB magnitude 0, per second, square metre, and bandwidth over wavelength (3631 Jy / h)."""
BANDWIDTH: Final = 0.2
"""Of g, r, i and z, over their wavelength, to a few hundredths."""
SKY: Final = 20.8
"""AB magnitude of a square arcsecond, between dark and grey."""
RADIUS_ARCSEC: Final = 1.5
"""Of the aperture that the light is summed in."""
SQUARE_ARCSEC: Final = math.pi * RADIUS_ARCSEC**2


@dataclass(frozen=True)
class Camera:
    """The figures of a camera and its telescope for the CCD equation."""

    aperture_m: float
    pixel_arcsec: float
    read_noise_e: float
    throughput: float  # electrons a photon above the atmosphere, mirrors and filter included
    source: str  # of these numbers

    @property
    def zero(self) -> float:
        """Electrons a second of AB magnitude 0."""
        area = math.pi * (self.aperture_m / 2) ** 2
        return PHOTONS * BANDWIDTH * area * self.throughput

    @property
    def sky(self) -> float:
        """Electrons a second of the sky in the aperture that the light is summed in."""
        return self.zero * 10 ** (-0.4 * SKY) * SQUARE_ARCSEC

    @property
    def read(self) -> float:
        """The variance of the reading in that aperture, electrons squared."""
        return SQUARE_ARCSEC / self.pixel_arcsec**2 * self.read_noise_e**2


def exposure_seconds(camera: Camera, *, magnitude: ArrayLike, signal_to_noise: float) -> FloatArray:
    """Find the exposure that reaches a signal-to-noise ratio for a point source.

    Parameters
    ----------
    magnitude
        AB magnitudes, of any shape; NaN gives NaN.
    signal_to_noise
        Above 0.

    Returns
    -------
    FloatArray
        Seconds, as many. From the CCD equation (Howell 2006, Handbook of CCD Astronomy, section
        4.4) without dark current: the positive root of a quadratic equation.
    """
    signal = camera.zero * 10 ** (-0.4 * np.asarray(magnitude, dtype=float))
    wanted = signal_to_noise**2
    linear = wanted * (signal + camera.sky)
    root = np.sqrt(linear**2 + 4 * signal**2 * wanted * camera.read)
    seconds: FloatArray = (linear + root) / (2 * signal**2)
    return seconds
