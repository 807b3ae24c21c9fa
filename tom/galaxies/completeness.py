"""How complete a catalogue of galaxies is: its light in shells of distance, against the mean."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tom.sky.arrays import FloatArray

# The mean luminosity of the nearby universe in B, in units of 1e10 suns for each Mpc3: Kopparapu
# et al. 2008 (https://doi.org/10.1086/527348), as the authors of GLADE use it.
MEAN_LUMINOSITY = 1.98e-2
SUN_B = 5.48
# Mpc. Shells of about equal width in the logarithm, from where a shell holds many galaxies.
EDGES = np.concatenate([[0.0], np.geomspace(10, 1600, 23)])
# A brighter "galaxy" is a wrong distance.
MOST_LUMINOUS = 100.0
# Of a galaxy whose light is not known.
TYPICAL_LUMINOSITY = 1.0


def luminosity(b_magnitude: FloatArray, distance_mpc: FloatArray) -> FloatArray:
    """Return luminosities in B from Vega magnitudes and Mpc, in units of 1e10 suns.

    NaN: the magnitude or the distance is not known.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        absolute = b_magnitude - 5 * np.log10(distance_mpc) - 25
    return np.asarray(10 ** (0.4 * (SUN_B - absolute) - 10))


def assumed_luminosity(b_magnitude: FloatArray, distance_mpc: FloatArray) -> FloatArray:
    """Return luminosities as `luminosity` does: unknown ones are typical, and none is huge."""
    told = luminosity(b_magnitude, distance_mpc)
    return np.where(np.isnan(told), TYPICAL_LUMINOSITY, np.minimum(told, MOST_LUMINOUS))


def completeness_at(distance_mpc: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the completeness at distances from that of the shells; NaN without a distance."""
    shell = np.searchsorted(EDGES, distance_mpc, side="right") - 1  # the last for NaN
    found = np.append(shares, 0.0)[np.minimum(shell, len(shares))]
    return np.where(np.isnan(distance_mpc), np.nan, found)


@dataclass
class Shells:
    """The galaxies and the light of a catalogue in each shell between `EDGES`."""

    counts: FloatArray = field(default_factory=lambda: np.zeros(len(EDGES) - 1))
    light: FloatArray = field(default_factory=lambda: np.zeros(len(EDGES) - 1))

    def add(self, distance_mpc: FloatArray, b_magnitude: FloatArray) -> None:
        """Add galaxies; arrays of shape `(n,)`, NaN where a number is not known."""
        light = luminosity(b_magnitude, distance_mpc)
        light = np.where(light < MOST_LUMINOUS, light, 0.0)  # NaN is not less
        self.counts += np.histogram(distance_mpc, EDGES)[0]
        self.light += np.histogram(distance_mpc, EDGES, weights=light)[0]

    def told(self) -> dict[str, Any]:
        """Return the edges in Mpc, the number of galaxies and the completeness of each shell.

        The completeness is the light over that of the mean universe, at most 1. The catalogue
        counts as one of the whole sky.
        """
        mean = MEAN_LUMINOSITY * 4 / 3 * np.pi * np.diff(EDGES**3)
        return {
            "edges_mpc": EDGES.tolist(),
            "counts": self.counts.astype(int).tolist(),
            "shares": np.minimum(self.light / mean, 1.0).tolist(),
        }
