"""Which light curves may be those of a tidal disruption, and at which moments they are seen."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ml_plugins.outbursts.wide import Wide
from tom.scoring.contract import Reason

LEAST_DAYS: Final = 5.0
LEAST_DETECTIONS: Final = 4
CUTS: Final = 2
"""At how many moments before its end each light curve is seen, too."""


def reason_of(look: Wide) -> Reason:
    """Return why a light curve is not judged; `Reason.OK`: it is."""
    time = look.time
    if len(time) < LEAST_DETECTIONS or np.ptp(time) < LEAST_DAYS:
        return Reason.TOO_FEW_POINTS
    one_band = len(set(look.band[look.detected].tolist())) < 2
    return Reason.NO_COLOUR if one_band else Reason.OK


def moments(look: Wide, rng: np.random.Generator) -> Iterator[tuple[Wide, bool]]:
    """Yield a light curve, the same with its points alone, and parts of it that end earlier."""
    if reason_of(look) != Reason.OK:
        return
    cuts = [look.until(float(time)) for time in rng.choice(look.time, CUTS, replace=False)]
    yield look, True
    yield look.alone(), False
    for number, part in enumerate(cuts):
        if reason_of(part) == Reason.OK:
            yield part if number % 2 else part.alone(), False
