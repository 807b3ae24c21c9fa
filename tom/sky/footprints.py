"""Fields of view on the sky: their shapes, turned to a place, as ranges of nested order-29 ids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import BoolArray, FloatArray, IntArray
from tom.sky.healpix import (
    ORDER,
    PIXEL_REACH,
    PIXEL_SIZE_ORDER_0_DEG,
    healpix29,
    merge_ranges,
    pixel_centre,
    pixels_of_cone,
    radec_of_vectors,
    unit_vectors,
)

# The outline of a footprint is followed to this share of its radius.
FINENESS = 1 / 256
# A polygon is seen in the plane that touches the sky at its middle, which shows half of the sky.
WIDEST_POLYGON_DEG = 60.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A field of view: a circle, or polygons of which the field is the union.

    Attributes
    ----------
    polygons
        The corners of each, shape `(k, 2)`, k at least 3: the ICRS coordinates (degrees) that they
        have when the field is pointed at RA 0, dec 0 with the position angle 0. So the first
        coordinate grows to the east, the second to the north. Great circles join the corners. The
        last corner does not repeat the first.
    radius_deg
        Of the circle, 0 to 180 degrees; 0 where there are polygons.
    """

    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    radius_deg: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no field.

        Raises
        ------
        ValueError
            If it is neither a circle nor polygons, or a polygon is too wide or has no area.
        """
        if bool(self.polygons) == bool(self.radius_deg):
            message = "a field is either a circle or polygons"
            raise ValueError(message)
        if not 0 <= self.radius_deg <= 180:
            message = "a field's radius lies between 0 and 180 degrees"
            raise ValueError(message)
        for polygon in self.polygons:
            _check_polygon(polygon)


def circle(radius_deg: float) -> Shape:
    """Return a circular field."""
    return Shape(radius_deg=radius_deg)


def rectangle(width_deg: float, height_deg: float) -> Shape:
    """Return a field of this width (east to west) and height, each along its middle."""
    x, y = np.tan(np.radians([width_deg / 2, height_deg / 2]))
    planes = [(x, y), (-x, y), (-x, -y), (x, -y)]
    return Shape(polygons=(tuple(_of_plane(*corner) for corner in planes),))


def footprint_ranges(
    shape: Shape,
    *,
    ra: float,
    dec: float,
    position_angle_deg: float = 0.0,
    fineness: float = FINENESS,
) -> IntArray:
    """Return the nested order-29 ranges of a field of view that is pointed at a place.

    Parameters
    ----------
    ra, dec
        Where it is pointed, ICRS degrees.
    position_angle_deg
        By which it is turned from north to east.
    fineness
        To which share of its radius, above 0 and at most 1, an outline is followed. Each polygon
        has a radius of its own.

    Returns
    -------
    numpy.ndarray
        int64, shape `(k, 2)`: start and exclusive stop, sorted; the ranges do not touch. A pixel at
        the outline belongs to the field if its centre does. Its size is at most `fineness` of the
        radius.

    Raises
    ------
    ValueError
        If the direction or the angle is none.
    """
    healpix29(ra, dec)  # refuses a direction that is none
    if not np.isfinite(position_angle_deg):
        message = "a position angle needs to be finite"
        raise ValueError(message)
    axes = _axes(ra, dec, position_angle_deg)
    if shape.radius_deg:
        return _ranges(_Circle(axes[0], shape.radius_deg), fineness)
    parts = [_ranges(_Polygon.of(polygon, axes), fineness) for polygon in shape.polygons]
    return merge_ranges(np.concatenate(parts))


def shape_outline(
    shape: Shape, *, ra: float, dec: float, position_angle_deg: float = 0.0
) -> list[tuple[FloatArray, FloatArray]]:
    """Return the closed rings of a field that is pointed at a place: RA and dec, ICRS degrees."""
    axes = _axes(ra, dec, position_angle_deg)
    rings: Iterable[FloatArray]
    if shape.radius_deg:
        angle, radius = np.linspace(0, 2 * np.pi, 73), np.radians(shape.radius_deg)
        x = np.full_like(angle, np.cos(radius))
        around = [np.sin(radius) * np.sin(angle), np.sin(radius) * np.cos(angle)]
        rings = [np.column_stack([x, *around])]
    else:
        rings = (_vectors((*polygon, polygon[0])) for polygon in shape.polygons)
    return [radec_of_vectors(ring @ axes) for ring in rings]


@dataclass(frozen=True, slots=True)
class _Circle:
    """A circle around a direction."""

    middle: FloatArray
    radius_deg: float

    def sides(self, vectors: FloatArray, reach_deg: float) -> tuple[BoolArray, BoolArray]:
        """Return which circles of `reach_deg` around directions lie inside, and which touch it."""
        angle = _angle_deg(vectors, self.middle)
        return angle + reach_deg <= self.radius_deg, angle - reach_deg <= self.radius_deg

    def holds(self, vectors: FloatArray) -> BoolArray:
        """Return which directions lie in the circle."""
        return _angle_deg(vectors, self.middle) <= self.radius_deg


@dataclass(frozen=True, slots=True)
class _Polygon:
    """A polygon in the plane that touches the sky at its middle; great circles are lines there."""

    middle: FloatArray
    radius_deg: float
    axes: FloatArray
    corners: FloatArray

    @classmethod
    def of(cls, polygon: Sequence[tuple[float, float]], axes: FloatArray) -> "_Polygon":
        corners = _vectors(polygon) @ axes
        middle = _middle(corners)
        own = _axes_around(middle)
        radius = float(_angle_deg(corners, middle).max())
        return cls(middle, radius, own, _to_plane(own, corners))

    def sides(self, vectors: FloatArray, reach_deg: float) -> tuple[BoolArray, BoolArray]:
        """Return which circles of `reach_deg` around directions lie inside, and which may touch."""
        angle = _angle_deg(vectors, self.middle)
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
        near = np.flatnonzero(_angle_deg(vectors, self.middle) <= self.radius_deg)
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


def _ranges(field: _Circle | _Polygon, fineness: float) -> IntArray:
    """Split pixels until each lies in the field or outside of it, or is small enough."""
    level = _level_of(field.radius_deg)
    finest = min(level + int(np.ceil(-np.log2(fineness))), ORDER)
    ipix = pixels_of_cone(level, field.middle, field.radius_deg)
    found: list[IntArray] = []
    while len(ipix):
        vectors = unit_vectors(*pixel_centre(level=level, ipix=ipix))
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


def _level_of(radius_deg: float) -> int:
    """Choose a level whose pixels are about as wide as the field."""
    return min(max(int(np.floor(np.log2(PIXEL_SIZE_ORDER_0_DEG / radius_deg))), 0), ORDER)


def _check_polygon(polygon: Sequence[tuple[float, float]]) -> None:
    corners = np.asarray(polygon, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        message = "a polygon needs three corners of two coordinates each"
        raise ValueError(message)
    healpix29(*corners.T)  # refuses a direction that is none
    vectors = _vectors(polygon)
    if np.any(_angle_deg(vectors, np.roll(vectors, -1, axis=0)) < 1e-7):
        message = "two neighbouring corners of a polygon are the same"
        raise ValueError(message)
    middle = _middle(vectors)
    if not _angle_deg(vectors, middle).max() <= WIDEST_POLYGON_DEG:
        message = f"a polygon reaches at most {WIDEST_POLYGON_DEG:g} degrees from its middle"
        raise ValueError(message)


def _middle(corners: FloatArray) -> FloatArray:
    total = corners.sum(axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-300), dtype=np.float64)


def _of_plane(x: float, y: float) -> tuple[float, float]:
    """Return the coordinates of a place in the plane that touches the sky at RA 0, dec 0."""
    return float(np.degrees(np.arctan(x))), float(np.degrees(np.arctan2(y, np.hypot(1, x))))


def _axes(ra: float, dec: float, position_angle_deg: float) -> FloatArray:
    """Return the directions, as rows, to which a field's own middle, east and north are turned."""
    longitude, latitude = np.radians([ra, dec])
    out = unit_vectors(ra, dec)
    east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
    north = np.array(
        [
            -np.sin(latitude) * np.cos(longitude),
            -np.sin(latitude) * np.sin(longitude),
            np.cos(latitude),
        ]
    )
    turn = np.radians(position_angle_deg)
    return np.stack(
        [
            out,
            east * np.cos(turn) - north * np.sin(turn),
            north * np.cos(turn) + east * np.sin(turn),
        ]
    )


def _axes_around(middle: FloatArray) -> FloatArray:
    """Complete a direction to a right-handed frame, as rows, the direction first."""
    first = np.cross(np.eye(3)[np.argmin(np.abs(middle))], middle)
    first /= np.linalg.norm(first)
    return np.stack([middle, first, np.cross(middle, first)])


def _to_plane(axes: FloatArray, vectors: FloatArray) -> FloatArray:
    """Project directions `(n, 3)` to the plane that touches the sky at the first axis, `(n, 2)`."""
    out, x, y = (vectors @ axes.T).T
    return np.asarray(np.column_stack([x, y]) / out[:, np.newaxis], dtype=np.float64)


def _vectors(places: npt.ArrayLike) -> FloatArray:
    return unit_vectors(*np.asarray(places, dtype=np.float64).T)


def _angle_deg(vectors: FloatArray, other: FloatArray) -> FloatArray:
    across = np.linalg.norm(np.cross(vectors, other), axis=-1)
    along = np.sum(vectors * other, axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, along)), dtype=np.float64)
