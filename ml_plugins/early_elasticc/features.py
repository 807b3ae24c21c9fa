"""What a young supernova of Rubin's depth looks like: shape, colour, brightness and changes.

To the features of `ml_plugins.outbursts.wide` come how bright it is in each band and how that
changes. All are dereddened for the Milky Way. What cannot be read is NaN.
"""

from typing import Final

import numpy as np

from ml_plugins.outbursts import wide
from ml_plugins.outbursts.wide import BANDS, Wide
from tom.photometry import magnitudes
from tom.scoring.contract import FloatArray

CHANGING: Final = (1, 2, 3, 4)
"""Numbers of the bands whose changes are read: g, r, i, z."""
NEWEST_DAYS: Final = 5.0
LEAST_SPAN_DAYS: Final = 0.9

_OF_BAND: Final = ("brightest", "risen", "fallen", "newest slope")
_BRIGHT: Final = ("age", *(f"{name}, {BANDS[k]}" for name in _OF_BAND for k in CHANGING))
_NEWEST: Final = ("newest g-r", "newest r-i", "newest i-z")
NAMES: Final = (*wide.NAMES, *_BRIGHT, *_NEWEST)
GROUPS: Final = {
    "shape": (*wide.GROUPS["shape"], *wide.GROUPS["flicker"]),
    "colour": (*wide.GROUPS["colour"], *(NAMES.index(name) for name in _NEWEST)),
    "brightness": tuple(NAMES.index(name) for name in _BRIGHT),
    "redshift": wide.GROUPS["redshift"],
}
"""Features that are explained together: name to their columns."""


def measure(seen: Wide) -> FloatArray:
    """Return the features of an object with a detection, shape (len(NAMES),)."""
    rows = np.flatnonzero(seen.detected)
    time, band = seen.mjd[rows], seen.band[rows]
    light = np.asarray(magnitudes(seen.flux[rows]), float)
    changes = np.array([_changes(time[band == k], light[band == k]) for k in CHANGING])
    newest = [_newest(time, light, band == k) for k in CHANGING]
    return np.concatenate(
        [wide.measure(seen), [np.ptp(time)], changes.T.reshape(-1), -np.diff(newest)]
    )


def _changes(time: FloatArray, light: FloatArray) -> list[float]:
    """Return the brightest magnitude, the rise to it, the fall since, and the newest slope."""
    if not len(time):
        return [np.nan] * len(_OF_BAND)
    top = light.min()
    slope = np.nan
    if np.ptp(time) > LEAST_SPAN_DAYS:
        before = int(np.flatnonzero(time <= time[-1] - LEAST_SPAN_DAYS)[-1])
        slope = (light[-1] - light[before]) / (time[-1] - time[before])
    return [top, light[0] - top, light[-1] - top, slope]


def _newest(time: FloatArray, light: FloatArray, mine: FloatArray) -> float:
    """Return the newest magnitude in a band; NaN: it was not seen in the last days."""
    rows = np.flatnonzero(mine & (time > time.max() - NEWEST_DAYS))
    return float(light[rows[-1]]) if len(rows) else np.nan
