"""Rates, colour and rise of each light curve of a batch, with their variances.

A feature that cannot be measured has an infinite variance, and so it has no weight.
"""

from dataclasses import dataclass

import numpy as np

from tom.photometry import LIMIT_SIGMA, magnitudes
from tom.scoring.contract import Batch, BoolArray, FloatArray, IntArray
from tom.sky.extinction import extinction_coefficient

NAMES = ("fading in g", "fading in r", "colour g-r")

# Only the newest detections: older ones belong to the ranking's term for earlier activity.
EPISODE_DAYS = 6.0
# Rates are measured in the newest two nights with a detection: a source that rises and falls within
# days has no single rate. Visits that are farther apart than this belong to two nights.
NIGHT_DAYS = 0.5
# g and r within half a day make a colour; a source that fades 1 mag a day blurs it by the gap.
COLOUR_GAP_DAYS = 0.5
COLOUR_DRIFT = 1.0
# The smallest error of the survey's photometry, mag: smaller stated errors are raised to it.
FLOOR = 0.03
# The shortest time for measuring a rate, days: 10 minutes.
SHORTEST_LEVER = 10 / 1440
# Rates are taken as asinh(rate / RATE_SCALE): linear for supernovae, logarithmic for flares.
RATE_SCALE = 0.3
# A later limit takes the place of a measured rate that it exceeds by this many of its errors.
FASTER_SIGMAS = 2.0
# If the Milky Way's reddening is not known: the value at high latitudes, and its scatter.
EBV_UNKNOWN, EBV_UNKNOWN_SIGMA = 0.04, 0.04
RISE_MEMORY_DAYS = 5.0
REDDENING = extinction_coefficient("ps1_g") - extinction_coefficient("ps1_r")


@dataclass(frozen=True, eq=False)
class Features:
    """Features of n objects.

    Attributes
    ----------
    value, variance : array, shape (n, 3)
        asinh(fading rate / 0.3 mag a day) in g and in r, positive when fading; dereddened AB g-r,
        mag. A value not measured is 0 with variance inf.
    fade : array, shape (n, 2)
        Least fading rate in g and in r, scaled as `value`. It is given if a limit follows the last
        detection of a band and either no rate is measured or the limit needs a faster one; then
        the measured rate is left out. NaN: not bounded.
    rise : array, shape (n,)
        Least mean rise, mag a day, to the nights of the rate, from detections or limits up to 5
        days before them; NaN: not bounded.
    """

    value: FloatArray
    variance: FloatArray
    fade: FloatArray
    rise: FloatArray

    @property
    def measured(self) -> BoolArray:
        """Whether each feature was measured, shape (n, 3)."""
        return np.isfinite(self.variance)


@dataclass(frozen=True, eq=False)
class _Band:
    """Detections of one object in one band, in order of time: days, AB mag, mag."""

    time: FloatArray
    magnitude: FloatArray
    variance: FloatArray

    def since(self, start: float) -> "_Band":
        """Return the visits from a time on."""
        kept = self.time >= start
        return _Band(self.time[kept], self.magnitude[kept], self.variance[kept])

    @property
    def newest_nights(self) -> "_Band":
        """The newest two nights with a detection."""
        if not len(self.time):
            return self
        nights = np.flatnonzero(np.append(True, np.diff(self.time) > NIGHT_DAYS))
        return self.since(float(self.time[nights[-2:][0]]))


def measure(batch: Batch) -> Features:
    """Measure the features of every object, each from its own points up to its `as_of_mjd`."""
    value, variance = np.zeros((len(batch), 3)), np.full((len(batch), 3), np.inf)
    fade, rise = np.full((len(batch), 2), np.nan), np.full(len(batch), np.nan)
    for index in range(len(batch)):
        bands = {band: _detections(batch, index, band) for band in "gr"}
        newest = max((b.time[-1] for b in bands.values() if len(b.time)), default=np.nan)
        recent = {b: curve.since(newest - EPISODE_DAYS) for b, curve in bands.items()}
        for column, band in enumerate("gr"):
            rate, error2 = _rate(recent[band].newest_nights)
            least = _fade_in(batch, index, band, recent[band])
            if _outruns(least, rate, error2):
                rate, error2, fade[index, column] = 0.0, np.inf, least
            value[index, column], variance[index, column] = rate, error2
        value[index, 2], variance[index, 2] = _colour(recent["g"], recent["r"], batch, index)
        bounds = [_rise_in(batch, index, band, recent[band]) for band in "gr"]
        rise[index] = max((b for b in bounds if np.isfinite(b)), default=np.nan)
    return Features(value=value, variance=variance, fade=fade, rise=rise)


def count_detections(batch: Batch) -> IntArray:
    """Return the number of g and r visits with a detection up to `as_of_mjd`, shape (n,)."""
    counts = [
        sum(len(_detections(batch, index, band).time) for band in "gr")
        for index in range(len(batch))
    ]
    return np.array(counts, np.int64)


def _detections(batch: Batch, index: int, band: str) -> _Band:
    rows = batch.rows(index)
    kept = np.flatnonzero(batch.is_detection[rows] & (batch.band[rows] == band))
    time, flux = batch.mjd[rows][kept], batch.flux[rows][kept]
    error = batch.flux_error[rows][kept] / flux * (2.5 / np.log(10))
    # An alert and the forced point of its exposure are the same photons: the first one is kept.
    new = np.append(True, np.diff(time) >= SHORTEST_LEVER / 10)[: len(time)]
    magnitude = magnitudes(flux)
    return _Band(time[new], magnitude[new], (error**2 + FLOOR**2)[new])


def _rate(curve: _Band) -> tuple[float, float]:
    """Return the weighted least-squares fading rate, scaled, and its variance."""
    if len(curve.time) < 2 or np.ptp(curve.time) < SHORTEST_LEVER:
        return 0.0, np.inf
    weight = 1 / curve.variance
    lever = curve.time - np.average(curve.time, weights=weight)
    moment = float(np.sum(weight * lever**2))
    rate = float(np.sum(weight * lever * curve.magnitude)) / moment
    scaled = float(np.arcsinh(rate / RATE_SCALE))
    return scaled, 1 / moment / (rate**2 + RATE_SCALE**2)


def _colour(g: _Band, r: _Band, batch: Batch, index: int) -> tuple[float, float]:
    """Return the newest dereddened g-r of two visits near in time, and its variance."""
    gaps = np.abs(g.time[:, None] - r.time[None, :])
    near = np.argwhere(gaps <= COLOUR_GAP_DAYS)
    if not len(near):
        return 0.0, np.inf
    newest = np.maximum(g.time[near[:, 0]], r.time[near[:, 1]])
    # Of the newest pairs the closest in time.
    first, second = near[np.lexsort((gaps[near[:, 0], near[:, 1]], -newest))[0]]
    ebv, ebv_variance = _reddening(batch, index)
    colour = g.magnitude[first] - r.magnitude[second] - REDDENING * ebv
    blur = (COLOUR_DRIFT * gaps[first, second]) ** 2 + REDDENING**2 * ebv_variance
    return float(colour), float(g.variance[first] + r.variance[second] + blur)


def _reddening(batch: Batch, index: int) -> tuple[float, float]:
    ebv, sigma = float(batch.ebv[index]), float(batch.ebv_sigma[index])
    if not np.isfinite(ebv):
        return EBV_UNKNOWN, EBV_UNKNOWN_SIGMA**2
    return ebv, (sigma if np.isfinite(sigma) else EBV_UNKNOWN_SIGMA) ** 2


def _rise_in(batch: Batch, index: int, band: str, curve: _Band) -> float:
    nights = curve.newest_nights
    if not len(nights.time):
        return np.nan
    time, depth = _limits(batch, index, band)
    error = np.sqrt(nights.variance[0])
    from_dark = _steepest(
        gap=nights.time[0] - time,
        fainter=depth - nights.magnitude[0] - error,
        longest=RISE_MEMORY_DAYS,
    )
    seen = curve.time < nights.time[0]
    from_seen = _steepest(
        gap=nights.time[0] - curve.time[seen],
        fainter=curve.magnitude[seen]
        - nights.magnitude[0]
        - np.sqrt(curve.variance[seen] + nights.variance[0]),
        longest=RISE_MEMORY_DAYS,
    )
    return float(np.fmax(from_dark, from_seen))


def _fade_in(batch: Batch, index: int, band: str, curve: _Band) -> float:
    if not len(curve.time):
        return np.nan
    time, depth = _limits(batch, index, band)
    rate = _steepest(
        gap=time - curve.time[-1],
        fainter=depth - curve.magnitude[-1] - np.sqrt(curve.variance[-1]),
        longest=EPISODE_DAYS,
    )
    return float(np.arcsinh(rate / RATE_SCALE))


def _outruns(least: float, rate: float, variance: float) -> bool:
    """Whether a limit needs a faster fading than the rate measured before it."""
    if not np.isfinite(variance):
        return bool(np.isfinite(least))
    return bool(least > rate + FASTER_SIGMAS * np.sqrt(variance))


def _limits(batch: Batch, index: int, band: str) -> tuple[FloatArray, FloatArray]:
    """Return days and 5-sigma depths, AB mag, of a band's visits without a detection."""
    rows = batch.rows(index)
    dark = ~batch.is_detection[rows] & (batch.kind[rows] != "alert") & (batch.band[rows] == band)
    with np.errstate(invalid="ignore"):
        usable = dark & (batch.flux_error[rows] > 0) & np.isfinite(batch.flux_error[rows])
    kept = np.flatnonzero(usable & (batch.mjd[rows] <= batch.as_of_mjd[index]))
    return batch.mjd[rows][kept], magnitudes(LIMIT_SIGMA * batch.flux_error[rows][kept])


def _steepest(*, gap: FloatArray, fainter: FloatArray, longest: float) -> float:
    """Return the largest of the limits' least rates, mag a day; NaN: no limit is near."""
    near = (gap > SHORTEST_LEVER) & (gap < longest)
    return float(np.max(fainter[near] / gap[near])) if np.any(near) else np.nan
