"""Credible levels of a sky map in 2D: of its rows, of positions, and the area within a level."""

from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import FloatArray
from tom.sky.skymap import SkyMap, row_at

# The levels of a map are kept as long as the map.
_levels: "WeakKeyDictionary[SkyMap, FloatArray]" = WeakKeyDictionary()


def credible_levels(skymap: SkyMap) -> FloatArray:
    """Find the credible level of each row: the probability of all rows that are at least as dense.

    The row itself is included, as in ligo.skymap. Rows of equal density share one level: the mean
    of their levels over all possible orders.

    Returns
    -------
    numpy.ndarray
        float64, shape `(n,)`, read-only, in (0, 1].
    """
    found = _levels.get(skymap)
    if found is None:
        found = _levels[skymap] = np.minimum(_up_to(skymap, skymap.probability), 1.0)
        found.flags.writeable = False
    return found


def _up_to(skymap: SkyMap, amount: FloatArray) -> FloatArray:
    """Sum what rows have, `(n,)`, over all that are at least as dense; of ties the mean order."""
    order = np.argsort(-skymap.probdensity, kind="stable")
    density = skymap.probdensity[order]
    cumulated = np.cumsum(amount[order])
    first = np.flatnonzero(np.concatenate([[True], density[1:] != density[:-1]]))
    size = np.diff(np.append(first, len(density)))
    after = cumulated[first + size - 1]
    before = np.concatenate([[0.0], after[:-1]])
    shared = before + (after - before) * (1 + 1 / size) / 2
    sums = np.empty(skymap.n)
    sums[order] = np.repeat(shared, size)
    return sums


def levels_2d(skymap: SkyMap, hpx29: npt.ArrayLike) -> FloatArray:
    """Find the 2D credible level (0 to 1) at nested order-29 ids, `(m,)`; NaN outside the map."""
    return _at(skymap, credible_levels(skymap), hpx29)


def probdensity_at(skymap: SkyMap, hpx29: npt.ArrayLike) -> FloatArray:
    """Find the density in 1/sr at nested order-29 ids, shape `(m,)`; NaN outside the map."""
    return _at(skymap, skymap.probdensity, hpx29)


def searched_area(skymap: SkyMap, hpx29: npt.ArrayLike) -> FloatArray:
    """Measure the area in deg2 that is searched up to nested order-29 ids, `(m,)`; NaN outside.

    It is that of all rows that are at least as dense, as the credible level is their probability.
    """
    return _at(skymap, _up_to(skymap, skymap.area_sr) * np.degrees(1) ** 2, hpx29)


def credible_area(skymap: SkyMap, level: float) -> float:
    """Measure the smallest area in deg2 with the probability `level`; linear within a row."""
    order = np.argsort(-skymap.probdensity, kind="stable")
    probability = np.cumsum(skymap.probability[order])
    area = np.cumsum(skymap.area_sr[order]) * np.degrees(1) ** 2
    inside = np.interp(level, np.append(0, probability), np.append(0, area))
    return float(inside)


def _at(skymap: SkyMap, of_rows: FloatArray, hpx29: npt.ArrayLike) -> FloatArray:
    row = row_at(skymap, hpx29)
    return np.where(row >= 0, of_rows[row], np.nan)
