"""Regions of the sky as MOC: the HEALPix cells of several orders that they consist of.

The form is that of the IVOA's MOC 2.0 in JSON (https://www.ivoa.net/documents/MOC/20220727/): each
order, as a text, to its nested cells. The cells do not overlap.
"""

import numpy as np

from tom.sky.arrays import IntArray
from tom.sky.healpix import ORDER, merge_ranges
from tom.sky.levels import credible_levels
from tom.sky.skymap import SkyMap

Moc = dict[str, list[int]]
# Of more cells than these a page draws slowly: the outline of the region is coarser then.
MOST_CELLS = 4000


def moc_of(ranges: IntArray, *, order: int) -> Moc:
    """Cut nested order-29 ranges into the largest cells that lie within them.

    Parameters
    ----------
    ranges
        int64, shape `(k, 2)`: start and exclusive stop, sorted, not touching.
    order
        The finest order, 0 to 29. Each end of a range is moved to the nearest end of a cell of it.
    """
    half = (1 << 2 * (ORDER - order)) >> 1
    rounded = merge_ranges((ranges + half) >> 2 * (ORDER - order))
    left = rounded[rounded[:, 1] > rounded[:, 0]]
    cells: Moc = {}
    for at in range(order + 1):
        size = 1 << 2 * (order - at)
        first, last = -(-left[:, 0] // size), left[:, 1] // size
        whole = last > first
        if whole.any():
            cells[str(at)] = _counted(first[whole], last[whole]).tolist()
        before = np.column_stack([left[whole, 0], first[whole] * size])
        after = np.column_stack([last[whole] * size, left[whole, 1]])
        rest = np.concatenate([left[~whole], before, after])
        left = rest[rest[:, 1] > rest[:, 0]]
    return {name: sorted(ipix) for name, ipix in cells.items()}


def region_mocs(skymap: SkyMap, levels: tuple[float, ...]) -> dict[str, Moc]:
    """Return a map's credible regions, the level as a text such as "0.9" to its MOC.

    Each is as fine as the map, or coarser so that it has at most `MOST_CELLS` cells. Its ends are
    rounded then, so that its area is right but for chance.
    """
    known = credible_levels(skymap)
    return {f"{level:g}": _moc(skymap, np.flatnonzero(known <= level)) for level in levels}


def _moc(skymap: SkyMap, inside: IntArray) -> Moc:
    """Return the MOC of a map's rows; of none that of its densest ones."""
    rows = inside
    if not len(rows):
        rows = np.flatnonzero(skymap.probdensity == skymap.probdensity.max())
    ranges = merge_ranges(np.column_stack([skymap.start29[rows], skymap.stop29[rows]]))
    found = moc_of(ranges, order=int(skymap.level.max()))
    for order in range(int(skymap.level.max()) - 1, -1, -1):
        if sum(map(len, found.values())) <= MOST_CELLS:
            break
        found = moc_of(ranges, order=order)
    return found


def _counted(first: IntArray, last: IntArray) -> IntArray:
    """Return all whole numbers from each `first` to before its `last`."""
    size = last - first
    before = np.cumsum(size) - size
    return np.asarray(np.arange(int(size.sum())) + np.repeat(first - before, size))
