"""HEALPix ids of order 29 (nested), the ranges that cover a cone, and angles on the sphere.

One nested id of order 29 names a direction to 0.4 milliarcseconds, and every coarser nested pixel
is one contiguous range of such ids, so cones and credible regions become ranges of an indexed
integer. Scheme: Gorski et al. 2005, https://doi.org/10.1086/427976.
"""

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import BoolArray, FloatArray, IntArray
from tom.sky.quick_healpy import healpy

ORDER = 29
NSIDE = 2**ORDER
PIXEL_SIZE_ORDER_0_DEG = np.degrees(np.sqrt(np.pi / 3))
# A pixel reaches at most so many of its sizes from its centre.
PIXEL_REACH = 1.1
WIDEST_QUERY_DEG = 90.0
# healpy compares cosines, which are the same for angles that differ by some milliarcseconds.
CONE_MARGIN_ARCSEC = 0.05


def healpix29(ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
    """Find the nested order-29 HEALPix id of each direction.

    Parameters
    ----------
    ra, dec
        ICRS degrees, any shape that broadcasts. RA may lie outside 0 to 360.

    Returns
    -------
    numpy.ndarray
        int64 ids in [0, 12 * 4**29), in the broadcast shape.

    Raises
    ------
    ValueError
        If a declination lies outside -90 to 90, or a coordinate is not finite.
    """
    longitude = np.asarray(ra, dtype=np.float64)
    latitude = np.asarray(dec, dtype=np.float64)
    if not (np.all(np.isfinite(longitude)) and np.all(np.abs(latitude) <= 90)):
        message = "a direction needs a finite ra and a dec between -90 and 90"
        raise ValueError(message)
    ids = healpy.ang2pix(NSIDE, longitude, latitude, nest=True, lonlat=True)
    return np.asarray(ids, dtype=np.int64)


def radec_of(hpx29: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Find the centre (ICRS degrees, RA in [0, 360)) of nested order-29 pixels."""
    return pixel_centre(level=ORDER, ipix=hpx29)


def pixel_centre(*, level: npt.ArrayLike, ipix: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Find the centre (ICRS degrees, RA in [0, 360)) of nested pixels, each at its own level."""
    nside = np.left_shift(np.int64(1), np.asarray(level, dtype=np.int64))
    ra, dec = healpy.pix2ang(nside, np.asarray(ipix, dtype=np.int64), nest=True, lonlat=True)
    return np.asarray(ra, dtype=np.float64), np.asarray(dec, dtype=np.float64)


def unit_vectors(ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
    """Turn ICRS degrees of shape `(...)` into unit vectors of shape `(..., 3)`."""
    longitude, latitude = np.radians(ra), np.radians(dec)
    x = np.cos(latitude) * np.cos(longitude)
    y = np.cos(latitude) * np.sin(longitude)
    return np.stack(np.broadcast_arrays(x, y, np.sin(latitude)), axis=-1)


def radec_of_vectors(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn vectors of shape `(..., 3)` and any length into ICRS degrees, RA in [0, 360)."""
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    ra = np.degrees(np.arctan2(y, x)) % 360
    dec = np.degrees(np.arctan2(z, np.hypot(x, y)))
    return np.where(ra >= 360, 0.0, ra), np.asarray(dec, dtype=np.float64)


def separation_arcsec(
    ra: npt.ArrayLike, dec: npt.ArrayLike, other_ra: npt.ArrayLike, other_dec: npt.ArrayLike
) -> FloatArray:
    """Measure the angle in arcsec between directions in ICRS degrees.

    The arc tangent of the cross and dot products stays exact for tiny angles, at RA 0, at the
    poles and at the antipode, where the plain arc cosine or haversine does not.
    """
    first, second = unit_vectors(ra, dec), unit_vectors(other_ra, other_dec)
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    along = np.sum(first * second, axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, along)) * 3600, dtype=np.float64)


def cone_ranges(*, ra: float, dec: float, radius_arcsec: float) -> IntArray:
    """Return nested order-29 ranges that surely cover a cone.

    The ranges may reach a little beyond the cone. A caller that needs the exact cone checks
    `separation_arcsec` afterwards.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    radius_arcsec
        Radius, from 0 to 648000 (180 degrees).

    Returns
    -------
    numpy.ndarray
        int64, shape `(k, 2)`: start and exclusive stop, sorted; the ranges do not touch.
    """
    if not 0 <= radius_arcsec <= 180 * 3600:
        message = "a cone's radius lies between 0 and 180 degrees"
        raise ValueError(message)
    radius_deg = min((radius_arcsec + CONE_MARGIN_ARCSEC) / 3600, 180.0)
    healpix29(ra, dec)  # refuses a direction that is none
    level = _cone_level(radius_deg)
    ipix = pixels_of_cone(level, unit_vectors(ra, dec), radius_deg)
    shift = 2 * (ORDER - level)
    return merge_ranges(np.column_stack([ipix << shift, (ipix + 1) << shift]))


def pixels_of_cone(level: int, middle: FloatArray, radius_deg: float) -> IntArray:
    """Return nested pixels of a level, `(k,)`, that surely cover a cone around a unit vector.

    healpy leaves out pixels at the far side of a cone wider than a hemisphere, so all pixels are
    looked at there; `level` is small for so wide a cone.
    """
    if radius_deg > WIDEST_QUERY_DEG:
        pixels = np.arange(12 << 2 * level, dtype=np.int64)
        centres = unit_vectors(*pixel_centre(level=level, ipix=pixels))
        across = np.linalg.norm(np.cross(centres, middle), axis=-1)
        angle = np.degrees(np.arctan2(across, centres @ middle))
        near = angle - PIXEL_REACH * PIXEL_SIZE_ORDER_0_DEG / 2**level <= radius_deg
        return np.asarray(pixels[near], dtype=np.int64)
    found = healpy.query_disc(
        2**level, middle, np.radians(radius_deg), inclusive=True, fact=4, nest=True
    )
    return np.asarray(found, dtype=np.int64)


def cells_around(
    ra: npt.ArrayLike, dec: npt.ArrayLike, *, radius_arcsec: float
) -> tuple[IntArray, int]:
    """Return, for many small cones at once, pixels that surely cover each cone.

    These are the pixel of the centre and its neighbours, four to eight times as wide as the radius.

    Parameters
    ----------
    ra, dec
        Centres, ICRS degrees, shape `(n,)`.
    radius_arcsec
        Radius of all of them, from 0 to 36000.

    Returns
    -------
    numpy.ndarray
        int64, shape `(n, 9)`: nested pixels, the centre's first; -1: no pixel.
    int
        Their level.

    Raises
    ------
    ValueError
        If the radius or a direction is out of range, or is not finite.
    """
    if not 0 <= radius_arcsec <= 36_000:
        message = "a small cone's radius lies between 0 and 10 degrees"
        raise ValueError(message)
    radius_deg = (radius_arcsec + CONE_MARGIN_ARCSEC) / 3600
    level = max(int(np.floor(np.log2(PIXEL_SIZE_ORDER_0_DEG / (4 * radius_deg)))), 0)
    centre = healpix29(ra, dec) >> (2 * (ORDER - level))
    around = healpy.get_all_neighbours(2**level, centre, nest=True)
    return np.column_stack([centre, np.asarray(around, dtype=np.int64).T]), level


def _cone_level(radius_deg: float) -> int:
    """Choose a level whose pixels are about half the radius wide: some twenty pixels for a cone."""
    return max(int(np.ceil(np.log2(2 * PIXEL_SIZE_ORDER_0_DEG / radius_deg))), 0)


def merge_ranges(ranges: IntArray) -> IntArray:
    """Join touching or overlapping `[start, stop)` ranges of shape `(k, 2)`; sort them."""
    if len(ranges) == 0:
        return np.empty((0, 2), dtype=np.int64)
    ordered = ranges[np.argsort(ranges[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ordered[:, 1])
    opens = np.concatenate([[True], ordered[1:, 0] > reach[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    return np.column_stack([ordered[opens, 0], reach[closes]])


def within_ranges(ids: IntArray, ranges: IntArray) -> BoolArray:
    """Tell which nested order-29 ids lie in ranges of shape `(k, 2)` that are sorted and apart."""
    if not len(ranges):
        return np.zeros(len(ids), dtype=np.bool_)
    at = np.searchsorted(ranges[:, 0], ids, side="right") - 1
    return np.asarray((at >= 0) & (ids < ranges[np.maximum(at, 0), 1]), dtype=np.bool_)
