"""How likely a look at a source is for the magnitude of a light curve, and where it counts.

A look detects a source with a magnitude, or not, to a 5-sigma limit. A light curve is never exact:
its error is part of each look's.
"""

from typing import Final

import numpy as np
from scipy.special import ndtr

from tom.sky.arrays import FloatArray

# How gradually a survey loses sources about its 5-sigma limit: the error of a magnitude there.
LIMIT_SOFTNESS: Final = 2.5 / np.log(10) / 5
# The smallest error of a survey's photometry.
LEAST_ERROR: Final = 0.03
# A source that follows no template is anywhere in so many magnitudes about the first one.
RANGE: Final = 4.0


def log_of_detection(off: FloatArray, spread: FloatArray, *, dark: float, odd: float) -> FloatArray:
    """Return the natural log density of detections, 1/mag.

    Parameters
    ----------
    off, spread
        Seen less predicted, and its standard deviation, magnitudes, shapes that broadcast.
    dark
        The chance to see nothing though it is bright enough, 0 to 1.
    odd
        The chance of a magnitude that follows no template, 0 to 1.
    """
    shape = np.exp(-0.5 * (off / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    return np.asarray(np.log((1 - dark) * (1 - odd) * shape + odd / RANGE))


def chance_dark(
    predicted: FloatArray, limit: FloatArray, variance: FloatArray, *, dark: float
) -> FloatArray:
    """Return the chance that a look detects nothing, 0 to 1.

    Parameters
    ----------
    predicted, limit
        The light curve's magnitude and the look's 5-sigma limit, shapes that broadcast.
    variance
        Of the light curve, magnitudes squared.
    dark
        As in `log_of_detection`.
    """
    fainter = ndtr((predicted - limit) / np.sqrt(variance + LIMIT_SOFTNESS**2))
    return np.asarray(dark + (1 - dark) * fainter)
