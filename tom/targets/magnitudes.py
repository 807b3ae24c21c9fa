"""AB magnitudes of fluxes in nJy, one by one."""

import math
from typing import NamedTuple

from tom.records.alert import AB_ZERO_POINT_NJY

# What a point must exceed to be told as a detection, and what its limit is otherwise.
DETECTION_SIGMA = 3
LIMIT_SIGMA = 5


class Magnitude(NamedTuple):
    """A detection's magnitude with its error, or else the limit; what is not known is None."""

    magnitude: float | None = None
    error: float | None = None
    limit: float | None = None


def magnitude_of(*, flux: float | None, flux_error: float | None) -> Magnitude:
    """Turn a signed flux with its error (nJy) into an AB magnitude or a 5-sigma limit.

    A flux below three times its error is a limit, as TOM Toolkit's mirror has it. Without a
    positive error nothing can be said.
    """
    if flux_error is None or not (0 < flux_error < math.inf):
        return Magnitude()
    if flux is None or not flux >= DETECTION_SIGMA * flux_error:
        return Magnitude(limit=AB_ZERO_POINT_NJY - 2.5 * math.log10(LIMIT_SIGMA * flux_error))
    return Magnitude(
        magnitude=AB_ZERO_POINT_NJY - 2.5 * math.log10(flux),
        error=2.5 / math.log(10) * flux_error / flux,
    )
