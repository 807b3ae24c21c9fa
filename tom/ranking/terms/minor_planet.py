"""The nearest known minor planet: if it is at the same place, it is the more likely cause."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, over, unknown, weighed

NAME = "minor planet"
INPUTS = frozenset({"alert.solar_system"})
RADIUS_ARCSEC = 30.0
# Error of a minor planet's predicted position, in each coordinate.
EPHEMERIS_SIGMA_ARCSEC = 1.5
# Chance of a known minor planet within 30 arcsec of a counterpart; it is higher in the ecliptic.
PLANET_BY_CHANCE = Share(0.01, 0.002, 0.05)
# Share of unrelated alerts that are minor planets.
SOURCE_IS_PLANET = Share(0.2, 0.1, 0.4)
# The same by their kind (`tom.ranking.curves`): not all minor planets are known.
OF_KIND: Final[Mapping[str, float]] = {
    **dict.fromkeys(("artefact", "flare", "outburst", "variable", "slow"), 0.0),
    "asteroid": 0.6,
}


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the argument of `weigh`, shape (n,): infinity if an alert names no minor planet."""
    none_near = columns.was_looked_up & np.isnan(columns.planet_separation_arcsec)
    return {"separation_arcsec": np.where(none_near, np.inf, columns.planet_separation_arcsec)}


def weigh(*, separation_arcsec: FloatArray, source: Share = SOURCE_IS_PLANET) -> Weighed:
    """Return the log likelihood ratios of the distance to the nearest known minor planet.

    Parameters
    ----------
    separation_arcsec
        Arcsec to its predicted position, shape (n,); infinity: none is near; NaN: the survey did
        not look for one, a missing term.
    source
        The share of unrelated sources that are known minor planets.
    """
    n, by_chance = len(separation_arcsec), PLANET_BY_CHANCE.value
    not_searched = unknown(
        np.isnan(separation_arcsec),
        "no search for minor planets",
        worst=float(np.log(_ratio(np.zeros(1), by_chance, source.value))[0]),
        best=float(np.log(1 / (1 - source.value))),
    )
    none_near = Side(
        separation_arcsec > RADIUS_ARCSEC,
        over(PLANET_BY_CHANCE, source, lambda c, s: 1 / (1 - s), n),
        lambda row: "no known minor planet near",
    )
    near = Side(
        separation_arcsec <= RADIUS_ARCSEC,
        over(PLANET_BY_CHANCE, source, lambda c, s: _ratio(separation_arcsec, c, s), n),
        lambda row: f"a known minor planet was due {separation_arcsec[row]:.1f} arcsec away",
    )
    return weighed(NAME, INPUTS, separation_arcsec, [not_searched, none_near, near])


def _ratio(separation: FloatArray, by_chance: float, is_planet: float) -> FloatArray:
    """Return the ratio P(separation | counterpart) / P(separation | unrelated), shape (n,).

    A counterpart has only chance neighbours. An unrelated alert may be the planet itself.
    """
    variance = EPHEMERIS_SIGMA_ARCSEC**2
    itself = np.exp(-(separation**2) / (2 * variance)) / (2 * np.pi * variance)
    uniform = by_chance / (np.pi * RADIUS_ARCSEC**2)
    ratio: FloatArray = uniform / (is_planet * itself + (1 - is_planet) * uniform)
    return ratio
