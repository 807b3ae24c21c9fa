"""What the points say by themselves, without any template: slopes, colour, when it was dark."""

from typing import Final

import numpy as np

from ml_plugins.kilonova.points import BANDS, Points
from tom.scoring.contract import BoolArray, FloatArray

LEAST_DAYS: Final = 0.02
"""Detections in one band that are nearer to each other than this have no slope."""
COLOUR_DAYS: Final = 0.5
"""Detections in two bands within so many days are a colour."""
LONGEST_DAYS: Final = 4.0
"""A longer span counts as this: the kilonovae of the fit are at most six days old."""
NAMES: Final = (
    *("slope in g", "slope in r", "g - r", "span"),
    *("dark before", "limit before", "limit after"),
)


def shape_of(points: Points, n: int) -> FloatArray:
    """Return `NAMES` of n objects, shape (n, 7); NaN: not known.

    The slope of the detections in each band, mag/day. The colour of the newest two detections in
    two bands. Days from the first detection to the newest, `LONGEST_DAYS` at most. Days from the
    last limit before to the first detection, and how much deeper that limit is. How much deeper the
    deepest later limit is than the newest detection, mag. No number of points: it would teach how a
    sample was made.
    """
    seen = points.is_detection
    first, first_magnitude, newest_magnitude = (np.full(n, np.nan) for _ in range(3))
    newest_magnitude[points.row[seen]] = points.magnitude[seen]  # in order of time: the last stays
    rows, at = np.unique(points.row[seen], return_index=True)
    first[rows], first_magnitude[rows] = points.days[seen][at], points.magnitude[seen][at]
    before = np.flatnonzero(~seen & (points.days < first[points.row]))
    dark = np.full((2, n), np.nan)
    row = points.row[before]
    dark[0, row] = first[row] - points.days[before]
    dark[1, row] = points.magnitude[before] - first_magnitude[row]
    after = np.flatnonzero(~seen & (points.days > first[points.row]))
    deeper = np.full(n, -np.inf)
    row = points.row[after]
    np.maximum.at(deeper, row, points.magnitude[after] - newest_magnitude[row])
    slopes = [_slope(points, seen & (points.band == band), n) for band in range(len(BANDS))]
    later = np.where(np.isfinite(deeper), deeper, np.nan)
    span = np.minimum(-first, LONGEST_DAYS)
    return np.stack([*slopes, _colour(points, n), span, *dark, later], axis=1)


def _slope(points: Points, chosen: BoolArray, n: int) -> FloatArray:
    """Return the slope of the line through the chosen points of each object, mag/day."""
    row, days, magnitude = points.row[chosen], points.days[chosen], points.magnitude[chosen]
    count = np.bincount(row, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.bincount(row, days, n) / count
        off = days - middle[row]
        spread = np.bincount(row, off**2, n)
        slope = np.bincount(row, off * magnitude, n) / spread
    # Two points that are so far apart have half of its square as their spread.
    return np.where(spread > LEAST_DAYS**2 / 2, slope, np.nan)


def _colour(points: Points, n: int) -> FloatArray:
    """Return g - r of each object's newest two detections in two bands that follow each other."""
    at = np.flatnonzero(points.is_detection)
    left, right = at[:-1], at[1:]
    pair = (points.row[left] == points.row[right]) & (points.band[left] != points.band[right])
    pair &= points.days[right] - points.days[left] <= COLOUR_DAYS
    left, right = left[pair], right[pair]
    colour = np.full(n, np.nan)
    sign = np.where(points.band[left] == BANDS.index("g"), 1.0, -1.0)
    colour[points.row[left]] = sign * (points.magnitude[left] - points.magnitude[right])
    return colour
