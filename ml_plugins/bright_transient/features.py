"""What the last days of an object's alerts look like: brightness, colour and how they change.

Only detections in g and r of the last `WINDOW_DAYS` are read, averaged by night and dereddened. No
feature counts alerts, knows the place, or when the object was first seen: these tell how a survey
chose its objects. What cannot be read is NaN.
"""

from typing import Final

import numpy as np

from ml_plugins.injections.samples import WINDOW_DAYS
from ml_plugins.outbursts.features import BANDS, Nights
from tom.photometry import magnitudes
from tom.scoring.contract import FloatArray, IntArray

PER_FLUX: Final = 2.5 / np.log(10)
LEAST_ERROR: Final = 0.03
SAME_NIGHT_DAYS: Final = 1.1
LEAST_SPAN_DAYS: Final = 0.9

_OF_BAND: Final = ("newest", "brightest", "risen", "fallen", "slope", "newest slope", "off a line")
_OF_COLOUR: Final = ("newest colour", "mean colour", "change of colour")
NAMES: Final = (*(f"{name}, {band}" for band in BANDS for name in _OF_BAND), *_OF_COLOUR, "span")
GROUPS: Final = {
    "brightness": tuple(k for k, name in enumerate(NAMES) if name[:6] in ("newest", "bright")
                        and "slope" not in name and "colour" not in name),
    "colour": tuple(NAMES.index(name) for name in _OF_COLOUR),
    "change": tuple(k for k, name in enumerate(NAMES) if "slope" in name or "span" in name
                    or name[:5] in ("risen", "falle")),
    "scatter": tuple(k for k, name in enumerate(NAMES) if "off a line" in name),
}  # fmt: skip
"""Features that are explained together: name to their columns."""


def recent(nights: Nights) -> Nights:
    """Return the nights of the last days before the newest one."""
    if not len(nights.time):
        return nights
    kept = nights.time > nights.time.max() - WINDOW_DAYS
    return Nights(nights.time[kept], nights.flux[kept], nights.error[kept], nights.band[kept])


def measure(nights: Nights) -> FloatArray:
    """Return the features of an object with a night, shape (len(NAMES),)."""
    near = recent(nights)
    day = near.time - near.time.max()
    mag = np.asarray(magnitudes(near.flux), float)
    error = np.hypot(PER_FLUX * near.error / near.flux, LEAST_ERROR)
    values: list[float] = []
    for band in range(len(BANDS)):
        rows = np.flatnonzero(near.band == band)
        rows = rows[np.argsort(day[rows])]
        values += _of_band(day[rows], mag[rows], error[rows])
    return np.array([*values, *_of_colour(day, mag, near.band), float(np.ptp(day))])


def _of_band(day: FloatArray, mag: FloatArray, error: FloatArray) -> list[float]:
    if not len(day):
        return [np.nan] * len(_OF_BAND)
    top = float(mag.min())
    seen = [mag[-1], top, mag[0] - top, mag[-1] - top]
    if np.ptp(day) < LEAST_SPAN_DAYS:
        return [*seen, np.nan, np.nan, np.nan]
    terms = np.vander(day, 2, increasing=True) / error[:, None]
    line = np.linalg.lstsq(terms, mag / error, rcond=None)[0]
    off = (mag - line[0] - line[1] * day) / error
    scatter = np.log1p(np.sum(off**2) / (len(day) - 2)) if len(day) > 2 else np.nan
    before = int(np.flatnonzero(day <= day[-1] - LEAST_SPAN_DAYS)[-1])
    return [*seen, line[1], (mag[-1] - mag[before]) / (day[-1] - day[before]), scatter]


def _of_colour(day: FloatArray, mag: FloatArray, band: IntArray) -> list[float]:
    g, r = (np.flatnonzero(band == number) for number in range(len(BANDS)))
    if not len(g) or not len(r):
        return [np.nan] * len(_OF_COLOUR)
    nearest = r[np.abs(day[g][:, None] - day[r]).argmin(axis=1)]
    both = np.abs(day[g] - day[nearest]) < SAME_NIGHT_DAYS
    if not both.any():
        return [np.nan] * len(_OF_COLOUR)
    at, colour = day[g][both], (mag[g] - mag[nearest])[both]
    newest, oldest = int(at.argmax()), int(at.argmin())
    change = colour[newest] - colour[oldest] if np.ptp(at) > LEAST_SPAN_DAYS else np.nan
    return [colour[newest], float(colour.mean()), change]
