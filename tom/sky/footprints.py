"""Fields of view on the sky: their shapes, turned to a place, as ranges of nested order-29 ids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.healpix import healpix29, merge_ranges, radec_of_vectors, unit_vectors
from tom.sky.outlines import (
    Circle,
    Convex,
    Polygon,
    angles_deg,
    middle_of,
    polygon_at,
    ranges_of,
    ranges_of_all,
    vectors_of,
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
        return ranges_of(Circle(axes[0], shape.radius_deg), fineness)
    fields = [polygon_at(polygon, axes) for polygon in shape.polygons]
    notched = [ranges_of(each, fineness) for each in fields if isinstance(each, Polygon)]
    convex = [each for each in fields if isinstance(each, Convex)]
    return merge_ranges(np.concatenate([ranges_of_all(convex, fineness), *notched]))


def even_fineness(shape: Shape) -> float:
    """Return the fineness with which each polygon is followed to `FINENESS` of the whole field.

    A camera of many CCDs is then followed no finer than one of the same field without gaps.
    """
    if shape.radius_deg:
        return FINENESS
    polygons = [vectors_of(polygon) for polygon in shape.polygons]
    corners = np.concatenate(polygons)
    whole = float(angles_deg(corners, middle_of(corners)).max())
    own = min(float(angles_deg(each, middle_of(each)).max()) for each in polygons)
    return min(FINENESS * whole / own, 1.0)


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
        rings = (vectors_of((*polygon, polygon[0])) for polygon in shape.polygons)
    return [radec_of_vectors(ring @ axes) for ring in rings]


def _check_polygon(polygon: Sequence[tuple[float, float]]) -> None:
    corners = np.asarray(polygon, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        message = "a polygon needs three corners of two coordinates each"
        raise ValueError(message)
    healpix29(*corners.T)  # refuses a direction that is none
    vectors = vectors_of(polygon)
    if np.any(angles_deg(vectors, np.roll(vectors, -1, axis=0)) < 1e-7):
        message = "two neighbouring corners of a polygon are the same"
        raise ValueError(message)
    middle = middle_of(vectors)
    if not angles_deg(vectors, middle).max() <= WIDEST_POLYGON_DEG:
        message = f"a polygon reaches at most {WIDEST_POLYGON_DEG:g} degrees from its middle"
        raise ValueError(message)


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
