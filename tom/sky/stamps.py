"""Stamps: small images around a source, and their orientation on the sky."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tom.formats.fits_image import Header, number_of, read_image
from tom.sky.arrays import FloatArray

ARCSEC: Final = math.degrees(3600)  # in a radian
# A header with a pixel outside these limits is not used.
SMALLEST_PIXEL_ARCSEC, LARGEST_PIXEL_ARCSEC = 0.01, 100.0
LEAST_NEARNESS: Final = 0.1  # a place farther from a WCS's reference point is not on its image
# The reference point of a WCS without a projection must be this near to the source.
NEAR_REFERENCE_DEG: Final = 0.05
# Projections with polynomials that are not read here.
DISTORTED: Final = ("TPV", "TNX", "ZPX")


class Orientation(NamedTuple):
    """How far a step of one pixel goes on the sky, in arcsec to the east and to the north.

    `x` counts columns and `y` counts rows, in the order of the array.
    """

    east_x: float
    east_y: float
    north_x: float
    north_y: float

    @property
    def pixel_arcsec(self) -> float:
        """The side, in arcsec, of a square pixel of the same area."""
        return math.sqrt(abs(self.east_x * self.north_y - self.east_y * self.north_x))


@dataclass(frozen=True, eq=False)
class Stamp:
    """An image and its orientation on the sky.

    Attributes
    ----------
    image : array, shape (rows, columns)
        As in the file, the first row first; NaN: not measured.
    orientation : Orientation or None
        None: neither the header nor the survey gives it.
    middle : tuple of float
        Column and row of the source, counted from 0.
    """

    image: FloatArray
    orientation: Orientation | None
    middle: tuple[float, float]


def read_stamp(
    data: bytes,
    *,
    ra: float,
    dec: float,
    declared: Orientation | None = None,
    middle: tuple[float, float] | None = None,
) -> Stamp:
    """Read the first image of a FITS file, gzipped or not.

    Parameters
    ----------
    data
        The file.
    ra, dec
        The source, ICRS degrees. If the header has a WCS, it gives this position in the image.
    declared
        The orientation of the survey's stamps, used if the header has no WCS.
    middle
        Column and row of the source, from 0, used if the header has no WCS. None: the source is in
        the middle of the image.

    Raises
    ------
    UnreadableStampError
        If it is no FITS file, too large, or has no image of two dimensions.
    """
    header, image = read_image(data)
    rows, columns = image.shape
    located = _locate(header, ra, dec)
    if located is not None and _is_distorted(header):
        declared, located = located[0], None
    if located is None or not _is_inside(located[1], image.shape):
        if middle is None or not _is_inside(middle, image.shape):
            middle = ((columns - 1) / 2, (rows - 1) / 2)
        return Stamp(image, declared, middle)
    return Stamp(image, *located)


def _is_distorted(header: Header) -> bool:
    """Whether a WCS has distortions: then it gives the orientation, but no exact position."""
    return any(header.get(f"CTYPE{axis}", "").endswith(DISTORTED) for axis in (1, 2))


def _locate(
    header: Header, ra: float, dec: float
) -> tuple[Orientation, tuple[float, float]] | None:
    """Return the orientation by a tangential WCS, and the source's column and row; else None.

    North is the direction at the source: near a pole, it differs from that at the reference point.
    """
    kinds = [header.get(f"CTYPE{axis}", "") for axis in (1, 2)]
    swapped = kinds[0].startswith("DEC")
    if sorted(kind[:2] for kind in kinds) != ["DE", "RA"] and not _is_unnamed(header, ra, dec):
        return None
    matrix = 3600 * _matrix(header)
    value, pixel = (
        [number_of(header, f"{name}{a}") for a in (1, 2)] for name in ("CRVAL", "CRPIX")
    )
    if swapped:
        matrix, value = matrix[::-1], value[::-1]
    with np.errstate(all="ignore"):
        determinant = float(np.linalg.det(matrix))
        steps = np.hypot(matrix[0], matrix[1])  # of one pixel on the sky, arcsec
    if not np.all(np.isfinite([*value, *pixel, determinant])) or abs(determinant) < 1e-6:
        return None
    if not np.all((steps >= SMALLEST_PIXEL_ARCSEC) & (steps <= LARGEST_PIXEL_ARCSEC)):
        return None
    offset, on_plane = _tangential(ra, dec, *value)
    if offset is None:
        return None
    x, y = np.linalg.solve(matrix, offset)
    place = (float(pixel[0] - 1 + x), float(pixel[1] - 1 + y))
    on_sky = np.linalg.solve(on_plane, matrix)
    return Orientation(*on_sky[0].tolist(), *on_sky[1].tolist()), place


def _is_unnamed(header: Header, ra: float, dec: float) -> bool:
    """Whether a WCS names no projection, and its reference point is near the source.

    Rubin's stamps have such headers. Their steps are steps on the tangential plane.
    """
    if any(header.get(f"CTYPE{axis}", "").strip() for axis in (1, 2)):
        return False
    away_ra, away_dec = (number_of(header, f"CRVAL{axis}") for axis in (1, 2))
    across = (away_ra - ra + 180) % 360 - 180
    return math.hypot(across * math.cos(math.radians(dec)), away_dec - dec) < NEAR_REFERENCE_DEG


def _matrix(header: Header) -> FloatArray:
    """Return the matrix from pixels to degrees, shape (2, 2), from any of its three forms."""
    if any(name.startswith("CD") and name[2:3].isdigit() for name in header):
        cells = [number_of(header, f"CD{row}_{column}", 0.0) for row in (1, 2) for column in (1, 2)]
        return np.array(cells).reshape(2, 2)
    step = np.array([number_of(header, f"CDELT{axis}") for axis in (1, 2)])
    turn = math.radians(number_of(header, "CROTA2", 0.0))
    turned = [math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn)]
    unit = [1.0, 0.0, 0.0, 1.0]
    has_pc = any(name.startswith("PC") and "_" in name for name in header)
    names = [f"PC{row}_{column}" for row in (1, 2) for column in (1, 2)]
    cells = (
        [number_of(header, n, d) for n, d in zip(names, unit, strict=True)] if has_pc else turned
    )
    matrix = np.array(cells).reshape(2, 2)
    # A rotation acts after CDELT; PC acts before CDELT.
    steps = step[:, None] if has_pc else step[None, :]
    return np.asarray(steps * matrix, dtype=np.float64)


def _tangential(
    ra: float, dec: float, ra0: float, dec0: float
) -> tuple[FloatArray | None, FloatArray]:
    """Return a position on the tangential plane at (`ra0`, `dec0`), arcsec, shape (2,).

    It is None if the position is more than 84 degrees away. The second value, shape (2, 2), has the
    steps on the plane for a step to the east and for one to the north.
    """
    away = math.radians((ra - ra0) % 360)
    sin_dec, cos_dec = math.sin(math.radians(dec)), math.cos(math.radians(dec))
    sin_0, cos_0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    sin_away, cos_away = math.sin(away), math.cos(away)
    nearness = sin_0 * sin_dec + cos_0 * cos_dec * cos_away  # cosine of the distance
    if nearness < LEAST_NEARNESS:
        return None, np.eye(2)
    place = np.array([cos_dec * sin_away, cos_0 * sin_dec - sin_0 * cos_dec * cos_away]) / nearness
    east = np.array([cos_away, sin_0 * sin_away])
    north = np.array([-sin_dec * sin_away, cos_0 * cos_dec + sin_0 * sin_dec * cos_away])
    nearer = np.array([-cos_0 * sin_away, sin_0 * cos_dec - cos_0 * sin_dec * cos_away])
    steps = np.stack([east, north], axis=1) - np.outer(place, nearer)
    return ARCSEC * place, steps / nearness


def _is_inside(place: tuple[float, float], shape: tuple[int, ...]) -> bool:
    rows, columns = shape
    return 0 <= place[0] <= columns - 1 and 0 <= place[1] <= rows - 1
