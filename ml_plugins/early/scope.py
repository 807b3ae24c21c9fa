"""Which light curves are young enough for `early`, and say enough."""

from typing import Final

import numpy as np

from ml_plugins.outbursts.features import Nights
from tom.scoring.contract import Reason

LEAST_NIGHTS: Final = 2
LEAST_DAYS: Final = 3.0
MOST_DAYS: Final = 35.0


def reason_of(nights: Nights) -> Reason:
    """Return why a light curve is not judged; `Reason.OK`: it is.

    Two nights in one band count as two, and so do two bands in one night.
    """
    if len(nights.time) < LEAST_NIGHTS or np.ptp(nights.time) < LEAST_DAYS:
        return Reason.TOO_FEW_POINTS
    return Reason.OUT_OF_SCOPE if np.ptp(nights.time) > MOST_DAYS else Reason.OK
