"""What a light curve in up to six bands looks like as one outburst, and what is left of it.

A Gaussian rise and an exponential fall of constant colour is fitted to all points, detections or
not, as to tidal disruptions by van Velzen et al. 2021, https://doi.org/10.3847/1538-4357/abc258.
The fit is one over a grid of times, with the brightness in each band solved for. No feature knows
the apparent magnitude, the number of points or the place. What cannot be read is NaN.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from ml_plugins.outbursts.cosmology import distance_modulus
from ml_plugins.outbursts.features import EBV_UNKNOWN, FLOOR
from tom.photometry import magnitudes
from tom.scoring.contract import (
    Batch,
    BoolArray,
    FloatArray,
    IntArray,
    Listed,
    Redshift,
    RedshiftSource,
)
from tom.sky.extinction import extinction_coefficient

BANDS: Final = "ugrizy"
COLOUR_BANDS: Final = (1, 2, 3)
REDDENING: Final = np.array([extinction_coefficient(band) for band in BANDS])
WAVELENGTH_NM: Final = np.array([368.0, 480.0, 623.0, 754.0, 869.0, 971.0])
"""Of Rubin's bands: https://rubinobservatory.org/for-scientists/rubin-101/key-numbers"""
SHIFTS: Final = np.array([-30.0, -20, -12, -6, 0, 6, 12, 20])
RISES, FALLS = np.geomspace(3, 100, 8), np.geomspace(6, 400, 10)
GRID: Final = np.stack(np.meshgrid(SHIFTS, RISES, FALLS, indexing="ij"), axis=-1).reshape(-1, 3)
"""Days of the peak after the brightest point, the rise's sigma and the fall's scale, days."""
MODEL_ERROR: Final = 0.02  # as a share of the peak
INSIDE: Final = 0.1  # of the peak, from which on a point is of the outburst
PEAK_DAYS: Final = 7.5
EARLY, LATE = (-30.0, 20.0), (20.0, 150.0)
TEMPERATURES: Final = np.geomspace(3000, 60000, 50)
H_C_OVER_K: Final = 1.438777e7  # nm K
SIGMAS: Final = 3.0
DETECTED: Final = 5.0
FAINTEST: Final = 1e-4
USABLE: Final = frozenset({RedshiftSource.HOST, RedshiftSource.PHOTOMETRIC})
"""Sources of a redshift that owe nothing to a spectrum that gives the type."""
CATALOGUES: Final = ("GLADE+",)
"""With another catalogue beside it, or in its place, other galaxies would be listed."""

_PARTS: Final = {
    "shape": ("shift", "rise", "fall", "misfit", "explained", "misfit inside"),
    "flicker": ("scatter outside", "negative outside", "positive outside"),
    "colour": (
        *(f"{a}-{b}" for a, b in pairwise(BANDS)),
        *("temperature", "no black body", "change of g-r", "change of r-i"),
    ),
    "redshift": (
        "redshift",
        *(f"absolute magnitude, {BANDS[band]}" for band in COLOUR_BANDS),
        *("temperature at rest", "rise at rest", "fall at rest"),
    ),
}
NAMES: Final = tuple(name for names in _PARTS.values() for name in names)
GROUPS: Final = {part: tuple(NAMES.index(name) for name in names) for part, names in _PARTS.items()}
"""Features that are explained together: name to their columns."""


@dataclass(frozen=True, eq=False)
class Wide:
    """Days of one object: MJD, flux and error (nJy, dereddened), the band's number; shape (k,).

    `redshift` is NaN if it is not known, or may come from a spectrum that gives the type.
    `listed` is the chance that a galaxy of `CATALOGUES` is the host, 0 to 1; NaN: not known.
    """

    mjd: FloatArray
    flux: FloatArray
    error: FloatArray
    band: IntArray
    redshift: float
    listed: float = np.nan

    @property
    def detected(self) -> BoolArray:
        """Whether each is a detection, shape (k,)."""
        return np.asarray(self.flux >= DETECTED * self.error)

    @property
    def time(self) -> FloatArray:
        """The times of the detections."""
        return self.mjd[self.detected]

    def until(self, time: float) -> "Wide":
        """Return what was there at a time."""
        kept = self.mjd <= time
        flux, error, band = self.flux[kept], self.error[kept], self.band[kept]
        return replace(self, mjd=self.mjd[kept], flux=flux, error=error, band=band)

    def alone(self) -> "Wide":
        """Return the same as if nothing but its points was known."""
        return replace(self, redshift=np.nan, listed=np.nan)


def wide_of(batch: Batch, row: int) -> Wide:
    """Return the points of one object up to `as_of_mjd`, averaged by day and band."""
    at = batch.rows(row)
    mjd, flux, error = batch.mjd[at], batch.flux[at], batch.flux_error[at]
    number = np.array([BANDS.find(band) if band else -1 for band in batch.band[at]], np.int64)
    with np.errstate(invalid="ignore"):
        kept = np.isfinite(flux) & np.isfinite(error) & (error > 0) & (number >= 0)
    kept &= mjd <= batch.as_of_mjd[row]
    ebv = float(batch.ebv[row])
    bright = 10 ** (0.4 * REDDENING * (ebv if np.isfinite(ebv) else EBV_UNKNOWN))[number[kept]]
    flux, error = flux[kept] * bright, error[kept] * bright
    error = np.hypot(error, FLOOR * np.abs(flux))
    known: Redshift | None = _given(batch, "redshift", row)
    redshift = known.value if known is not None and known.source in USABLE else np.nan
    found: Listed | None = _given(batch, "galaxies", row)
    listed = found.share if found is not None and found.catalogues == CATALOGUES else np.nan
    return replace(_by_day(mjd[kept], flux, error, number[kept], redshift), listed=listed)


def _given(batch: Batch, name: str, row: int) -> Any:
    given = batch.given.get(name)
    return given[row] if given else None


def _by_day(
    mjd: FloatArray, flux: FloatArray, error: FloatArray, band: IntArray, redshift: float
) -> Wide:
    days = np.stack([np.floor(mjd), band])
    unique, place = np.unique(days, axis=1, return_inverse=True)
    place, n = place.reshape(-1), unique.shape[1]
    weight = 1 / error**2
    total = np.bincount(place, weight, n)
    time, mean = (np.bincount(place, weight * values, n) / total for values in (mjd, flux))
    return Wide(time, mean, np.sqrt(1 / total), unique[1].astype(np.int64), redshift)


def measure(seen: Wide) -> FloatArray:
    """Return the features of an object with a detection, shape (len(NAMES),)."""
    top, scale = _peak(seen)
    day, flux, error = seen.mjd - top, seen.flux / scale, seen.error / scale
    weight = 1 / (error**2 + MODEL_ERROR**2)
    times, level, level_error, shape, chi2 = _fit(day, flux, weight, seen.band)
    null = float(np.sum(weight * flux**2))
    off = flux - shape * level[seen.band]
    inside = shape > INSIDE
    hot, unlike = _black_body(level, level_error)
    sure = np.where(level > 2 * level_error, level, np.nan)
    changes = _changes(day - times[0], flux, shape, weight, seen.band)
    values = [
        *times,
        np.log1p(chi2 / len(day)),
        1 - chi2 / null,
        float(np.sum((weight * off**2)[inside]) / max(inside.sum(), 1)),
        *_outside(off[~inside], weight[~inside]),
        *(-2.5 * np.log10(sure[:-1] / sure[1:])),
        *(hot, unlike, *changes),
        *_at_rest(seen.redshift, sure * scale, hot, times),
    ]
    return np.array(values, float)


def _peak(seen: Wide) -> tuple[float, float]:
    """Return the time and the mean flux of the detections around the brightest of them."""
    rows = np.flatnonzero(seen.detected & np.isin(seen.band, COLOUR_BANDS))
    rows = rows if len(rows) else np.flatnonzero(seen.detected)
    time, flux = seen.mjd[rows], seen.flux[rows]
    near = np.abs(time[:, None] - time) < PEAK_DAYS
    mean = (near * flux).sum(axis=1) / near.sum(axis=1)
    best = int(np.argmax(mean))
    return float(time[best]), float(mean[best])


def _fit(
    day: FloatArray, flux: FloatArray, weight: FloatArray, band: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, float]:
    """Return the best times, the peak in each band with its error, the shape and chi squared."""
    t = day - SHIFTS[:, None, None]
    rise = np.exp(-0.5 * (np.minimum(t, 0) / RISES[:, None]) ** 2)
    fall = np.exp(-np.maximum(t, 0) / FALLS[:, None])
    shape = (rise[:, :, None] * fall[:, None]).reshape(len(GRID), -1)
    one = (band == np.arange(len(BANDS))[:, None]).astype(float).T
    both = shape @ (one * (weight * flux)[:, None])
    size = shape**2 @ (one * weight[:, None])
    safe = np.maximum(size, 1e-9)
    chi2 = np.sum(weight * flux**2) - (np.maximum(both, 0) ** 2 / safe).sum(axis=1)
    best = int(np.argmin(chi2))
    seen = size[best] > 1e-9
    level = np.where(seen, np.maximum(both[best] / safe[best], FAINTEST), np.nan)
    error = np.where(seen, 1 / np.sqrt(safe[best]), np.nan)
    return GRID[best], level, error, shape[best], float(chi2[best])


def _outside(off: FloatArray, weight: FloatArray) -> list[float]:
    """Return the scatter of what is not of the outburst, and how much is far below or above 0."""
    if not len(off):
        return [np.nan] * 3
    ratio = off * np.sqrt(weight)
    return [
        float(np.sqrt(np.mean(off**2))),
        float(np.mean(ratio < -SIGMAS)),
        float(np.mean(ratio > SIGMAS)),
    ]


def _black_body(level: FloatArray, error: FloatArray) -> tuple[float, float]:
    """Return the best temperature as observed, K, and the logarithm of its misfit."""
    known = np.isfinite(level)
    if known.sum() < 2:
        return np.nan, np.nan
    wave, mean = WAVELENGTH_NM[known], level[known]
    shape = wave**-3 / np.expm1(H_C_OVER_K / (wave * TEMPERATURES[:, None]))
    shape /= shape.max(axis=1, keepdims=True)
    sure = 1 / (error[known] ** 2 + (0.05 * mean) ** 2)
    size = (shape * mean * sure).sum(axis=1) / (shape**2 * sure).sum(axis=1)
    misfit = ((mean - size[:, None] * shape) ** 2 * sure).sum(axis=1)
    best = int(np.argmin(misfit))
    return float(TEMPERATURES[best]), float(np.log1p(misfit[best] / max(known.sum() - 2, 1)))


def _changes(
    since: FloatArray, flux: FloatArray, shape: FloatArray, weight: FloatArray, band: IntArray
) -> list[float]:
    """Return how far g-r and r-i redden from around the peak to later, mag."""
    fades = []
    for number in COLOUR_BANDS:
        sizes = []
        for low, high in (EARLY, LATE):
            rows = (band == number) & (since > low) & (since <= high)
            total = float(shape[rows] ** 2 @ weight[rows])
            mean = float((shape * flux)[rows] @ weight[rows]) / total if total > 25 else np.nan
            sizes.append(max(mean, 0.02) if np.isfinite(mean) else np.nan)
        fades.append(2.5 * np.log10(sizes[0] / sizes[1]))
    return [float(fades[0] - fades[1]), float(fades[1] - fades[2])]


def _at_rest(redshift: float, level: FloatArray, hot: float, times: FloatArray) -> list[float]:
    if not np.isfinite(redshift):
        return [np.nan] * len(_PARTS["redshift"])
    stretch = 1 + redshift
    # The K correction of a source of flat flux density.
    off = distance_modulus(redshift) - 2.5 * np.log10(stretch)
    mags = [float(magnitudes(level[band])) - off for band in COLOUR_BANDS]
    return [redshift, *mags, hot * stretch, *(times[1:] / stretch)]
