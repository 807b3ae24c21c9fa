"""What a supernova's light curve in g and r looks like: rise, fall, colour and their changes.

Detections are averaged by night and dereddened. A Gaussian process over time and band is fitted to
their fluxes. The features are read from its mean where there were observations. No feature knows
the apparent magnitude, the number of points or the place: these tell how a survey chose its
objects. A feature that cannot be read is NaN.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tom.scoring.contract import Batch, BoolArray, FloatArray, IntArray
from tom.sky.extinction import extinction_coefficient

BANDS: Final = "gr"
# Only the episode of the brightest night: a survey's old false alerts are no part of it.
BEFORE_DAYS, AFTER_DAYS = 100.0, 200.0
NIGHT_DAYS: Final = 0.5
MOST_NIGHTS: Final = 60  # in each band; if there are more, longer bins are averaged
FLOOR: Final = 0.02  # error of the photometry's calibration, as a share of the flux
EBV_UNKNOWN: Final = 0.04  # the value at high latitudes
REDDENING: Final = np.array([extinction_coefficient(f"ps1_{band}") for band in BANDS])
# The grid of the process's scales, in days and in shares of the peak; the best one is taken.
SCALES, AMPLITUDES = (7.0, 14.0, 28.0, 56.0), (0.35, 0.8)
BAND_CORRELATION: Final = 0.85
LARGEST_COLOUR_ERROR: Final = 0.6

SHARES: Final = (0.75, 0.5, 0.25)
LATER: Final = (5, 10, 15, 20, 30, 40, 60, 80)
EARLIER: Final = (3, 6, 10, 15, 20)
PHASES: Final = (-15, -10, -5, 0, 5, 10, 15, 20, 30, 40, 60)
_OF_BAND: Final = (
    *("days from the first detection", "days to the last detection"),
    *(f"days to {share} of the peak" for share in SHARES),
    *(f"days from {share} of the peak" for share in SHARES),
    *(f"mag below the peak {days} d later" for days in LATER),
    *(f"mag below the peak {days} d earlier" for days in EARLIER),
    *("flux over time", "fastest fall", "usual fall", "newest fall", "range"),
)
_OF_COLOUR: Final = (
    *(f"colour at {days:+d} d" for days in PHASES),
    *("colour at the peak in g", "first colour", "newest colour", "mean colour"),
    *("reddest colour", "bluest colour", "change of colour"),
)
NAMES: Final = (
    *("time scale", "days of detections", "days between the peaks", "bump in r"),
    *(f"{name}, {band}" for band in BANDS for name in _OF_BAND),
    *_OF_COLOUR,
)
GROUPS: Final = {
    "colour": tuple(NAMES.index(name) for name in _OF_COLOUR),
    "rise": tuple(
        k for k, name in enumerate(NAMES) if any(w in name for w in (" earlier", "days from"))
    ),
    "fall": tuple(
        k
        for k, name in enumerate(NAMES)
        if any(w in name for w in (" later", "days to", " fall", "range"))
    ),
    "width": tuple(
        k
        for k, name in enumerate(NAMES)
        if any(w in name for w in ("time scale", "flux over time", "bump", "days of", "between"))
    ),
}
"""Features that are explained together: name to their columns."""


@dataclass(frozen=True, eq=False)
class Nights:
    """Detections of one object by night: days (MJD), flux and error (any unit), 0 for g, 1 for r.

    All arrays have shape (k,).
    """

    time: FloatArray
    flux: FloatArray
    error: FloatArray
    band: IntArray

    def until(self, time: float) -> "Nights":
        """Return the nights up to a time."""
        return self._pick(self.time <= time)

    def episode(self) -> "Nights":
        """Return the nights around the brightest one, with fluxes in units of its flux."""
        top = int(np.argmax(self.flux))
        since = self.time - self.time[top]
        near = self._pick((since > -BEFORE_DAYS) & (since < AFTER_DAYS))
        scale = self.flux[top]
        return Nights(near.time, near.flux / scale, near.error / scale, near.band)

    def _pick(self, kept: BoolArray) -> "Nights":
        return Nights(self.time[kept], self.flux[kept], self.error[kept], self.band[kept])


@dataclass(frozen=True, eq=False)
class Smooth:
    """The process's mean and standard deviation, shape (2, n), at days of a grid, shape (n,)."""

    day: FloatArray
    mean: FloatArray
    sigma: FloatArray
    seen: BoolArray
    scale: float


def nights_of(batch: Batch, index: int) -> Nights:
    """Return an object's nights with a detection in g or r up to `as_of_mjd`, dereddened."""
    rows = batch.rows(index)
    ebv = float(batch.ebv[index])
    bright = 10 ** (0.4 * REDDENING * (ebv if np.isfinite(ebv) else EBV_UNKNOWN))
    usable = batch.is_detection[rows] & np.isfinite(batch.flux_error[rows])
    parts = []
    for number, band in enumerate(BANDS):
        kept = np.flatnonzero(usable & (batch.band[rows] == band))
        flux = batch.flux[rows][kept] * bright[number]
        error = np.hypot(batch.flux_error[rows][kept] * bright[number], FLOOR * flux)
        parts.append(_by_night(batch.mjd[rows][kept], flux, error))
    time, flux, error = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return Nights(time, flux, error, np.repeat([0, 1], [len(part[0]) for part in parts]))


def _by_night(
    time: FloatArray, flux: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    width = NIGHT_DAYS
    night, place = np.unique(np.floor(time / width), return_inverse=True)
    while len(night) > MOST_NIGHTS:
        width *= 2
        night, place = np.unique(np.floor(time / width), return_inverse=True)
    weight = 1 / error**2
    total = np.bincount(place, weight, len(night))
    mean = [np.bincount(place, weight * values, len(night)) / total for values in (time, flux)]
    return mean[0], mean[1], np.sqrt(1 / total)


def features_of(batch: Batch) -> FloatArray:
    """Return the features of each object, shape (n, len(NAMES)); each has a night in each band."""
    values = [measure(nights_of(batch, row)) for row in range(len(batch))]
    return np.array(values).reshape(-1, len(NAMES))


def measure(nights: Nights) -> FloatArray:
    """Return the features of one object with a night in each band, shape (len(NAMES),)."""
    near = nights.episode()
    smooth = _smooth(near)
    peaks = [int(np.argmax(np.where(smooth.seen, mean, -np.inf))) for mean in smooth.mean]
    values = [
        *(smooth.scale, np.ptp(near.time), float(peaks[1] - peaks[0]), _bump(smooth, peaks[1])),
        *_of_band(near, smooth, 0, peaks[0]),
        *_of_band(near, smooth, 1, peaks[1]),
        *_of_colour(smooth, peaks),
    ]
    return np.array(values, float)


def _smooth(near: Nights) -> Smooth:
    """Fit the process at each pair of scales, and read the likeliest one at each day."""
    apart = near.time[:, None] - near.time
    alike = np.where(near.band[:, None] == near.band, 1.0, BAND_CORRELATION)
    best = (-np.inf, 0.0, 0.0, np.empty((0, 0)), np.empty(0))
    for scale in SCALES:
        shape = _matern(apart, scale) * alike
        for amplitude in AMPLITUDES:
            root = np.linalg.cholesky(amplitude**2 * shape + np.diag(near.error**2))
            white = np.linalg.solve(root, near.flux)
            likelihood = -0.5 * white @ white - np.log(np.diag(root)).sum()
            if likelihood > best[0]:
                best = (likelihood, scale, amplitude, root, white)
    _, scale, amplitude, root, white = best
    first, last = near.time.min(), near.time.max()
    day = np.arange(np.floor(first) - 5, last + 1.01)
    mean, sigma = np.empty((2, len(day))), np.empty((2, len(day)))
    across = _matern(day[:, None] - near.time, scale) * amplitude**2
    for band in range(2):
        reach = np.linalg.solve(root, (across * np.where(near.band == band, 1, BAND_CORRELATION)).T)
        mean[band] = reach.T @ white
        sigma[band] = np.sqrt(np.maximum(amplitude**2 - (reach**2).sum(axis=0), 0))
    seen = (day >= first - 0.5) & (day <= last + 0.5)
    return Smooth(day, mean, sigma, seen, scale)


def _matern(apart: FloatArray, scale: float) -> FloatArray:
    """Return the Matern covariance of order 3/2."""
    steps = np.sqrt(3) * np.abs(apart) / scale
    return np.asarray((1 + steps) * np.exp(-steps))


def _of_band(near: Nights, smooth: Smooth, band: int, peak: int) -> list[float]:
    day, curve = smooth.day, smooth.mean[band]
    top = max(float(curve[peak]), 1e-3)
    share = curve / top
    below = -2.5 * np.log10(np.maximum(share, 1e-2 / top))
    seen = smooth.seen
    flux = near.flux[near.band == band]
    fall = np.diff(-2.5 * np.log10(np.maximum(curve[seen], 1e-2)))
    fall = fall[max(peak - int(np.flatnonzero(seen)[0]), 0) :]
    return [
        day[peak] - near.time.min(),
        near.time.max() - day[peak],
        *(_days_to(share, seen, peak, part) for part in SHARES),
        *(_days_from(share, day >= near.time.min() - 3, peak, part) for part in SHARES),
        *(_at(below, seen, peak + days) for days in LATER),
        *(_at(below, seen, peak - days) for days in EARLIER),
        np.maximum(curve[seen], 1e-3).sum() / top,
        fall.max() if len(fall) > 3 else np.nan,
        float(np.median(fall)) if len(fall) > 3 else np.nan,
        fall[-10:].mean() if len(fall) > 10 else np.nan,
        flux.max() / max(flux.min(), 1e-3) if len(flux) > 1 else np.nan,
    ]


def _days_to(share: FloatArray, seen: BoolArray, peak: int, part: float) -> float:
    """Return the days from the peak to a share of it; NaN: it was not seen so faint."""
    after = np.flatnonzero(share[peak:] < part)
    return float(after[0]) if len(after) and seen[peak + after[0]] else np.nan


def _days_from(share: FloatArray, seen: BoolArray, peak: int, part: float) -> float:
    before = np.flatnonzero(share[: peak + 1] < part)
    return float(peak - before[-1]) if len(before) and seen[before[-1]] else np.nan


def _at(values: FloatArray, seen: BoolArray, place: int) -> float:
    return float(values[place]) if 0 <= place < len(values) and seen[place] else np.nan


def _bump(smooth: Smooth, peak: int) -> float:
    """Return how far r is above a line from 12 to 40 days after its peak, at 25 days, mag."""
    if not np.isfinite(_at(smooth.mean[1], smooth.seen, peak + 40)):
        return np.nan
    faint = -2.5 * np.log10(np.maximum(smooth.mean[1][[peak + 12, peak + 25, peak + 40]], 1e-2))
    return float(faint[1] - (faint[0] + faint[2]) / 2)


def _of_colour(smooth: Smooth, peaks: list[int]) -> list[float]:
    bright = np.maximum(smooth.mean, 1e-3)
    colour = -2.5 * np.log10(bright[0] / bright[1])
    error = np.hypot(*(smooth.sigma / bright))
    known = smooth.seen & (error < LARGEST_COLOUR_ERROR)
    values, day = colour[known], smooth.day[known]
    at = [_at(colour, known, peaks[1] + days) for days in PHASES]
    at.append(_at(colour, known, peaks[0]))
    if not len(values):
        return [*at, *[np.nan] * 6]
    slope = np.polyfit(day - day[0], values, 1)[0] if len(values) > 4 else np.nan
    return [*at, values[0], values[-1], values.mean(), values.max(), values.min(), slope]
