"""Credible regions: as ranges of ids for the database, as outlines for a page."""

from dataclasses import dataclass
from typing import cast

import contourpy
import numpy as np
from scipy.ndimage import gaussian_filter

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.healpix import (
    NSIDE,
    PIXEL_SIZE_ORDER_0_DEG,
    merge_ranges,
    pixel_centre,
    radec_of_vectors,
    unit_vectors,
)
from tom.sky.levels import credible_levels, levels_2d
from tom.sky.quick_healpy import healpy
from tom.sky.skymap import SkyMap

Outlines = dict[float, list[tuple[FloatArray, FloatArray]]]

# Cells along the longer side of the grid: fine enough for a page, and 0.4 deg for the whole sky.
GRID_CELLS = 600
MARGIN_CELLS = 8
MOST_POINTS = 240
# Smaller islands are artefacts of the grid.
LEAST_ISLAND_CELLS = 6.0
# If a region has more pieces, only the largest are drawn.
MOST_RINGS = 500
COMPACT_RADIUS_DEG = 60.0


@dataclass(frozen=True, eq=False)
class _Plane:
    """A plane of Lambert's equal-area projection: its axes on the sky as rows, and its grid."""

    axes: FloatArray
    x: FloatArray
    y: FloatArray


def credible_rows(skymap: SkyMap, level: float) -> IntArray:
    """Find the rows whose credible level is at most `level`, and always the densest rows."""
    inside = np.flatnonzero(credible_levels(skymap) <= level)
    return inside if len(inside) else np.flatnonzero(skymap.probdensity == skymap.probdensity.max())


def credible_ranges(skymap: SkyMap, level: float) -> IntArray:
    """Return the nested order-29 ranges of a credible region: `levels_2d` is at most `level` there.

    Returns
    -------
    numpy.ndarray
        int64, shape `(k, 2)`: start and exclusive stop, sorted; the ranges do not touch. Never
        empty: if even the densest rows exceed the level, these rows are returned.
    """
    rows = credible_rows(skymap, level)
    return merge_ranges(np.column_stack([skymap.start29[rows], skymap.stop29[rows]]))


def contours(skymap: SkyMap, levels: tuple[float, ...] = (0.5, 0.9)) -> Outlines:
    """Draw the outlines of credible regions, smoothed and thinned for a page.

    The level is sampled on an equal-area plane around the largest region, so the seam at RA 0 and
    the poles do not matter. A cell is half a pixel of the map, or larger.

    Returns
    -------
    dict
        The closed rings of each level, the largest first: arrays of RA (0 to 360) and dec in ICRS
        degrees; the last point repeats the first. Seen from outside the sphere, a ring runs
        clockwise around the region and anticlockwise around a hole in it, as d3-geo expects. It may
        cross RA 0. If the region is empty or the whole sky, there is no ring.
    """
    plane = _plane(skymap, credible_rows(skymap, max(levels)))
    sampled = levels_2d(skymap, healpy.vec2pix(NSIDE, *_directions(plane).T, nest=True))
    field = np.where(np.isnan(sampled), 1.0, sampled).reshape(len(plane.y), len(plane.x))
    generator = contourpy.contour_generator(
        plane.x, plane.y, gaussian_filter(field, 1.0), line_type=contourpy.LineType.Separate
    )
    # With separate lines, contourpy gives a plain list of point arrays.
    return {at: _rings(plane, cast(list[FloatArray], generator.lines(at))) for at in levels}


def _plane(skymap: SkyMap, rows: IntArray) -> _Plane:
    """Make a plane with its middle on the rows and its rim (the antipode) away from them."""
    vectors = unit_vectors(*pixel_centre(level=skymap.level[rows], ipix=skymap.ipix[rows]))
    axes = _axes(_middle(vectors, skymap.area_sr[rows]))
    projected = _project(axes, vectors)
    sizes = np.radians(PIXEL_SIZE_ORDER_0_DEG) * 0.5 ** skymap.level[rows].astype(float)
    low = np.maximum(projected.min(axis=0) - sizes.max(), -2)
    high = np.minimum(projected.max(axis=0) + sizes.max(), 2)
    step = max(float((high - low).max()) / GRID_CELLS, float(sizes.min()) / 2)
    x, y = (
        np.arange(at - MARGIN_CELLS * step, to + (MARGIN_CELLS + 1) * step, step)
        for at, to in zip(low, high, strict=True)
    )
    return _Plane(axes, x, y)


def _middle(vectors: FloatArray, weights: FloatArray) -> FloatArray:
    """Choose the plane's middle: a compact region's middle, else opposite the emptiest place."""
    mean = weights @ vectors
    length = float(np.linalg.norm(mean))
    if length > 0 and (vectors @ mean).min() > length * np.cos(np.radians(COMPACT_RADIUS_DEG)):
        return np.asarray(mean / length, dtype=np.float64)
    candidates = np.stack(healpy.pix2vec(4, np.arange(192), nest=True), axis=-1)
    # One place after the other: a flat map's millions of rows times 192 would take gigabytes.
    nearest = np.array([(vectors @ candidate).max() for candidate in candidates])
    return np.asarray(-candidates[np.argmin(nearest)], dtype=np.float64)


def _axes(middle: FloatArray) -> FloatArray:
    """Complete a direction to a right-handed frame, shape `(3, 3)`, the direction last."""
    helper = np.eye(3)[np.argmin(np.abs(middle))]
    first = np.cross(helper, middle)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(middle, first), middle])


def _project(axes: FloatArray, vectors: FloatArray) -> FloatArray:
    """Project unit vectors `(n, 3)` to the plane, `(n, 2)`: equal areas, the antipode at 2."""
    x, y, z = (vectors @ axes.T).T
    stretch = np.sqrt(2 / np.maximum(1 + z, 1e-12))
    return np.column_stack([x * stretch, y * stretch])


def _directions(plane: _Plane) -> FloatArray:
    x, y = np.meshgrid(plane.x, plane.y)
    return _deproject(plane.axes, x.ravel(), y.ravel())


def _deproject(axes: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Turn points of the plane into unit vectors `(n, 3)`; beyond its rim all are the antipode."""
    square = np.minimum(x**2 + y**2, 4.0)
    shrink = np.sqrt(1 - square / 4)
    return np.column_stack([x * shrink, y * shrink, 1 - square / 2]) @ axes


def _rings(plane: _Plane, lines: list[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
    cell = float(plane.x[1] - plane.x[0]) ** 2
    areas = [abs(_ring_area(line)) / cell for line in lines]
    by_area = sorted(range(len(lines)), key=lambda i: -areas[i])
    kept = [i for i in by_area if areas[i] >= LEAST_ISLAND_CELLS or i == by_area[0]]
    drawn = [_thinned(lines[i]) for i in kept[:MOST_RINGS]]
    return [radec_of_vectors(_deproject(plane.axes, *line.T)) for line in drawn]


def _ring_area(ring: FloatArray) -> float:
    x, y = ring.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def _thinned(ring: FloatArray) -> FloatArray:
    """Keep evenly spaced points of a closed ring, `MOST_POINTS` at most, and close it again."""
    stride = -(-(len(ring) - 1) // MOST_POINTS)
    points = ring[:-1:stride]
    return np.concatenate([points, points[:1]])
