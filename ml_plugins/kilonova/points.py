"""The points of each light curve that count: detections and limits about the newest detection."""

from typing import NamedTuple

import numpy as np

from tom.photometry import LIMIT_SIGMA, magnitudes
from tom.scoring.contract import Batch, BoolArray, FloatArray, IntArray
from tom.sky.extinction import extinction_coefficient

BANDS = ("g", "r")
BEFORE_DAYS, AFTER_DAYS = 10.0, 6.0
"""What lies farther before or after the newest detection does not count."""
MOST_POINTS = 40
"""Of more points in g and r, the newest count."""
SAME_VISIT_DAYS = 7e-4
"""An alert and the forced point of its exposure are the same photons: the first one is kept."""
EBV_UNKNOWN, EBV_UNKNOWN_SIGMA = 0.04, 0.04
"""If the Milky Way's reddening is not known: the value at high latitudes, and its scatter."""
DUST = np.array([extinction_coefficient(f"ps1_{band}") for band in BANDS])


class Points(NamedTuple):
    """The points of n objects, m in all, object by object.

    Attributes
    ----------
    row : array of int, shape (m,)
        The object, rising.
    band : array of int, shape (m,)
        0 in g, 1 in r.
    days : array, shape (m,)
        After the newest detection, `-BEFORE_DAYS` to `AFTER_DAYS`.
    magnitude : array, shape (m,)
        AB, dereddened: of a detection, or of the 5-sigma limit of a look that detected nothing.
    variance : array, shape (m,)
        Of the magnitude, with that of the dust; of a limit that of the dust alone.
    is_detection : array of bool, shape (m,)
    """

    row: IntArray
    band: IntArray
    days: FloatArray
    magnitude: FloatArray
    variance: FloatArray
    is_detection: BoolArray

    def take(self, chosen: IntArray) -> "Points":
        """Return these points."""
        row, band, days, magnitude, variance, seen = self
        return Points(
            row[chosen],
            band[chosen],
            days[chosen],
            magnitude[chosen],
            variance[chosen],
            seen[chosen],
        )


def points_of(batch: Batch) -> Points:
    """Read what counts of each object's points up to its `as_of_mjd`."""
    count = np.diff(batch.start)
    row = np.repeat(np.arange(len(batch)), count)
    band = np.select([batch.band == name for name in BANDS], range(len(BANDS)), -1)
    seen = batch.is_detection & (band >= 0)
    newest = np.full(len(batch), -np.inf)
    np.maximum.at(newest, row[seen], batch.mjd[seen])
    with np.errstate(invalid="ignore"):
        has_error = (batch.flux_error > 0) & np.isfinite(batch.flux_error)
        days = batch.mjd - newest[row]
    dark = ~seen & (batch.kind != "alert") & (band >= 0) & has_error
    near = (days >= -BEFORE_DAYS) & (days <= AFTER_DAYS) & (batch.mjd <= batch.as_of_mjd[row])
    chosen = np.flatnonzero((seen | dark) & near)
    chosen = _newest(row, chosen[_is_new(row, band, batch.mjd, chosen)])
    return _read(batch, row[chosen], band[chosen], days[chosen], chosen, seen[chosen])


def count_detections(points: Points, n: int) -> IntArray:
    """Count the visits in g or r with a detection, shape (n,)."""
    return np.bincount(points.row[points.is_detection], minlength=n).astype(np.int64)


def _is_new(row: IntArray, band: IntArray, mjd: FloatArray, chosen: IntArray) -> BoolArray:
    """Whether each is the first point of its exposure: by object, band and time."""
    order = np.lexsort((chosen, mjd[chosen], band[chosen], row[chosen]))
    at = chosen[order]
    same = (np.diff(row[at]) == 0) & (np.diff(band[at]) == 0)
    same &= np.diff(mjd[at]) < SAME_VISIT_DAYS
    new = np.empty(len(chosen), bool)
    new[order] = np.append(True, ~same)[: len(chosen)]
    return new


def _newest(row: IntArray, chosen: IntArray) -> IntArray:
    """Return the newest `MOST_POINTS` of each object."""
    _, count = np.unique(row[chosen], return_counts=True)
    ends = np.repeat(np.cumsum(count), count)
    return np.asarray(chosen[ends - np.arange(len(chosen)) <= MOST_POINTS])


def _read(
    batch: Batch,
    row: IntArray,
    band: IntArray,
    days: FloatArray,
    chosen: IntArray,
    seen: BoolArray,
) -> Points:
    known = np.isfinite(batch.ebv)
    ebv = np.where(known, batch.ebv, EBV_UNKNOWN)[row]
    given = np.where(known & np.isfinite(batch.ebv_sigma), batch.ebv_sigma, EBV_UNKNOWN_SIGMA)
    flux, error = batch.flux[chosen], batch.flux_error[chosen]
    with np.errstate(invalid="ignore", divide="ignore"):
        of_flux = np.where(seen, 2.5 / np.log(10) * error / flux, 0.0)
        bright = magnitudes(np.where(seen, flux, LIMIT_SIGMA * error))
    # The dust's error is alike in all bands: what is left of it between them is a half in each.
    of_dust = (DUST[0] - DUST[1]) * given[row] / 2
    variance = np.nan_to_num(of_flux) ** 2 + of_dust**2
    return Points(row, band, days, bright - DUST[band] * ebv, variance, seen)
