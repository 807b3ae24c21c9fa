"""The light curve of AT2017gfo, the one kilonova that was seen well, and how bright it was itself.

Observed AB magnitudes, not dereddened, at the nights with several telescopes, as compiled by Villar
et al. 2017 (ApJL 851, L21, https://doi.org/10.3847/2041-8213/aa9c84) from the papers they cite;
distance of NGC 4993 from Cantiello et al. 2018 (https://doi.org/10.3847/2041-8213/aaad64).
"""

from typing import Final

import numpy as np

from tom.sky.arrays import FloatArray
from tom.sky.extinction import extinction_coefficient

NAME: Final = "AT2017gfo"
DISTANCE_MPC: Final = 40.7
# On the scale of Schlegel et al. 1998: the 0.105 with which Villar et al. deredden, which is on
# the scale of Schlafly & Finkbeiner 2011, over the 0.86 between the two.
EBV: Final = 0.1221
# Days after the merger, and the magnitude then.
CURVES: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "g": ((0.47, 17.41), (0.89, 17.46), (1.44, 18.49), (2.44, 20.19), (3.45, 21.13), (4.45, 21.58)),
    "r": (
        *((0.47, 17.56), (0.89, 17.32), (1.44, 17.99), (2.44, 19.13), (3.45, 19.81), (4.45, 20.53)),
        *((5.45, 20.79), (7.47, 21.23), (8.47, 21.95), (9.47, 22.20), (10.47, 22.45)),
    ),
    "i": (
        *((0.47, 17.48), (0.89, 17.42), (1.44, 17.85), (2.44, 18.58), (3.45, 19.03), (4.45, 19.51)),
        *((5.45, 19.55), (7.47, 20.54), (8.47, 20.72), (9.47, 21.37), (10.47, 22.38)),
    ),
    "z": (
        *((0.47, 17.59), (1.44, 17.72), (2.44, 18.33), (3.45, 18.74), (4.45, 19.07), (5.45, 19.17)),
        *((7.47, 19.89), (8.47, 20.40), (9.47, 21.19), (10.47, 22.06)),
    ),
}
FIRST_SEEN_DAYS: Final = 0.47


def absolute_magnitude(band: str, days: FloatArray) -> FloatArray:
    """Find how bright AT2017gfo was itself: AB, dereddened, at 10 pc.

    Parameters
    ----------
    band
        One of `CURVES`.
    days
        Days after the merger, any shape.

    Returns
    -------
    numpy.ndarray
        Linear between the nights. Before the first night it is as bright as then (nobody looked
        earlier); after the last one it is infinite: nothing says that it shone.
    """
    at, observed = np.array(CURVES[band]).T
    dimming = 5 * np.log10(DISTANCE_MPC) + 25 + extinction_coefficient(band) * EBV
    return np.asarray(np.interp(days, at, observed, right=np.inf) - dimming, dtype=np.float64)
