"""What pages need of a map, small: the outlines of nested regions, and coarse cells.

It is made once, when the map is stored, so that no page reads a map of millions of rows.
"""

import struct
from dataclasses import dataclass

import numpy as np

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.healpix import pixel_centre, radec_of_vectors, unit_vectors
from tom.sky.regions import contours
from tom.sky.skymap import MalformedSkyMapError, SkyMap

# Cells of 0.2 deg2, or coarser ones where more of them are needed.
FINEST_LEVEL = 7
MOST_CELLS = 2000
# So much of the probability lies in the cells that are kept.
KEPT = 0.999
HEAD = struct.Struct("<BI")
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# An outline may be off by this share of the region's radius: half a pixel of a page's map.
TOLERANCE = 0.0025
WIDEST_DEG = 60.0
# Of a level whose region is in more pieces, the largest are drawn.
MOST_RINGS = 40
Rings = list[list[tuple[float, float]]]


@dataclass(frozen=True, eq=False)
class Cells:
    """The nested pixels of one level that hold nearly all of a map's probability.

    Attributes
    ----------
    level
        Their HEALPix level, 0 to `FINEST_LEVEL`.
    ipix
        int64, shape `(k,)`, ascending.
    probability
        float64, shape `(k,)`; their sum is one.
    """

    level: int
    ipix: IntArray
    probability: FloatArray

    @property
    def vectors(self) -> FloatArray:
        """Unit vectors to their centres, shape `(k, 3)`."""
        return unit_vectors(*pixel_centre(level=self.level, ipix=self.ipix))


def coarse_cells(skymap: SkyMap) -> Cells:
    """Sum a map's probability in cells, as fine as `MOST_CELLS` of them allow."""
    every, level = _summed(skymap), FINEST_LEVEL
    while True:
        order = np.argsort(-every, kind="stable")
        n = int(np.searchsorted(np.cumsum(every[order]), KEPT * every.sum())) + 1
        if n <= MOST_CELLS or level == 0:
            break
        every, level = every.reshape(-1, 4).sum(axis=1), level - 1
    ipix = np.sort(order[:n]).astype(np.int64)
    return Cells(level, ipix, every[ipix] / every[ipix].sum())


def _summed(skymap: SkyMap) -> FloatArray:
    """Return the probability of each pixel of `FINEST_LEVEL`."""
    level = skymap.level.astype(np.int64)
    fine = level >= FINEST_LEVEL
    shift = 2 * (level[fine] - FINEST_LEVEL)
    n = 12 << 2 * FINEST_LEVEL
    every = np.bincount(
        skymap.ipix[fine] >> shift, weights=skymap.probability[fine], minlength=n
    ).astype(np.float64)
    size = np.int64(1) << 2 * (FINEST_LEVEL - level[~fine])
    first = skymap.ipix[~fine] * size
    before = np.cumsum(size) - size
    inside = np.arange(int(size.sum())) + np.repeat(first - before, size)
    every[inside] += np.repeat(skymap.probability[~fine] / size, size)
    return every


def pack_cells(cells: Cells) -> bytes:
    """Turn cells into bytes that `unpack_cells` turns back; probabilities lose their last digits.

    Layout, little-endian: level, number of cells, their pixels (int32), probabilities (float32).
    """
    head = HEAD.pack(cells.level, len(cells.ipix))
    return head + cells.ipix.astype("<i4").tobytes() + cells.probability.astype("<f4").tobytes()


def unpack_cells(data: bytes | memoryview) -> Cells:
    """Rebuild cells from the bytes of `pack_cells`.

    Raises
    ------
    MalformedSkyMapError
        If the bytes do not come from `pack_cells`.
    """
    data = bytes(data)
    n = HEAD.unpack_from(data)[1] if len(data) >= HEAD.size else 0
    if not n or len(data) != HEAD.size + 8 * n:
        message = "not packed cells"
        raise MalformedSkyMapError(message)
    ipix = np.frombuffer(data, "<i4", n, HEAD.size).astype(np.int64)
    probability = np.frombuffer(data, "<f4", n, HEAD.size + 4 * n).astype(np.float64)
    return Cells(data[0], ipix, probability / probability.sum())


def nested_outlines(skymap: SkyMap) -> dict[str, Rings]:
    """Draw the outlines of the regions from 10% to 90% with as few points as a page needs.

    Returns
    -------
    dict
        The level as a text, such as "0.9", to its rings of RA and dec in ICRS degrees. A ring is
        closed: its last point joins the first.
    """
    drawn = contours(skymap, LEVELS)
    outer = [unit_vectors(ra, dec) for ra, dec in drawn[max(LEVELS)]]
    tolerance = TOLERANCE * np.radians(min(_radius_deg(outer), WIDEST_DEG))
    return {
        f"{level:g}": [
            _points(_simplified(unit_vectors(ra, dec), tolerance)) for ra, dec in rings[:MOST_RINGS]
        ]
        for level, rings in drawn.items()
    }


def _radius_deg(rings: list[FloatArray]) -> float:
    """Return the largest angle between the middle of rings and a point of them."""
    if not rings:
        return 0.0
    points = np.concatenate(rings)
    middle = points.mean(axis=0)
    length = float(np.linalg.norm(middle))
    if length < 1e-6:
        return 180.0
    return float(np.degrees(np.arccos(np.clip(points @ middle / length, -1, 1).min())))


def _simplified(ring: FloatArray, tolerance: float) -> FloatArray:
    """Leave points of a closed ring out that lie within a tolerance of the line without them.

    Douglas and Peucker 1973 (https://doi.org/10.3138/FM57-6770-U75U-7727), begun at the ring's
    first point and at the one farthest from it. `ring` has the shape `(n, 3)`, and the first point
    comes again at the end. Without it the result has three points or more.
    """
    kept = np.zeros(len(ring), dtype=np.bool_)
    far = int(np.argmax(np.linalg.norm(ring - ring[0], axis=1)))
    spans = [(0, far), (far, len(ring) - 1)]
    kept[[0, far]] = True
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = _away(ring[first + 1 : last], ring[first], ring[last])
        at = first + 1 + int(np.argmax(away))
        if away[at - first - 1] > tolerance:
            kept[at] = True
            spans += [(first, at), (at, last)]
    return ring[kept] if kept.sum() > 2 else ring[:: max(len(ring) // 3, 1)][:3]


def _away(points: FloatArray, start: FloatArray, stop: FloatArray) -> FloatArray:
    """Return how far points, shape `(n, 3)`, lie from the line through two others."""
    along = stop - start
    length = float(np.linalg.norm(along))
    if length == 0:
        return np.asarray(np.linalg.norm(points - start, axis=1))
    return np.asarray(np.linalg.norm(np.cross(points - start, along), axis=1) / length)


def _points(ring: FloatArray) -> list[tuple[float, float]]:
    ra, dec = radec_of_vectors(ring)
    return list(zip(np.round(ra, 3).tolist(), np.round(dec, 3).tolist(), strict=True))
