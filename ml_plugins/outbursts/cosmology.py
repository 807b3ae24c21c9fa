"""How much fainter a redshift makes an object: the distance modulus of Planck 2018."""

from typing import Final

import numpy as np

from tom.scoring.contract import FloatArray

H0_KM_S_MPC: Final = 67.66
MATTER: Final = 0.30966
"""Flat, without radiation: Planck Collaboration 2020, https://doi.org/10.1051/0004-6361/201833910"""
C_KM_S: Final = 299_792.458
STEPS: Final = 400


def distance_modulus(redshift: float) -> float:
    """Return the distance modulus of a redshift above 0, mag."""
    grid = np.linspace(0, redshift, STEPS + 1)
    expansion: FloatArray = 1 / np.sqrt(MATTER * (1 + grid) ** 3 + 1 - MATTER)
    comoving = float(np.trapezoid(expansion, grid)) * C_KM_S / H0_KM_S_MPC
    return float(5 * np.log10(comoving * (1 + redshift)) + 25)
