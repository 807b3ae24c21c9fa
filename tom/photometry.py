"""What counts as a detection, and AB magnitudes of fluxes in nJy: said once, for Python and SQL.

Two levels are meant. From `SHINING_SIGMA` a forced point says that the source shone: it makes a
candidate, an epoch of earlier activity, a detection for scorers. From `TOLD_SIGMA` a point is told
with its magnitude rather than as a limit, on a light curve and in TOM Toolkit's mirror. A survey's
own positive alert shines whatever its error: the survey judged it.
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
"""How many errors a limit lies above nothing."""


def shines(table: str) -> str:
    """Return SQL that is true of the points, by the table's alias, at which the source shone."""
    flux = f"{table}.flux > 0 AND ({table}.kind = 'alert' OR {is_strong(table)})"
    return f"({table}.kind <> 'limit' AND {flux})"


def is_strong(table: str) -> str:
    """Return SQL that is true of the points that lie above nothing by `SHINING_SIGMA`."""
    return f"{table}.flux >= {SHINING_SIGMA} * {table}.flux_error"


def is_told(table: str) -> str:
    """Return SQL that is true for points that are shown with a magnitude."""
    return f"coalesce({table}.flux >= {TOLD_SIGMA} * {table}.flux_error, false)"


def magnitude_sql(flux: str) -> str:
    """Return SQL of the AB magnitude of a flux in nJy."""
    return f"{AB_ZERO_POINT_NJY} - 2.5 * log({flux})"


def magnitudes(flux: npt.ArrayLike) -> FloatArray:
    """Return the AB magnitudes of positive fluxes, nJy; NaN of NaN."""
    found: FloatArray = AB_ZERO_POINT_NJY - 2.5 * np.log10(np.asarray(flux, float))
    return found


def fluxes(magnitude: npt.ArrayLike) -> FloatArray:
    """Return the fluxes of AB magnitudes, nJy; NaN of NaN."""
    found: FloatArray = 10 ** ((AB_ZERO_POINT_NJY - np.asarray(magnitude, float)) / 2.5)
    return found


class Magnitude(NamedTuple):
    """A detection's magnitude with its error, or else the limit; what is not known is None."""

    magnitude: float | None = None
    error: float | None = None
    limit: float | None = None


def magnitude_of(*, flux: float | None, flux_error: float | None) -> Magnitude:
    """Turn a signed flux with its error (nJy) into an AB magnitude or a 5-sigma limit.

    A flux below `TOLD_SIGMA` times its error is a limit, as TOM Toolkit's mirror has it. Without a
    positive error nothing can be said.
    """
    if flux_error is None or not (0 < flux_error < math.inf):
        return Magnitude()
    if flux is None or not flux >= TOLD_SIGMA * flux_error:
        return Magnitude(limit=AB_ZERO_POINT_NJY - 2.5 * math.log10(LIMIT_SIGMA * flux_error))
    return Magnitude(
        magnitude=AB_ZERO_POINT_NJY - 2.5 * math.log10(flux),
        error=2.5 / math.log(10) * flux_error / flux,
    )
