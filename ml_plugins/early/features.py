"""What a young outburst looks like: how fast it brightens in g and r, its colour, its changes.

To these come the features of the smooth light curve, if there are nights in both bands. A feature
that cannot be read is NaN. Unlike `sn_type`, it knows how bright the object is: in its first days,
that and the rise are most of what there is.
"""

from typing import Final

import numpy as np

from ml_plugins.outbursts.features import BANDS, Nights
from ml_plugins.outbursts.features import NAMES as SMOOTH
from ml_plugins.outbursts.features import measure as measure_smooth
from tom.photometry import magnitudes
from tom.scoring.contract import FloatArray

PER_FLUX: Final = 2.5 / np.log(10)
LEAST_ERROR: Final = 0.02
SAME_NIGHT_DAYS: Final = 1.1
LEAST_SPAN_DAYS: Final = 0.9
CURVED_SPAN_DAYS: Final = 3.0
LONGEST_FIREBALL: Final = 200.0

_OF_ALL: Final = ("age", "nights", "brightest", "days since the brightest")
_OF_BAND: Final = (
    *("nights", "first day", "newest", "brightest", "risen", "fallen", "days since the brightest"),
    *("slope", "newest slope", "fireball age", "first slope", "slope now", "bend"),
)
_OF_COLOUR: Final = (
    *("first colour", "newest colour", "mean colour", "day of the first colour"),
    *("days since the newest colour", "change of colour", "difference of slopes", "colour now"),
)
_OWN: Final = (
    *_OF_ALL,
    *(f"{name}, {band}" for band in BANDS for name in _OF_BAND),
    *_OF_COLOUR,
)
NAMES: Final = (*_OWN, *(f"smooth: {name}" for name in SMOOTH))
GROUPS: Final = {
    "brightness": tuple(
        k for k, name in enumerate(NAMES) if name.split(",")[0] in ("brightest", "newest")
    ),
    "colour": tuple(NAMES.index(name) for name in _OF_COLOUR),
    "rise": tuple(
        k
        for k, name in enumerate(NAMES)
        if name in _OWN
        and name not in _OF_COLOUR
        and name.split(",")[0] not in ("brightest", "newest")
    ),
    "shape": tuple(range(len(_OWN), len(NAMES))),
}
"""Features that are explained together: name to their columns."""


def measure(nights: Nights) -> FloatArray:
    """Return the features of an object with at least one night, shape (len(NAMES),)."""
    first = nights.time.min()
    day = nights.time - first
    top = int(np.argmax(nights.flux))
    whole = [np.ptp(day), len(day), magnitudes(nights.flux[top]), day.max() - day[top]]
    bands = [_Band(nights, band, first) for band in range(len(BANDS))]
    values = [*whole, *(value for band in bands for value in band.values()), *_colours(bands)]
    in_both = all(len(band.day) for band in bands)
    smooth = measure_smooth(nights) if in_both else np.full(len(SMOOTH), np.nan)
    return np.concatenate([np.array(values, float), smooth])


class _Band:
    """The nights of one band, in order of time: days from the first one, magnitudes, errors."""

    def __init__(self, nights: Nights, band: int, first: float) -> None:
        rows = np.flatnonzero(nights.band == band)
        rows = rows[np.argsort(nights.time[rows])]
        self.day = nights.time[rows] - first
        self.newest = nights.time.max() - first
        flux = nights.flux[rows]
        self.mag = np.asarray(magnitudes(flux), float)
        self.error = np.hypot(PER_FLUX * nights.error[rows] / flux, LEAST_ERROR)
        self.root = np.sqrt(flux / flux.max()) if len(flux) else flux

    def values(self) -> list[float]:
        if not len(self.day):
            return [0.0] + [np.nan] * (len(_OF_BAND) - 1)
        mag, top = self.mag, int(np.argmin(self.mag))
        since = self.newest - self.day[top]
        seen = [len(mag), self.day[0], mag[-1], mag[top], mag[0] - mag[top], mag[-1] - mag[top]]
        return [*seen, since, *self._slopes(), *self._bend()]

    def line(self) -> FloatArray | None:
        """Return the magnitude at the newest night of any band and its change a day."""
        if len(self.day) < 2 or np.ptp(self.day) < LEAST_SPAN_DAYS:
            return None
        return _fit(self.day - self.newest, self.mag, self.error, degree=1)

    def _slopes(self) -> list[float]:
        line = self.line()
        if line is None:
            return [np.nan] * 4
        ends = [
            (self.mag[k + 1] - self.mag[k]) / max(self.day[k + 1] - self.day[k], 0.5)
            for k in (len(self.mag) - 2, 0)
        ]
        growth = np.polyfit(self.day - self.day[-1], self.root, 1)[0]
        age = min(1 / growth, LONGEST_FIREBALL) if growth > 0 else LONGEST_FIREBALL
        return [line[1], ends[0], age, ends[1]]

    def _bend(self) -> list[float]:
        if len(self.day) < 3 or np.ptp(self.day) < CURVED_SPAN_DAYS:
            return [np.nan] * 2
        bend = _fit(self.day - self.day[-1], self.mag, self.error, degree=2)
        return [float(bend[1]), float(bend[2])]


def _fit(day: FloatArray, mag: FloatArray, error: FloatArray, *, degree: int) -> FloatArray:
    """Return the coefficients of a weighted polynomial, the constant one first."""
    terms = np.vander(day, degree + 1, increasing=True) / error[:, None]
    return np.asarray(np.linalg.lstsq(terms, mag / error, rcond=None)[0])


def _colours(bands: list[_Band]) -> list[float]:
    g, r = bands
    lines = [band.line() for band in bands]
    now = [np.nan, np.nan]
    if lines[0] is not None and lines[1] is not None:
        now = [lines[0][1] - lines[1][1], lines[0][0] - lines[1][0]]
    if not len(g.day) or not len(r.day):
        return [np.nan] * 6 + now
    near = np.abs(g.day[:, None] - r.day).argmin(axis=1)
    both = np.abs(g.day - r.day[near]) < SAME_NIGHT_DAYS
    if not both.any():
        return [np.nan] * 6 + now
    day, colour = g.day[both], (g.mag - r.mag[near])[both]
    slope = np.polyfit(day, colour, 1)[0] if np.ptp(day) > LEAST_SPAN_DAYS else np.nan
    at = [colour[0], colour[-1], colour.mean(), day[0], g.newest - day[-1], slope]
    return [*at, *now]
