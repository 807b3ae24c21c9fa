"""A light curve with a redshift: how bright the object is in itself, and when it is judged."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_plugins.outbursts.cosmology import distance_modulus
from ml_plugins.outbursts.features import BANDS, Nights, nights_of
from ml_plugins.outbursts.features import GROUPS as SHAPE
from ml_plugins.outbursts.features import NAMES as OF_SHAPE
from ml_plugins.outbursts.features import measure as measure_shape
from ml_plugins.outbursts.scope import reason_of as reason_of_nights
from tom.photometry import magnitudes
from tom.scoring.contract import Batch, FloatArray, Reason, Redshift, RedshiftSource

CIRCULAR: Final = frozenset({RedshiftSource.TRANSIENT, RedshiftSource.UNKNOWN})
"""Sources of a redshift that may be the spectrum that gives the type."""
MOST_REDSHIFT: Final = 2.0

_OF_REDSHIFT: Final = (
    "redshift",
    *(f"absolute magnitude at the brightest, {band}" for band in BANDS),
    "absolute magnitude at the newest",
)
NAMES: Final = (*OF_SHAPE, *_OF_REDSHIFT)
GROUPS: Final = SHAPE | {"brightness in itself": tuple(range(len(OF_SHAPE), len(NAMES)))}
"""Features that are explained together: name to their columns."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Nights of one object, and its redshift; None: not known."""

    nights: Nights
    redshift: Redshift | None

    @property
    def time(self) -> FloatArray:
        """Days (MJD), shape (k,)."""
        return self.nights.time

    def until(self, time: float) -> "Placed":
        """Return the same with the nights up to a time."""
        return Placed(self.nights.until(time), self.redshift)


def look_of(batch: Batch, row: int) -> Placed:
    """Return the nights in g and r of one object, and its redshift."""
    given = batch.given.get("redshift")
    return Placed(nights_of(batch, row), given[row] if given else None)


def reason_of(look: Placed) -> Reason:
    """Return why an object is not judged; `Reason.OK`: it is."""
    if look.redshift is None:
        return Reason.MISSING_INPUT
    if look.redshift.source in CIRCULAR:
        return Reason.CIRCULAR
    if look.redshift.source != RedshiftSource.HOST or look.redshift.value > MOST_REDSHIFT:
        return Reason.OUT_OF_SCOPE
    return reason_of_nights(look.nights)


def measure(look: Placed) -> FloatArray:
    """Return the features of an object that is judged, shape (len(NAMES),)."""
    nights, redshift = look.nights, look.redshift.value if look.redshift else np.nan
    # The K correction of a source of flat flux density.
    off = distance_modulus(redshift) - 2.5 * np.log10(1 + redshift)
    mag = np.asarray(magnitudes(nights.flux), float) - off
    bright = [mag[nights.band == band].min() for band in range(len(BANDS))]
    newest = mag[int(np.argmax(nights.time))]
    return np.concatenate([measure_shape(nights), [redshift, *bright, newest]])
