"""The alert's three stamps: 63 x 63 pixels around it, as gzipped FITS, plain but plausible."""

import gzip

import numpy as np
from numpy.typing import NDArray

from tom.sky.arrays import FloatArray

SIDE = 63
PIXEL_ARCSEC = 1.01
FITS_BLOCK = 2880
BRIGHTEST = 60000.0  # counts; the detector saturates

Stamp = NDArray[np.float32]

_AXIS = np.arange(SIDE) - SIDE // 2
_CARDS = (
    "SIMPLE  =                    T",
    "BITPIX  =                  -32",
    "NAXIS   =                    2",
    f"NAXIS1  = {SIDE:20d}",
    f"NAXIS2  = {SIDE:20d}",
    "BUNIT   = 'DN      '",
    "END",
)
_HEADER = "".join(card.ljust(80) for card in _CARDS).ljust(FITS_BLOCK).encode()


class Darkroom:
    """Makes stamps from a fixed stock of noise: new noise for each stamp would take seconds."""

    def __init__(self, rng: np.random.Generator, *, stock: int = 32) -> None:
        self.noise = rng.normal(size=(stock, SIDE, SIDE))

    def sky(self, sigma: float, rng: np.random.Generator) -> FloatArray:
        """Return a stamp of empty sky with a noise of sigma counts."""
        frame = self.noise[rng.integers(len(self.noise))]
        shift = rng.integers(SIDE, size=2)
        return np.asarray(sigma * np.roll(frame, tuple(shift), axis=(0, 1)))


def point(counts: float, *, fwhm: float, at: tuple[float, float] = (0.0, 0.0)) -> FloatArray:
    """Draw a star of so many counts, `at` pixels (x, y) from the middle."""
    sigma = max(fwhm, 1.2) / 2.355
    x = np.exp(-0.5 * ((_AXIS - at[0]) / sigma) ** 2)
    y = np.exp(-0.5 * ((_AXIS - at[1]) / sigma) ** 2)
    return np.asarray(counts * np.outer(y, x) / (2 * np.pi * sigma**2))


def galaxy(
    counts: float, *, scale: float, flattening: float, angle: float, at: tuple[float, float]
) -> FloatArray:
    """Draw a galaxy with an exponential profile, `at` pixels (x, y) from the middle."""
    x, y = np.meshgrid(_AXIS - at[0], _AXIS - at[1])
    along = x * np.cos(angle) + y * np.sin(angle)
    across = (y * np.cos(angle) - x * np.sin(angle)) / flattening
    profile = np.exp(-np.hypot(along, across) / scale)
    return np.asarray(counts * profile / (2 * np.pi * scale**2 * flattening))


def dipole(counts: float, *, fwhm: float, angle: float) -> FloatArray:
    """Draw the residual of a star if two images are not aligned."""
    step = (0.9 * np.cos(angle), 0.9 * np.sin(angle))
    there = point(2 * counts, fwhm=fwhm, at=step)
    return there - point(1.6 * counts, fwhm=fwhm, at=(-step[0], -step[1]))


def to_fits(stamp: FloatArray, *, step: float) -> bytes:
    """Write a stamp as a gzipped FITS file, rounded to a step in counts: it is smaller then."""
    counts = np.clip(np.round(stamp / step) * step, -BRIGHTEST, BRIGHTEST)
    data = counts.astype(">f4").tobytes()
    padding = bytes(-len(data) % FITS_BLOCK)
    # The time in gzip's header would make two equal nights differ.
    return gzip.compress(_HEADER + data + padding, compresslevel=4, mtime=0)
