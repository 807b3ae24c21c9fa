"""The first detection of each member of a list since its event."""

from typing import NamedTuple

import numpy as np

from tom.ranking.visits import Visits
from tom.ranking.weighing import FloatArray, IntArray


class Firsts(NamedTuple):
    """The first detections since an event's time; every array has shape (n,).

    `band` numbers `tom.sky.kilonovae.BANDS`. `days` are after the event, `magnitude` (AB) and
    `error` as measured, an error of 0 if none was given; NaN: there is no such detection.
    """

    band: IntArray
    days: FloatArray
    magnitude: FloatArray
    error: FloatArray

    def take(self, rows: IntArray) -> "Firsts":
        """Return these."""
        return Firsts(self.band[rows], self.days[rows], self.magnitude[rows], self.error[rows])


def first_of(visits: Visits, n: int) -> Firsts:
    """Find the first detection of each of n entries."""
    detections = np.flatnonzero(visits.is_detection)
    rows, at = np.unique(visits.row[detections], return_index=True)
    chosen = detections[at]
    band, numbers = np.zeros(n, np.int64), np.full((3, n), np.nan)
    band[rows] = visits.band[chosen]
    numbers[:, rows] = visits.days[chosen], visits.magnitude[chosen], visits.error[chosen]
    days, magnitude, error = numbers
    return Firsts(band, days, magnitude, error)
