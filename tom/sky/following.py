"""How the coverage of a sky map grows with each pointing, and which probability is left where."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.coverage import CELL_SR, cut_rows, cuts_within, mass_within, whole_mass
from tom.sky.healpix import ORDER
from tom.sky.skymap import SkyMap, row_at


@dataclass(frozen=True, eq=False)
class Growth:
    """What pointings cover of a map, one after another.

    Attributes
    ----------
    probability
        float64, shape `(n,)`: covered by the first 1 to n pointings, in 2D, each place once.
    within_reach
        float64, shape `(n,)`: the probability that the source is covered and not beyond the reach,
        of the probability that has a distance; NaN where the map has no distance.
    alone
        float64, shape `(n,)`: within each pointing by itself, in 2D.
    area_deg2
        The area of all pointings together where the map has rows.
    start29, stop29
        int64, shape `(k,)`: the parts of the sky that are covered, each within one row of the map.
    row
        int64, shape `(k,)`: that row.
    """

    probability: FloatArray
    within_reach: FloatArray
    alone: FloatArray
    area_deg2: float
    start29: IntArray
    stop29: IntArray
    row: IntArray


def follow_coverage(
    skymap: SkyMap, footprints: Sequence[IntArray], reach_mpc: FloatArray
) -> Growth:
    """Follow how much of a map pointings cover, in the order in which they come.

    Parameters
    ----------
    footprints
        Ranges of nested order-29 ids of each, shape `(k, 2)`, sorted and apart.
    reach_mpc
        How far the source could be seen in each, Mpc, shape `(n,)`; NaN: not known, which counts as
        0 in 3D. A place that several see has the largest.
    """
    cuts = cut_rows(skymap, footprints)
    row = row_at(skymap, cuts[:-1])
    area = np.diff(cuts).astype(np.float64) * CELL_SR
    probability = np.where(row >= 0, skymap.probdensity[row], 0.0) * area
    seen = np.zeros(len(row), dtype=np.bool_)
    farthest = np.zeros(len(row))
    new, alone = np.zeros(len(footprints)), np.zeros(len(footprints))
    steps: list[tuple[IntArray, FloatArray, FloatArray]] = []
    for at, (ranges, reach) in enumerate(zip(footprints, reach_mpc, strict=True)):
        inside = cuts_within(cuts, ranges)
        inside = inside[row[inside] >= 0]
        alone[at] = probability[inside].sum()
        fresh = inside[~seen[inside]]
        new[at] = probability[fresh].sum()
        seen[fresh] = True
        farther = inside[farthest[inside] < reach]  # none where the reach is NaN
        steps.append((farther, farthest[farther], np.full(len(farther), reach)))
        farthest[farther] = reach
    kept = np.flatnonzero(seen)
    return Growth(
        np.cumsum(new),
        _reached(skymap, row, probability, steps),
        alone,
        float(area[kept].sum() * np.degrees(1) ** 2),
        cuts[:-1][kept],
        cuts[1:][kept],
        row[kept],
    )


def _reached(
    skymap: SkyMap,
    row: IntArray,
    probability: FloatArray,
    steps: Sequence[tuple[IntArray, FloatArray, FloatArray]],
) -> FloatArray:
    """Sum what comes within reach in each step: parts of the map, their reach before and after."""
    whole = whole_mass(skymap)
    if not whole > 0 or not steps:
        return np.full(len(steps), np.nan)
    at = np.repeat(np.arange(len(steps)), [len(step[0]) for step in steps])
    parts, before, after = (np.concatenate(each) for each in zip(*steps, strict=True))
    mass = mass_within(skymap, row[parts], probability[parts], after)
    again = np.flatnonzero(before > 0)
    again_parts = parts[again]
    mass[again] -= mass_within(skymap, row[again_parts], probability[again_parts], before[again])
    gained = np.bincount(at, weights=mass, minlength=len(steps))
    return np.asarray(np.cumsum(gained) / whole, dtype=np.float64)


def probability_left(
    skymap: SkyMap, growth: Growth, *, level: int
) -> tuple[FloatArray, FloatArray]:
    """Return the probability of each HEALPix cell of a level, and what of it is left uncovered.

    Returns
    -------
    tuple of numpy.ndarray
        float64, shape `(12 * 4**level,)` each, nested.
    """
    whole = _by_cell(skymap.start29, skymap.stop29, skymap.probdensity, level)
    density = skymap.probdensity[growth.row]
    covered = _by_cell(growth.start29, growth.stop29, density, level)
    return whole, np.maximum(whole - covered, 0)


def _by_cell(start: IntArray, stop: IntArray, density: FloatArray, level: int) -> FloatArray:
    """Sum ranges of one density each by the cells of a level in which they lie."""
    shift = 2 * (ORDER - level)
    first = start >> shift
    size = ((stop - 1) >> shift) - first + 1
    before = np.cumsum(size) - size
    cell = np.arange(int(size.sum())) + np.repeat(first - before, size)
    begin = np.maximum(np.repeat(start, size), cell << shift)
    end = np.minimum(np.repeat(stop, size), (cell + 1) << shift)
    mass = np.repeat(density, size) * (end - begin).astype(np.float64) * CELL_SR
    sums = np.bincount(cell, weights=mass, minlength=12 << 2 * level)
    return np.asarray(sums, dtype=np.float64)
