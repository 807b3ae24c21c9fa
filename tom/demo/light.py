"""The form of brightness here: a light gives a difference flux in nJy at times and bands."""

from collections.abc import Callable

import numpy as np

from tom.forms.registry import survey_of
from tom.sky.arrays import FloatArray, IntArray

AB_ZERO_POINT = 31.4  # AB magnitude of 1 nJy
BANDS = ("g", "r", "i")  # filter numbers 1, 2, 3

Light = Callable[[FloatArray, IntArray], FloatArray]
"""Signed difference flux in nJy, shape (n,), at UTC Julian dates and filter numbers (n,)."""

_COEFFICIENTS = np.array([survey_of("ZTF").bands[band].extinction for band in BANDS])


def to_flux(magnitude: FloatArray) -> FloatArray:
    """Turn AB magnitudes into nJy; infinitely faint is 0."""
    return np.asarray(10 ** (0.4 * (AB_ZERO_POINT - np.asarray(magnitude))))


def to_magnitude(flux: FloatArray) -> FloatArray:
    """Turn the absolute values of fluxes in nJy into AB magnitudes."""
    return np.asarray(AB_ZERO_POINT - 2.5 * np.log10(np.abs(flux)))


def absorption(ebv: float) -> FloatArray:
    """Return the magnitudes lost in g, r and i behind dust of a given E(B-V), shape (3,)."""
    return np.asarray(ebv * _COEFFICIENTS)


def behind_dust(light: Light, ebv: float) -> Light:
    """Dim a light by dust of a given E(B-V) in magnitudes."""
    share = 10 ** (-0.4 * absorption(ebv))

    def dimmed(jd: FloatArray, fid: IntArray) -> FloatArray:
        return np.asarray(light(jd, fid) * share[fid - 1])

    return dimmed


def added(first: Light, second: Light) -> Light:
    """Return the sum of two lights."""

    def both(jd: FloatArray, fid: IntArray) -> FloatArray:
        return np.asarray(first(jd, fid) + second(jd, fid))

    return both
