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
    """Detections in one band, object by object in order of time: row, days, AB mag, mag^2."""

    owner: IntArray
    time: FloatArray
    magnitude: FloatArray
    variance: FloatArray

    def __len__(self) -> int:
        return len(self.owner)

    def take(self, kept: BoolArray | IntArray | slice) -> "_Band":
        """Return these visits."""
        return _Band(self.owner[kept], self.time[kept], self.magnitude[kept], self.variance[kept])

    def last_times(self, n: int) -> FloatArray:
        """The time of each object's last visit, shape (n,); NaN: it has none."""
        found = np.full(n, np.nan)
        found[self.owner] = self.time  # of one owner's values the last one stays
        return found

    def first_rows(self, n: int) -> IntArray:
        """The row of each object's first visit, shape (n,); of one without any, some other row."""
        return np.searchsorted(self.owner, np.arange(n))

    @property
    def newest_nights(self) -> "_Band":
        """The newest two nights of each object with a detection."""
        is_new = np.append(True, (np.diff(self.owner) != 0) | (np.diff(self.time) > NIGHT_DAYS))
        night = np.cumsum(is_new[: len(self)])
        last = np.zeros(self.owner.max(initial=-1) + 1, np.int64)
        last[self.owner] = night
        return self.take(night >= last[self.owner] - 1)


@dataclass(frozen=True, eq=False)
class _Limits:
    """Visits in one band that detected nothing: row of the object, days, 5-sigma depth, AB mag."""

    owner: IntArray
    time: FloatArray
    depth: FloatArray


def measure(batch: Batch) -> Features:
    """Measure the features of every object, each from its own points up to its `as_of_mjd`."""
    n = len(batch)
    value, variance = np.zeros((n, 3)), np.full((n, 3), np.inf)
    fade, rise = np.full((n, 2), np.nan), np.full(n, np.nan)
    bands = [_detections(batch, band) for band in "gr"]
    newest = np.fmax(bands[0].last_times(n), bands[1].last_times(n))
    recent = [curve.take(curve.time >= newest[curve.owner] - EPISODE_DAYS) for curve in bands]
    for column, (band, curve) in enumerate(zip("gr", recent, strict=True)):
        limits = _limits(batch, band)
        rate, error2 = _rates(curve.newest_nights, n)
        least = _least_fade(curve, limits, n)
        outrun = _outruns(least, rate, error2)
        value[:, column] = np.where(outrun, 0.0, rate)
        variance[:, column] = np.where(outrun, np.inf, error2)
        fade[:, column] = np.where(outrun, least, np.nan)
        rise = np.fmax(rise, _least_rise(curve, limits, n))
    value[:, 2], variance[:, 2] = _colours(recent[0], recent[1], batch)
    return Features(value=value, variance=variance, fade=fade, rise=rise)


def count_detections(batch: Batch) -> IntArray:
    """Return the number of g and r visits with a detection up to `as_of_mjd`, shape (n,)."""
    counts = [np.bincount(_detections(batch, band).owner, minlength=len(batch)) for band in "gr"]
    return np.asarray(np.sum(counts, axis=0), np.int64)


def _detections(batch: Batch, band: str) -> _Band:
    kept = np.flatnonzero(batch.is_detection & (batch.band == band))
    owner, time, flux = batch.point_object[kept], batch.mjd[kept], batch.flux[kept]
    error = batch.flux_error[kept] / flux * (2.5 / np.log(10))
    # An alert and the forced point of its exposure are the same photons: the first one is kept.
    is_new = np.append(True, (np.diff(owner) != 0) | (np.diff(time) >= SHORTEST_LEVER / 10))
    return _Band(owner, time, magnitudes(flux), error**2 + FLOOR**2).take(is_new[: len(kept)])


def _rates(curve: _Band, n: int) -> tuple[FloatArray, FloatArray]:
    """Return the weighted least-squares fading rate of each object, scaled, and its variance."""
    owner, weight = curve.owner, 1 / curve.variance

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(owner, values, n).astype(float)  # of no visit it would be integers

    ends = curve.last_times(n), curve.take(slice(None, None, -1)).last_times(n)
    with np.errstate(invalid="ignore", divide="ignore"):
        lever = curve.time - ends[0][owner]  # of whole MJDs, minutes would be lost in rounding
        lever -= (total(weight * lever) / total(weight))[owner]
        moment = total(weight * lever**2)
        rate = total(weight * lever * curve.magnitude) / moment
        error2 = 1 / moment / (rate**2 + RATE_SCALE**2)
    is_measured = (ends[0] - ends[1] >= SHORTEST_LEVER) & (moment > 0)
    scaled = np.where(is_measured, np.arcsinh(rate / RATE_SCALE), 0.0)
    return scaled, np.where(is_measured, error2, np.inf)


def _colours(g: _Band, r: _Band, batch: Batch) -> tuple[FloatArray, FloatArray]:
    """Return each object's newest dereddened g-r of two visits near in time, and its variance."""
    n = len(batch)
    colour, variance = np.zeros(n), np.full(n, np.inf)
    first, second = _pairs(g.owner, r.owner, n)
    gap = np.abs(g.time[first] - r.time[second])
    near = gap <= COLOUR_GAP_DAYS
    first, second, gap = first[near], second[near], gap[near]
    newest = np.maximum(g.time[first], r.time[second])
    # Of the newest pairs the closest in time.
    order = np.lexsort((gap, -newest, g.owner[first]))
    owner, at = np.unique(g.owner[first][order], return_index=True)
    first, second, gap = first[order][at], second[order][at], gap[order][at]
    ebv, ebv_variance = _reddening(batch, owner)
    colour[owner] = g.magnitude[first] - r.magnitude[second] - REDDENING * ebv
    blur = (COLOUR_DRIFT * gap) ** 2 + REDDENING**2 * ebv_variance
    variance[owner] = g.variance[first] + r.variance[second] + blur
    return colour, variance


def _pairs(first_owner: IntArray, second_owner: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """The rows of every pair of one owner's, one of each kind; both kinds are in order of owner."""
    start = np.searchsorted(second_owner, np.arange(n + 1))
    begin, counts = start[first_owner], np.diff(start)[first_owner]
    first = np.repeat(np.arange(len(first_owner)), counts)
    within = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first, np.repeat(begin, counts) + within


def _reddening(batch: Batch, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    ebv, sigma = batch.ebv[rows], batch.ebv_sigma[rows]
    is_known = np.isfinite(ebv)
    error = np.where(is_known & np.isfinite(sigma), sigma, EBV_UNKNOWN_SIGMA)
    return np.where(is_known, ebv, EBV_UNKNOWN), np.square(error)


def _least_rise(curve: _Band, limits: _Limits, n: int) -> FloatArray:
    nights = curve.newest_nights
    if not len(nights):
        return np.full(n, np.nan)
    begin = nights.take(np.minimum(nights.first_rows(n), len(nights) - 1))  # of each object
    start = np.where(begin.owner == np.arange(n), begin.time, np.nan)
    error = np.sqrt(begin.variance)
    from_dark = _steepest(
        owner=limits.owner,
        gap=start[limits.owner] - limits.time,
        fainter=limits.depth - (begin.magnitude + error)[limits.owner],
        longest=RISE_MEMORY_DAYS,
        n=n,
    )
    seen = curve.take(curve.time < start[curve.owner])
    from_seen = _steepest(
        owner=seen.owner,
        gap=start[seen.owner] - seen.time,
        fainter=seen.magnitude
        - begin.magnitude[seen.owner]
        - np.sqrt(seen.variance + begin.variance[seen.owner]),
        longest=RISE_MEMORY_DAYS,
        n=n,
    )
    return np.fmax(from_dark, from_seen)


def _least_fade(curve: _Band, limits: _Limits, n: int) -> FloatArray:
    faintest, newest = np.full(n, np.nan), curve.last_times(n)
    faintest[curve.owner] = curve.magnitude + np.sqrt(curve.variance)
    rate = _steepest(
        owner=limits.owner,
        gap=limits.time - newest[limits.owner],
        fainter=limits.depth - faintest[limits.owner],
        longest=EPISODE_DAYS,
        n=n,
    )
    return np.asarray(np.arcsinh(rate / RATE_SCALE))


def _outruns(least: FloatArray, rate: FloatArray, variance: FloatArray) -> BoolArray:
    """Whether a limit needs a faster fading than the rate measured before it, if one was."""
    is_measured = np.isfinite(variance)
    fastest = rate + FASTER_SIGMAS * np.sqrt(np.where(is_measured, variance, 0.0))
    return np.asarray(np.isfinite(least) & (~is_measured | (least > fastest)))


def _limits(batch: Batch, band: str) -> _Limits:
    owner = batch.point_object
    dark = ~batch.is_detection & (batch.kind != "alert") & (batch.band == band)
    usable = dark & (batch.flux_error > 0) & np.isfinite(batch.flux_error)
    kept = np.flatnonzero(usable & (batch.mjd <= batch.as_of_mjd[owner]))
    return _Limits(owner[kept], batch.mjd[kept], magnitudes(LIMIT_SIGMA * batch.flux_error[kept]))


def _steepest(
    *, owner: IntArray, gap: FloatArray, fainter: FloatArray, longest: float, n: int
) -> FloatArray:
    """Return the largest of the least rates that visits ask of each object, mag a day, shape (n,).

    NaN: no visit is near.
    """
    near = (gap > SHORTEST_LEVER) & (gap < longest) & np.isfinite(fainter)
    found = np.full(n, np.nan)
    np.fmax.at(found, owner[near], fainter[near] / gap[near])
    return found
