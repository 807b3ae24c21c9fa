"""How the number of unrelated sources grows with their magnitude, as far as a survey reaches."""

from typing import Final

import numpy as np

from tom.sky.arrays import FloatArray

# The share of sources that do not follow the power, from `BRIGHTEST` to the depth alike.
EVEN_SHARE: Final = 0.02
BRIGHTEST: Final = 10.0
# Of few sources: the power of ten that their number grows with, and how deep the surveys are.
USUAL_SLOPE: Final = 0.4
USUAL_DEPTH: Final = 20.5


def count_density(magnitude: FloatArray, *, slope: float, depth: float, width: float) -> FloatArray:
    """Find the density of sources, 1/mag, where surveys lose none, shape `(n,)`.

    Parameters
    ----------
    magnitude
        AB, shape `(n,)`.
    slope
        The power of ten that their number grows with, 1/mag.
    depth, width
        Where surveys lose half of the sources, and how gradually, magnitudes. Of all sources times
        the share found, the density's integral is 1.
    """
    rate = slope * np.log(10)
    log_power = np.log(rate) + rate * (magnitude - depth) - (rate * width) ** 2 / 2
    even = np.where(magnitude > BRIGHTEST, 1 / (depth - BRIGHTEST), 0.0)
    return np.asarray((1 - EVEN_SHARE) * np.exp(log_power) + EVEN_SHARE * even)
