"""The definition of a detection, and AB magnitudes of fluxes in nJy, for Python and SQL.

There are two levels. A forced point from `SHINING_SIGMA` on is a detection: it makes a candidate,
an epoch of earlier activity, a detection for scorers. A point from `TOLD_SIGMA` on is shown with
its magnitude, on a light curve and in TOM Toolkit's mirror; a weaker point is shown as a limit. A
survey's own positive alert is a detection with any error, because the survey judged it.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tom.records.alert import AB_ZERO_POINT_NJY

FloatArray = npt.NDArray[np.float64]

SHINING_SIGMA: Final = 5.0
TOLD_SIGMA: Final = 3.0
LIMIT_SIGMA: Final = 5.0
"""The flux of a limit, in flux errors."""


def shines(table: str) -> str:
    """Return SQL that is true for the detections in a table of points with this alias."""
    flux = f"{table}.flux > 0 AND ({table}.kind = 'alert' OR {is_strong(table)})"
    return f"({table}.kind <> 'limit' AND {flux})"


def is_strong(table: str) -> str:
    """Return SQL that is true for points of at least `SHINING_SIGMA` flux errors; null: no flux."""
    return f"{table}.flux >= {SHINING_SIGMA} * {table}.flux_error"


def is_told(table: str) -> str:
    """Return SQL that is true for points that are shown with a magnitude; never null."""
    return f"coalesce({table}.flux >= {TOLD_SIGMA} * {table}.flux_error, false)"


def magnitude_sql(flux: str) -> str:
    """Return SQL of the AB magnitude of a flux in nJy; the flux must be positive."""
    return f"{AB_ZERO_POINT_NJY} - 2.5 * log({flux})"


def magnitudes(flux: npt.ArrayLike) -> FloatArray:
    """Return the AB magnitudes of positive fluxes in nJy, in the same shape; NaN stays NaN."""
    found: FloatArray = AB_ZERO_POINT_NJY - 2.5 * np.log10(np.asarray(flux, float))
    return found


def fluxes(magnitude: npt.ArrayLike) -> FloatArray:
    """Return the fluxes in nJy of AB magnitudes, in the same shape; NaN stays NaN."""
    found: FloatArray = 10 ** ((AB_ZERO_POINT_NJY - np.asarray(magnitude, float)) / 2.5)
    return found


class Magnitude(NamedTuple):
    """A detection's AB magnitude with its error, or else the 5-sigma limit; None: not known."""

    magnitude: float | None = None
    error: float | None = None
    limit: float | None = None


def magnitude_of(*, flux: float | None, flux_error: float | None) -> Magnitude:
    """Turn a signed flux with its error (nJy) into an AB magnitude or a 5-sigma limit.

    A flux below `TOLD_SIGMA` times its error gives a limit, as in TOM Toolkit's mirror. A missing
    flux (None or NaN) gives a limit too. Without a positive finite error all three are None.
    """
    if flux_error is None or not (0 < flux_error < math.inf):
        return Magnitude()
    if flux is None or not flux >= TOLD_SIGMA * flux_error:
        return Magnitude(limit=AB_ZERO_POINT_NJY - 2.5 * math.log10(LIMIT_SIGMA * flux_error))
    return Magnitude(
        magnitude=AB_ZERO_POINT_NJY - 2.5 * math.log10(flux),
        error=2.5 / math.log(10) * flux_error / flux,
    )
