"""A family of kilonovae: how bright one of them may be, by band and by days after the merger.

Half of the family are 100 draws of the model in `tom.sky.kilonova` over the range that mergers are
thought to give. The model is fainter than what was seen: of these draws one in a hundred is as
bright as AT2017gfo in g in the first day. So the other half are 100 like AT2017gfo, and up to a
magnitude brighter or fainter, as those of bursts were (Rastinejad et al. 2022,
https://doi.org/10.1038/s41586-022-05390-w).

The model with AT2017gfo's published parameters is 0.36 to 0.48 mag redder in g - r than its
photometry from 0.5 to 3.5 days, and 0.8 mag at 4.5 days. So all are corrected by what it is off
there. Another kilonova may be as far off the corrected colour as AT2017gfo is off the model's: the
blue light of bursts' kilonovae varies by more than a factor of 10 where the red light is alike
(Rossi et al. 2020, https://arxiv.org/abs/1901.05792). So each has a colour of its own.

Each stands for all kilonovae within the error of the model, a fifth of the flux. What is kept is
the density of absolute magnitudes of the whole family, in a table: a light curve is looked up in
it, and no model is computed again.
"""

from functools import cache
from typing import Final

import numpy as np
from scipy.special import ndtri

from tom.sky import at2017gfo
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.kilonova import (
    AT2017GFO,
    WAVELENGTH,
    Ejecta,
    absolute_magnitude,
    draw_alike,
    draw_many,
)

SIZE: Final = 200
SEED: Final = 20170817
MODEL_ERROR: Final = 0.2  # magnitudes
# How much brighter or fainter those like AT2017gfo are: a standard deviation, magnitudes.
ALIKE_SCATTER: Final = 0.5
# How much bluer or redder in g - r each is: a standard deviation, magnitudes.
COLOUR_SCATTER: Final = 0.4
# How fast each fades is told by r between these days.
PACE_DAYS: Final = np.array([0.5, 2.5])
# How much fainter each band is, r the same, for each magnitude that g - r is redder.
BY_COLOUR: Final = {"u": 1.8, "g": 1.0, "r": 0.0, "i": -0.5, "z": -0.7, "y": -0.8}
# The band whose photometry corrects one in which nobody saw AT2017gfo so early.
SEEN_BAND: Final = {"u": "g", "y": "z"}
BANDS: Final = tuple(WAVELENGTH)
USUAL_BAND: Final = "r"  # of a band that the family does not have
DAYS: Final = np.geomspace(0.05, 40.0, 100)
STEP: Final = 0.1
MAGNITUDES: Final = np.arange(-21.0, -4.95, STEP)
# Nodes and weights that average over a Gaussian of sigma 1.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def density(
    *, band: IntArray, days: FloatArray, magnitude: FloatArray, sigma: FloatArray
) -> FloatArray:
    """Find how likely a kilonova of the family has an absolute magnitude.

    Parameters
    ----------
    band
        Numbers of `BANDS`, shape `(n,)`.
    days
        Days after the merger, above 0, shape `(n,)`. Earlier than `DAYS` it counts as the first.
    magnitude, sigma
        The absolute AB magnitude and its error: of the measurement, and of the distance modulus,
        shape `(n,)`.

    Returns
    -------
    numpy.ndarray
        1/mag, shape `(n,)`; NaN where an argument is.
    """
    return _averaged(_table(), band, days, magnitude, sigma)


def chance_brighter(
    *, band: IntArray, days: FloatArray, magnitude: FloatArray, sigma: FloatArray
) -> FloatArray:
    """Find the chance that a kilonova of the family is brighter than an absolute magnitude.

    Parameters
    ----------
    band, days
        As in `density`.
    magnitude, sigma
        The absolute magnitude of a survey's depth, and how gradually it loses sources there
        together with the error of the distance modulus, shape `(n,)`.

    Returns
    -------
    numpy.ndarray
        0 to 1, shape `(n,)`; NaN where an argument is.
    """
    return _averaged(_brighter(), band, days, magnitude, sigma)


def family(band: str, days: FloatArray) -> FloatArray:
    """Return the absolute magnitudes of the whole family, shape `(SIZE, t)`.

    Parameters
    ----------
    band
        One of `BANDS`.
    days
        Days after the merger, above 0, shape `(t,)`.
    """
    is_uncorrected = (np.arange(SIZE) < SIZE // 2)[:, None]
    corrected = drawn(band, days) + correction(band, days) * is_uncorrected
    return np.asarray(corrected + BY_COLOUR[band] * _redder()[:, None])


def drawn(band: str, days: FloatArray) -> FloatArray:
    """Return what `family` does before the model's half is corrected, and without own colours."""
    anything, alike, brighter = _ejecta()
    at2017gfo_like = absolute_magnitude(alike, days, band) + correction(band, days) - brighter
    return np.concatenate([absolute_magnitude(anything, days, band), at2017gfo_like])


def correction(band: str, days: FloatArray) -> FloatArray:
    """Return how much fainter AT2017gfo was than its model, magnitudes, shape `(t,)`.

    Parameters
    ----------
    band
        One of `BANDS`.
    days
        Days after the merger, shape `(t,)`; before and after its photometry as at the ends of it.
    """
    seen = SEEN_BAND.get(band, band)
    nights = np.array([at for at, _ in at2017gfo.CURVES[seen]])
    off = at2017gfo.absolute_magnitude(seen, nights) - absolute_magnitude(AT2017GFO, nights, seen)
    return np.asarray(np.interp(days, nights, off))


def curves(band: IntArray, days: FloatArray) -> FloatArray:
    """Return the absolute magnitudes of every second of the family at points.

    Half of them tell a light curve as well as all, in half of the time.

    Parameters
    ----------
    band
        Numbers of `BANDS`, shape `(m,)`.
    days
        Days after the merger, shape `(m,)`; beyond the ends of `DAYS` they count as there.

    Returns
    -------
    numpy.ndarray
        AB, shape `(m, SIZE / 2)`.
    """
    row, share = _place(days)
    near, far = _curves()[band, row], _curves()[band, row + 1]
    return np.asarray(near + share[:, None] * (far - near))


@cache
def _curves() -> FloatArray:
    """The absolute magnitudes of every second of the family, `(bands, days, SIZE / 2)`."""
    return np.stack([_at_days(band)[::2].T for band in BANDS])


@cache
def _at_days(band: str) -> FloatArray:
    return family(band, DAYS)


@cache
def _ejecta() -> tuple[tuple[Ejecta, ...], tuple[Ejecta, ...], FloatArray]:
    """The components of both halves as drawn, and how much brighter each of the second half is."""
    rng = np.random.default_rng(SEED)
    anything, alike = draw_many(rng, SIZE // 2), draw_many(rng, SIZE // 2, draw_alike)
    return anything, alike, rng.normal(0, ALIKE_SCATTER, (SIZE // 2, 1))


@cache
def _redder() -> FloatArray:
    """How much redder in g - r each of the family is, shape `(SIZE,)`.

    Evenly in probability, and alike for those that fade fast and those that fade slowly; in both
    halves, and in those that `curves` takes as in the others.
    """
    fading, quarter = np.diff(drawn("r", PACE_DAYS))[:, 0], SIZE // 4
    even = COLOUR_SCATTER * ndtri((_van_der_corput(quarter) + 0.5) / quarter)
    redder = np.empty(SIZE)
    for part in np.arange(SIZE).reshape(2, quarter, 2).swapaxes(1, 2).reshape(4, quarter):
        redder[part[np.argsort(fading[part])]] = even
    return redder


def _van_der_corput(n: int) -> IntArray:
    """The numbers 0 to n - 1 in an order in which all that follow each other are far apart."""
    bits = (n - 1).bit_length()
    turned = [int(f"{number:0{bits}b}"[::-1], 2) for number in range(n)]
    return np.argsort(np.argsort(turned))


def _averaged(
    table: FloatArray, band: IntArray, days: FloatArray, magnitude: FloatArray, sigma: FloatArray
) -> FloatArray:
    """Read a table at magnitudes that are known to within an error.

    The sum is made node by node: so the result for one source is the same, to the last bit, among
    how many others it is asked for.
    """
    total = np.zeros(len(band))
    for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
        total += weight * _read(table, band, days, magnitude - node * sigma)
    return total


def _read(table: FloatArray, band: IntArray, days: FloatArray, magnitude: FloatArray) -> FloatArray:
    """Read a table at magnitudes, shape `(n,)`: linear in both; beyond its ends as there."""
    row, share = _place(days)
    last = len(MAGNITUDES) - 1
    place = np.clip(np.nan_to_num((magnitude - MAGNITUDES[0]) / STEP), 0, last)
    left = np.minimum(place.astype(np.int64), last - 1)
    part = place - left
    near = (1 - part) * table[band, row, left] + part * table[band, row, left + 1]
    far = (1 - part) * table[band, row + 1, left] + part * table[band, row + 1, left + 1]
    return np.asarray(np.where(np.isnan(magnitude), np.nan, near + share * (far - near)))


def _place(days: FloatArray) -> tuple[IntArray, FloatArray]:
    """Find the row of the table before each time, and how far on the next it is, 0 to 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.interp(np.log(days), np.log(DAYS), np.arange(len(DAYS), dtype=float))
    row = np.minimum(np.nan_to_num(place).astype(np.int64), len(DAYS) - 2)
    return row, np.asarray(place - row)


@cache
def _table() -> FloatArray:
    """The density of absolute magnitudes, 1/mag, shape `(bands, days, magnitudes)`."""
    table = np.empty((len(BANDS), len(DAYS), len(MAGNITUDES)))
    for at, band in enumerate(BANDS):
        off = (MAGNITUDES - _at_days(band)[..., None]) / MODEL_ERROR
        table[at] = np.exp(-0.5 * off**2).mean(0) / (MODEL_ERROR * np.sqrt(2 * np.pi))
    table[..., [0, -1]] = 0.0  # what lies beyond the ends is not looked up
    return table


@cache
def _brighter() -> FloatArray:
    """The chance of a smaller absolute magnitude, in the shape of `_table`."""
    table = _table()
    steps = STEP * (table[..., 1:] + table[..., :-1]) / 2
    return np.concatenate([np.zeros_like(table[..., :1]), np.cumsum(steps, axis=-1)], axis=-1)
