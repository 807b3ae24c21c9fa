"""The chance that a kilonova would have been detected by what was looked at since the merger.

The looks are those that the list's own points tell of: a detection or a limit at a member's place
is a look at all of its cell of the sky. A kilonova is detected if one look is deep enough.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from tom.ranking.beside import exposures
from tom.ranking.visits import Visits
from tom.ranking.weighing import FloatArray, IntArray
from tom.sky.kilonovae import MODEL_ERROR, curves


class Ground(NamedTuple):
    """The places of n members: their cell of the sky, shape (n,), and what the map says there.

    `modulus` is the distance modulus and `error` its error, with that of the family as a whole;
    NaN: not known. `loss` has the magnitudes that the dust takes in each band, shape (n, bands).
    `weight` is the map's probability density.
    """

    cell: IntArray
    modulus: FloatArray
    error: FloatArray
    loss: FloatArray
    weight: FloatArray


def chance_found(visits: Visits, ground: Ground) -> float | None:
    """Find the chance over all cells, by the map's probability: 0 to 1.

    `visits` are looks at these members. None: no cell has a distance, or no look a limit.
    """
    cells, at = np.unique(ground.cell, return_inverse=True)
    looks = np.flatnonzero(np.isfinite(visits.limit))
    known = np.isfinite(ground.modulus)
    if not len(looks) or not known.any():
        return None
    found = np.zeros(len(cells))
    modulus, error = (_mean(at[known], of[known], len(cells)) for of in ground[1:3])
    loss = np.stack([_mean(at, of, len(cells)) for of in ground.loss.T], axis=1)
    cell, reach = _reach(at[visits.row], visits, looks, loss)
    spread = np.hypot(error[cell], MODEL_ERROR)[:, None]
    found[cell] = np.nan_to_num(ndtr((reach - modulus[cell][:, None]) / spread).mean(1))
    weight = np.nan_to_num(_mean(at, ground.weight, len(cells))) + 1e-12
    has_distance = np.isfinite(modulus)
    return float(np.average(found[has_distance], weights=weight[has_distance]))


def _reach(
    at: IntArray, visits: Visits, looks: IntArray, loss: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Find the cells with looks, and the modulus to which each kilonova is seen there by one.

    Shapes (c,) and (c, family). Of the points of one exposure the deepest limit counts.
    """
    point = exposures(visits, looks, at)
    cell, band = at[point], visits.band[point]
    lost = loss[cell, band]
    each = (visits.limit[point] - lost)[:, None] - curves(band, visits.days[point])
    starts = np.flatnonzero(np.append(True, cell[1:] != cell[:-1]))
    return cell[starts], np.maximum.reduceat(each, starts, axis=0)


def _mean(group: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Return the mean of each group, shape (groups,); NaN: it has no value."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(group, values, groups) / np.bincount(group, None, groups))
