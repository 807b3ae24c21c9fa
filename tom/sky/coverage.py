"""How much of a sky map a set of pointings covers: their union, in 2D and in 3D.

Ranges of nested order-29 ids stand for the places. A row of a map has one density, so the
probability of a part of it is the part's share of its ids: exact, whatever the part's shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.distance import distance_rows, radial_mass
from tom.sky.healpix import ORDER, merge_ranges
from tom.sky.skymap import SkyMap, row_at

CELL_SR = np.pi / 3 / 4**ORDER


@dataclass(frozen=True, eq=False)
class Pieces:
    """Parts of the rows of a map, which do not overlap, and how deep each was seen.

    Attributes
    ----------
    row
        int64, shape `(k,)`: the row of the map.
    probability
        float64, shape `(k,)`: of the part, from the 2D map.
    area_sr
        float64, shape `(k,)`: its solid angle.
    depth
        float64, shape `(k,)`: the largest depth of the ranges that hold it.
    """

    row: IntArray
    probability: FloatArray
    area_sr: FloatArray
    depth: FloatArray


def covered_probability(skymap: SkyMap, ranges: IntArray) -> float:
    """Sum the probability of a map within ranges, shape `(k, 2)`; each place counts once."""
    return float(pieces_of(skymap, [merge_ranges(ranges)]).probability.sum())


def covered_area(ranges: IntArray) -> float:
    """Measure the area of ranges in deg2; each place counts once."""
    merged = merge_ranges(ranges)
    cells = np.sum((merged[:, 1] - merged[:, 0]).astype(np.float64))
    return float(cells * CELL_SR * np.degrees(1) ** 2)


def pieces_of(
    skymap: SkyMap, footprints: Sequence[IntArray], depths: npt.ArrayLike | None = None
) -> Pieces:
    """Cut the rows of a map where footprints begin and end; keep the pieces that one covers.

    Parameters
    ----------
    footprints
        Ranges of each, shape `(k, 2)`, sorted and apart, as `footprint_ranges` returns them.
    depths
        How deep each saw, one number each, such as a magnitude; a place that several see has the
        largest. NaN: not known, which any known depth replaces. None: no depth is known.
    """
    given = np.full(len(footprints), np.nan) if depths is None else np.asarray(depths, float)
    if given.shape != (len(footprints),):
        message = "each footprint needs one depth"
        raise ValueError(message)
    cuts = cut_rows(skymap, footprints)
    deepest = np.full(max(len(cuts) - 1, 0), -np.inf)
    seen = np.zeros(len(deepest), dtype=np.bool_)
    for ranges, depth in zip(footprints, given, strict=True):
        inside = cuts_within(cuts, ranges)
        seen[inside] = True
        if not np.isnan(depth):
            deepest[inside] = np.maximum(deepest[inside], depth)
    row = row_at(skymap, cuts[:-1])
    kept = np.flatnonzero(seen & (row >= 0))
    area = np.diff(cuts)[kept].astype(np.float64) * CELL_SR
    depth = np.where(np.isinf(deepest[kept]), np.nan, deepest[kept])
    return Pieces(row[kept], skymap.probdensity[row[kept]] * area, area, depth)


def covered_volume(skymap: SkyMap, pieces: Pieces, reach_mpc: npt.ArrayLike) -> float:
    """Sum the probability that the source lies in a piece and not beyond its reach.

    Parameters
    ----------
    reach_mpc
        How far the source could be seen in each piece, Mpc, shape `(k,)` or scalar; 0 or more, or
        infinite. NaN counts as 0.

    Returns
    -------
    float
        0 to 1: of the probability that has a distance (`distance_probability_fraction`); NaN: no
        row with a distance has a probability.
    """
    whole = whole_mass(skymap)
    if not whole > 0:
        return float("nan")
    reach = np.broadcast_to(np.asarray(reach_mpc, dtype=np.float64), pieces.row.shape)
    return float(mass_within(skymap, pieces.row, pieces.probability, reach).sum() / whole)


def whole_mass(skymap: SkyMap) -> float:
    """Sum the probability of the rows that have a distance, over all distances."""
    everywhere = np.full(skymap.n, np.inf)
    rows = np.arange(skymap.n)
    return float(mass_within(skymap, rows, skymap.probability, everywhere).sum())


def mass_within(
    skymap: SkyMap, row: IntArray, probability: FloatArray, reach: FloatArray
) -> FloatArray:
    """Return the probability of parts of rows that lies nearer than a distance (Mpc) in each.

    All arrays have the shape `(k,)`. It is 0 where the row has no distance, or the reach is NaN.
    """
    mu, sigma, norm = distance_rows(skymap, row)
    counts = np.isfinite(mu) & (reach > 0)
    mu, sigma, norm = mu[counts], sigma[counts], norm[counts]
    far = np.minimum(reach[counts], np.maximum(mu, 0) + 40 * sigma)
    mass = np.zeros(row.shape, dtype=np.float64)
    mass[counts] = norm * radial_mass(np.zeros_like(far), far, mu, sigma) * probability[counts]
    return mass


def cut_rows(skymap: SkyMap, footprints: Sequence[IntArray]) -> IntArray:
    """Return, ascending, where footprints begin and end, and the edges of the rows they touch."""
    if not footprints:
        return np.empty(0, dtype=np.int64)
    ends = np.concatenate(footprints)
    merged = merge_ranges(ends)
    first = np.searchsorted(skymap.stop29, merged[:, 0], side="right")
    size = np.searchsorted(skymap.start29, merged[:, 1], side="left") - first
    before = np.cumsum(size) - size
    rows = np.unique(np.arange(int(size.sum())) + np.repeat(first - before, size))
    edges = np.concatenate([ends.ravel(), skymap.start29[rows], skymap.stop29[rows]])
    return np.asarray(np.unique(edges), dtype=np.int64)


def cuts_within(cuts: IntArray, ranges: IntArray) -> IntArray:
    """Return which intervals between neighbouring cuts lie in ranges whose ends are cuts."""
    begin, end = np.searchsorted(cuts, ranges.T)
    size = end - begin
    before = np.cumsum(size) - size
    return np.asarray(np.arange(int(size.sum())) + np.repeat(begin - before, size), dtype=np.int64)
