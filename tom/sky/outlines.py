"""Circles and polygons on the sky, at their place, as ranges of nested order-29 ids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import BoolArray, FloatArray, IntArray
from tom.sky.healpix import (
    ORDER,
    PIXEL_REACH,
    PIXEL_SIZE_ORDER_0_DEG,
    merge_ranges,
    pixels_of_cone,
    unit_vectors,
)
from tom.sky.quick_healpy import healpy


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle around a direction."""

    middle: FloatArray
    radius_deg: float

    def sides(self, vectors: FloatArray, reach_deg: float) -> tuple[BoolArray, BoolArray]:
        """Return which circles of `reach_deg` around directions lie inside, and which touch it."""
        angle = angles_deg(vectors, self.middle)
        return angle + reach_deg <= self.radius_deg, angle - reach_deg <= self.radius_deg

    def holds(self, vectors: FloatArray) -> BoolArray:
        """Return which directions lie in the circle."""
        return angles_deg(vectors, self.middle) <= self.radius_deg


@dataclass(frozen=True, slots=True)
class Convex:
    """A polygon without a notch: what lies on the inner side of each great circle of its sides.

    Attributes
    ----------
    normals
        float64, shape `(3, k)`: of those great circles, unit vectors, to the inner side.
    """

    middle: FloatArray
    radius_deg: float
    normals: FloatArray


@dataclass(frozen=True, slots=True)
class Polygon:
    """A polygon in the plane that touches the sky at its middle; great circles are lines there."""

    middle: FloatArray
    radius_deg: float
    axes: FloatArray
    corners: FloatArray

    @classmethod
    def of(cls, polygon: Sequence[tuple[float, float]], axes: FloatArray) -> "Polygon":
        corners = vectors_of(polygon) @ axes
        middle = middle_of(corners)
        own = _axes_around(middle)
        radius = float(angles_deg(corners, middle).max())
        return cls(middle, radius, own, _to_plane(own, corners))

    def sides(self, vectors: FloatArray, reach_deg: float) -> tuple[BoolArray, BoolArray]:
        """Return which circles of `reach_deg` around directions lie inside, and which may touch."""
        angle = angles_deg(vectors, self.middle)
        touches = angle - reach_deg <= self.radius_deg
        inside = np.zeros(len(vectors), dtype=np.bool_)
        near = np.flatnonzero(touches & (angle + reach_deg < 85))
        places = _to_plane(self.axes, vectors[near])
        # The plane stretches a circle most along the line from its middle.
        outer = np.radians(angle[near] + reach_deg)
        reach = np.tan(outer) - np.tan(np.radians(angle[near]))
        clear = self._distance(places) > reach
        within = self._winds_around(places)
        inside[near] = clear & within
        touches[near] &= within | ~clear
        return inside, touches

    def holds(self, vectors: FloatArray) -> BoolArray:
        """Return which directions lie in the polygon."""
        held = np.zeros(len(vectors), dtype=np.bool_)
        near = np.flatnonzero(angles_deg(vectors, self.middle) <= self.radius_deg)
        held[near] = self._winds_around(_to_plane(self.axes, vectors[near]))
        return held

    def _winds_around(self, places: FloatArray) -> BoolArray:
        """Count the sides that a ray from each place crosses: odd inside."""
        x, y = places[:, :1], places[:, 1:]
        x0, y0 = self.corners.T
        x1, y1 = np.roll(self.corners, -1, axis=0).T
        straddles = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        counted = np.count_nonzero(straddles & (x < crossing), axis=1)
        return np.asarray(counted % 2 == 1, dtype=np.bool_)

    def _distance(self, places: FloatArray) -> FloatArray:
        """Measure how far each place is from the nearest side, in the plane's unit."""
        start, side = self.corners, np.roll(self.corners, -1, axis=0) - self.corners
        offset = places[:, np.newaxis] - start
        along = np.sum(offset * side, axis=-1) / np.sum(side * side, axis=-1)
        nearest = offset - np.clip(along, 0, 1)[..., np.newaxis] * side
        return np.asarray(np.hypot(*np.moveaxis(nearest, -1, 0)).min(axis=1), dtype=np.float64)


def polygon_at(polygon: Sequence[tuple[float, float]], axes: FloatArray) -> Convex | Polygon:
    """Turn a polygon to its place: as a convex one, which is told by its sides, where it is one."""
    corners = vectors_of(polygon) @ axes
    normals = np.cross(corners, np.roll(corners, -1, axis=0))
    normals /= np.linalg.norm(normals, axis=1)[:, np.newaxis]
    middle = middle_of(corners)
    side = normals @ middle
    normals *= np.sign(side)[:, np.newaxis]
    if np.abs(side).min() < 1e-12 or np.any(corners @ normals.T < -1e-12):
        return Polygon.of(polygon, axes)
    return Convex(middle, float(angles_deg(corners, middle).max()), normals.T.copy())


def ranges_of(field: Circle | Polygon, fineness: float) -> IntArray:
    """Split pixels until each lies in the field or outside of it, or is small enough."""
    level = _level_of(field.radius_deg)
    finest = min(level + int(np.ceil(-np.log2(fineness))), ORDER)
    ipix = pixels_of_cone(level, field.middle, field.radius_deg)
    found: list[IntArray] = []
    while len(ipix):
        vectors = np.stack(healpy.pix2vec(2**level, ipix, nest=True), axis=-1)
        if level == finest:
            inside, split = field.holds(vectors), np.zeros(len(ipix), dtype=np.bool_)
        else:
            inside, touches = field.sides(vectors, PIXEL_REACH * PIXEL_SIZE_ORDER_0_DEG / 2**level)
            split = touches & ~inside
        shift = 2 * (ORDER - level)
        found.append(np.column_stack([ipix[inside] << shift, (ipix[inside] + 1) << shift]))
        ipix = (4 * ipix[split, np.newaxis] + np.arange(4)).ravel()
        level += 1
    return merge_ranges(np.concatenate(found))


def ranges_of_all(fields: Sequence[Convex], fineness: float) -> IntArray:
    """Return the ranges of polygons, as `ranges_of` does of one; those alike go in one pass."""
    alike: dict[tuple[int, int], list[Convex]] = {}
    for each in fields:
        alike.setdefault((_level_of(each.radius_deg), each.normals.shape[1]), []).append(each)
    found = [_split(group, level, fineness) for (level, _), group in alike.items()]
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *found])


def _split(fields: Sequence[Convex], level: int, fineness: float) -> IntArray:
    """Split pixels as `ranges_of` does; each pixel is judged by the polygon that it may lie in."""
    finest = min(level + int(np.ceil(-np.log2(fineness))), ORDER)
    starts = [pixels_of_cone(level, each.middle, each.radius_deg) for each in fields]
    ipix = np.concatenate(starts)
    owner = np.repeat(np.arange(len(fields)), [len(each) for each in starts])
    middle = np.stack([each.middle for each in fields])
    radius = np.array([each.radius_deg for each in fields])
    normals = np.stack([each.normals for each in fields])
    found: list[IntArray] = []
    while len(ipix):
        vectors = np.stack(healpy.pix2vec(2**level, ipix, nest=True), axis=-1)
        nearest = np.einsum("ni,nik->nk", vectors, normals[owner]).min(axis=1)
        if level == finest:
            inside, split = nearest >= 0, np.zeros(len(ipix), dtype=np.bool_)
        else:
            reach_deg = PIXEL_REACH * PIXEL_SIZE_ORDER_0_DEG / 2**level
            reach = np.sin(np.radians(min(reach_deg, 90.0)))
            along = np.cos(np.radians(np.minimum(radius + reach_deg, 180.0)))
            inside = nearest >= reach
            near = np.einsum("ni,ni->n", vectors, middle[owner]) >= along[owner]
            split = (nearest > -reach) & near & ~inside
        shift = 2 * (ORDER - level)
        found.append(np.column_stack([ipix[inside] << shift, (ipix[inside] + 1) << shift]))
        ipix = (4 * ipix[split, np.newaxis] + np.arange(4)).ravel()
        owner = np.repeat(owner[split], 4)
        level += 1
    return np.concatenate(found)


def _level_of(radius_deg: float) -> int:
    """Choose a level whose pixels are about as wide as the field."""
    return min(max(int(np.floor(np.log2(PIXEL_SIZE_ORDER_0_DEG / radius_deg))), 0), ORDER)


def middle_of(corners: FloatArray) -> FloatArray:
    total = corners.sum(axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-300), dtype=np.float64)


def vectors_of(places: npt.ArrayLike) -> FloatArray:
    return unit_vectors(*np.asarray(places, dtype=np.float64).T)


def angles_deg(vectors: FloatArray, other: FloatArray) -> FloatArray:
    across = np.linalg.norm(np.cross(vectors, other), axis=-1)
    along = np.sum(vectors * other, axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, along)), dtype=np.float64)


def _axes_around(middle: FloatArray) -> FloatArray:
    """Complete a direction to a right-handed frame, as rows, the direction first."""
    first = np.cross(np.eye(3)[np.argmin(np.abs(middle))], middle)
    first /= np.linalg.norm(first)
    return np.stack([middle, first, np.cross(middle, first)])


def _to_plane(axes: FloatArray, vectors: FloatArray) -> FloatArray:
    """Project directions `(n, 3)` to the plane that touches the sky at the first axis, `(n, 2)`."""
    out, x, y = (vectors @ axes.T).T
    return np.asarray(np.column_stack([x, y]) / out[:, np.newaxis], dtype=np.float64)
