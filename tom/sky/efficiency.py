r"""The chance that pointings would have caught a source somewhere in a 3D sky map.

At the time of pointing j the source has the absolute magnitude M_j. At the distance d (Mpc), behind
the extinction A_j, it has the apparent magnitude M_j + 5 log10(d) + 25 + A_j, and is caught where
that is not fainter than the depth m_j. With the pointing's *margin* x_j = m_j - A_j - M_j, this is
5 log10(d) + 25 <= x_j. So all pointings of one place together catch what is nearer than the
distance of the largest margin, and at least two of them what is nearer than that of the second
largest. The chance is the map's probability that lies nearer, place by place: closed, and nothing
counts twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.coverage import CELL_SR, cut_rows, cuts_within, mass_within, whole_mass
from tom.sky.distance import distance_rows, radial_mass
from tom.sky.healpix import ORDER, pixel_centre
from tom.sky.skymap import SkyMap, row_at

# Rows of a map within one cell of this level (0.9 degrees wide) that the same footprints hold are
# taken together: real maps then give chances within 0.001 of those of finer cells.
CELL_LEVEL: Final = 6
_SEED: Final = 20170817


@dataclass(frozen=True, eq=False)
class Patches:
    """Parts of a map, each in one cell of the sky and held by the same footprints throughout.

    Attributes
    ----------
    ra, dec
        float64, shape `(n,)`: the middle of the cell, ICRS degrees.
    probability
        float64, shape `(n,)`: of the patch, of the map's probability that has a distance.
    mu, sigma
        float64, shape `(n,)`: of its distribution of distance, Mpc, as in a map's row.
    held
        For each footprint the patches that it holds.
    """

    ra: FloatArray
    dec: FloatArray
    probability: FloatArray
    mu: FloatArray
    sigma: FloatArray
    held: Sequence[IntArray]


@dataclass(frozen=True, eq=False)
class Series:
    """What pointings need to say of a source, shape `(n,)` each, and how bright it is then.

    Attributes
    ----------
    footprint
        int64: which of the patches' footprints.
    depth
        float64: the limiting AB magnitude, finite.
    reddening
        float64: extinction over E(B-V), of the pointing's band.
    magnitude
        float64, shape `(s, n)`: the absolute AB magnitude of each of s sources at the time and in
        the band of each pointing. Infinite: it cannot be caught then.
    """

    footprint: IntArray
    depth: FloatArray
    reddening: FloatArray
    magnitude: FloatArray


def patches_of(
    skymap: SkyMap, footprints: Sequence[IntArray], *, level: int = CELL_LEVEL
) -> Patches:
    """Cut a map into patches.

    Parameters
    ----------
    footprints
        Ranges of nested order-29 ids of each, shape `(k, 2)`, sorted and apart.
    level
        Rows finer than this are taken together: the mean and the variance of `mu` are kept.

    Returns
    -------
    Patches
        None of them, if the map has no distance or there is no footprint.
    """
    cells = np.arange((12 << 2 * level) + 1, dtype=np.int64) << 2 * (ORDER - level)
    cuts = np.union1d(cut_rows(skymap, footprints), cells if footprints else cells[:0])
    insides = [cuts_within(cuts, ranges) for ranges in footprints]
    # Pieces that the same footprints hold get the same number, by a sum of random ones.
    names = np.random.default_rng(_SEED).integers(1, 2**63, len(footprints), dtype=np.uint64)
    number = np.zeros(max(len(cuts) - 1, 0), dtype=np.uint64)
    for inside, name in zip(insides, names, strict=True):
        number[inside] += name
    row, mass = _masses(skymap, cuts)
    kept = np.flatnonzero((number > 0) & (mass > 0))
    cell = cuts[kept] >> 2 * (ORDER - level)
    patch = np.full(len(number), -1, dtype=np.int64)
    order, patch[kept] = _numbered(cell, number[kept])
    ra, dec = pixel_centre(level=level, ipix=cell[order])
    probability, mu, sigma = _together(skymap, row[kept], mass[kept], patch[kept])
    held = [np.unique(patch[inside]) for inside in insides]
    return Patches(ra, dec, probability, mu, sigma, [each[each >= 0] for each in held])


def margins(patches: Patches, series: Series, ebv: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find the largest and the second largest margin of pointings in each patch.

    Parameters
    ----------
    ebv
        E(B-V) of the Milky Way in each patch, magnitudes, shape `(n,)`.

    Returns
    -------
    tuple of numpy.ndarray
        The distance modulus to which each source is caught, once and twice, shape `(s, n)` each;
        minus infinity where no pointing, or only one, holds the patch.
    """
    shape = (len(series.magnitude), len(patches.mu))
    best, second = np.full(shape, -np.inf), np.full(shape, -np.inf)
    pointings = zip(
        series.footprint, series.depth, series.reddening, series.magnitude.T, strict=True
    )
    for footprint, depth, reddening, magnitude in pointings:
        at = patches.held[footprint]
        margin = depth - reddening * ebv[at] - magnitude[:, np.newaxis]
        former = best[:, at]
        second[:, at] = np.maximum(second[:, at], np.minimum(former, margin))
        best[:, at] = np.maximum(former, margin)
    return best, second


def chance_caught(patches: Patches, margin: FloatArray, brighter: FloatArray) -> FloatArray:
    """Sum the probability that a source lies in a patch, and near enough to be caught.

    Parameters
    ----------
    margin
        Shape `(n,)`: the distance modulus to which the source is caught in each patch.
    brighter
        By how many magnitudes the source is fainter (above 0) or brighter than that of the
        margins, shape `(m,)`.

    Returns
    -------
    numpy.ndarray
        0 to 1, shape `(m,)`: of the probability that has a distance.
    """
    seen = np.flatnonzero(margin > -np.inf)
    mu, sigma = patches.mu[seen], patches.sigma[seen]
    nowhere, everywhere = np.zeros_like(mu), _far(mu, sigma)
    whole = radial_mass(nowhere, everywhere, mu, sigma)
    weight = np.divide(patches.probability[seen], whole, out=nowhere.copy(), where=whole > 0)
    chances = np.zeros(len(brighter))
    for at, fainter in enumerate(brighter.tolist()):
        reach = np.minimum(10 ** ((margin[seen] - fainter - 25) / 5), everywhere)
        chances[at] = np.sum(weight * radial_mass(nowhere, reach, mu, sigma))
    return np.clip(chances, 0, 1)


def _far(mu: FloatArray, sigma: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(mu, 0) + 40 * sigma, dtype=np.float64)


def _masses(skymap: SkyMap, cuts: IntArray) -> tuple[IntArray, FloatArray]:
    """Return the row of each piece, and its share of the probability that has a distance."""
    row = row_at(skymap, cuts[:-1])
    area = np.diff(cuts).astype(np.float64) * CELL_SR
    probability = np.where(row >= 0, skymap.probdensity[row], 0.0) * area
    whole = whole_mass(skymap)
    if not whole > 0:
        return row, np.zeros(len(row))
    everywhere = np.full(len(row), np.inf)
    return row, mass_within(skymap, row, probability, everywhere) / whole


def _numbered(cell: IntArray, number: npt.NDArray[np.uint64]) -> tuple[IntArray, IntArray]:
    """Number the pairs of a cell and a set of footprints; return one place of each, and which."""
    order = np.lexsort((number, cell))
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (np.diff(cell[order]) != 0) | (number[order][1:] != number[order][:-1])
    which = np.empty(len(order), dtype=np.int64)
    which[order] = np.cumsum(is_new) - 1
    return order[is_new], which


def _together(
    skymap: SkyMap, row: IntArray, mass: FloatArray, patch: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the probability, mu and sigma of each patch from those of its pieces."""
    mu, sigma, _ = distance_rows(skymap, row)
    total: FloatArray = np.bincount(patch, weights=mass).astype(np.float64)
    mean = np.bincount(patch, weights=mass * mu) / total
    variance = np.bincount(patch, weights=mass * (sigma**2 + (mu - mean[patch]) ** 2)) / total
    return total, mean, np.sqrt(variance)
