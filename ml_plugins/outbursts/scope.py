"""Types of supernovae, and which light curves are one outburst that says something."""

from typing import Final

import numpy as np

from ml_plugins.outbursts.features import AFTER_DAYS, BEFORE_DAYS, Nights, nights_of
from tom.scoring.contract import Batch, IntArray, Reason

CLASSES: Final = (
    *("supernova Ia", "supernova II", "supernova Ib/c", "supernova IIn"),
    "superluminous supernova",
)
LEAST_NIGHTS: Final = 5
LEAST_DAYS: Final = 5.0
MOST_OUTSIDE: Final = 0.25
"""The share of nights far from the brightest one from which it is no single outburst."""


def reason_of(nights: Nights) -> Reason:
    """Return why a light curve is not judged; `Reason.OK`: it is."""
    if len(nights.time) < LEAST_NIGHTS or np.ptp(nights.time) < LEAST_DAYS:
        return Reason.TOO_FEW_POINTS
    if len(set(nights.band.tolist())) < 2:
        return Reason.NO_COLOUR
    since = nights.time - nights.time[int(np.argmax(nights.flux))]
    near = (since > -BEFORE_DAYS) & (since < AFTER_DAYS)
    if np.mean(~near) > MOST_OUTSIDE:
        return Reason.OUT_OF_SCOPE
    inside = nights.time[near]
    too_few = len(inside) < LEAST_NIGHTS or np.ptp(inside) < LEAST_DAYS
    one_band = len(set(nights.band[near].tolist())) < 2
    return Reason.TOO_FEW_POINTS if too_few else Reason.NO_COLOUR if one_band else Reason.OK


def reasons_of(batch: Batch) -> IntArray:
    """Return why each light curve is not judged, shape (n,); `Reason.OK`: it is."""
    reasons = [reason_of(nights_of(batch, row)) for row in range(len(batch))]
    return np.array(reasons, np.int64)
