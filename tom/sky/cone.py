"""Positions with an error as multi-order sky maps: circles, ellipses and boxes of corners.

Circles and ellipses are Gaussians in the plane of Lambert's equal-area projection about the
centre, rho = 2 sin(theta / 2). It keeps areas, so that an ellipse whose semi-axes are projected
holds the probability 1 - exp(-k**2 / 2) at k sigma, as on a plane. A circle is then Fisher's
distribution on the sphere, exp(cos(theta) / sigma**2). Projection: J. P. Snyder 1987, equation
24-2, https://doi.org/10.3133/pp1395.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tom.sky.arrays import BoolArray, ByteArray, FloatArray, IntArray
from tom.sky.healpix import PIXEL_REACH, PIXEL_SIZE_ORDER_0_DEG, pixel_centre, unit_vectors
from tom.sky.skymap import SkyMap, build_skymap

NO_SYSTEMATIC = ((1.0, 0.0),)
PIXELS_PER_SIGMA = 4
REACH_SIGMA = 5.5
FINEST_LEVEL = 24
# A longer ellipse would need millions of pixels.
LONGEST_SHAPE = 100.0
# Whether to split pixels: their vectors of shape (n, 3), and their size in degrees.
Split = Callable[[FloatArray, float], BoolArray]


def cone_sigma_deg(*, radius_deg: float, containment: float) -> float:
    """Find the Gaussian sigma per axis, in degrees, of an error circle on a plane.

    `containment` is the probability within `radius_deg`. A circular Gaussian has the probability
    1 - exp(-r**2 / 2 sigma**2) within r.

    Raises
    ------
    ValueError
        If the radius is not positive or the containment not between 0 and 1.
    """
    if not (0 < radius_deg <= 180 and 0 < containment < 1):
        message = "a cone needs a radius of 0 to 180 degrees and a containment of 0 to 1"
        raise ValueError(message)
    return float(radius_deg / np.sqrt(-2 * np.log1p(-containment)))


def cone_localization(
    *,
    ra: float,
    dec: float,
    radius_deg: float,
    minor_deg: float | None = None,
    angle_deg: float = 0.0,
    containment: float = 0.9,
    systematic: Sequence[tuple[float, float]] = NO_SYSTEMATIC,
) -> SkyMap:
    """Make the sky map of an error circle or an error ellipse.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    radius_deg, minor_deg
        Radius of the circle; of an ellipse, its semi-major and its semi-minor axis, which may be
        a hundred times shorter at most. None: a circle.
    angle_deg
        Position angle of the semi-major axis, from north through east. At a pole, north and east
        are those of the meridian `ra`.
    containment
        Probability within the circle or ellipse, 0 to 1.
    systematic
        `(weight, sigma_deg)` of each part of the instrument's systematic error, such as a core
        and a tail; each is added in quadrature to the statistical sigma of each axis. If the
        circle already includes the systematic error, leave this out.

    Returns
    -------
    SkyMap
        2D, over the whole sky, finer towards the centre. Without a systematic error the contour
        holds `containment`. A circle so wide that its Gaussian reaches the antipode holds more.

    Raises
    ------
    ValueError
        If an axis, the containment or the angle is impossible.
    """
    minor = radius_deg if minor_deg is None else minor_deg
    if not (radius_deg / LONGEST_SHAPE <= minor <= radius_deg and np.isfinite(angle_deg)):
        message = (
            "a cone needs a semi-minor axis of a hundredth of its semi-major axis to all of it"
        )
        raise ValueError(message)
    axes = [
        cone_sigma_deg(radius_deg=_projected_deg(axis), containment=containment)
        for axis in (radius_deg, minor)
    ]
    parts = [(weight, np.hypot(axes, sigma)) for weight, sigma in systematic]
    offsets = _plane(ra, dec, angle_deg)

    def is_coarse(vectors: FloatArray, size: float) -> BoolArray:
        offset = offsets(vectors)
        coarse = np.zeros(len(vectors), dtype=np.bool_)
        for _, sigmas in parts:
            # Projected, a pixel far from the centre grows: twice is enough within 120 degrees.
            nearest = _sigmas_away(offset, sigmas) - 2 * PIXEL_REACH * size / sigmas[1]
            coarse |= (size > sigmas[1] / PIXELS_PER_SIGMA) & (nearest < REACH_SIGMA)
        return coarse

    level, ipix, vectors = refined(is_coarse)
    area = np.ldexp(np.pi / 3, -2 * level.astype(np.int32))
    offset = offsets(vectors)
    density = np.zeros(len(ipix))
    for weight, sigmas in parts:
        part = np.exp(-0.5 * _sigmas_away(offset, sigmas) ** 2)
        density += weight * part / float(part @ area)
    return build_skymap(level=level, ipix=ipix, probdensity=density)


def _projected_deg(angle_deg: float) -> float:
    return float(np.degrees(2 * np.sin(np.radians(angle_deg) / 2)))


def _plane(ra: float, dec: float, angle_deg: float) -> Callable[[FloatArray], FloatArray]:
    """Return what projects vectors `(n, 3)` to degrees along the major and minor axis, `(n, 2)`."""
    centre, east = unit_vectors(ra, dec), unit_vectors(ra + 90, 0.0)
    north = np.cross(centre, east)
    turn = np.radians(angle_deg)
    major = np.cos(turn) * north + np.sin(turn) * east
    minor = np.cos(turn) * east - np.sin(turn) * north

    def project(vectors: FloatArray) -> FloatArray:
        toward = 1 + vectors @ centre
        scale = np.degrees(np.sqrt(2 / np.maximum(toward, 1e-12)))
        plane = np.column_stack([vectors @ major, vectors @ minor]) * scale[:, np.newaxis]
        plane[toward < 1e-12] = np.degrees(2.0)  # the antipode lies in every direction
        return np.asarray(plane, dtype=np.float64)

    return project


def _sigmas_away(offset: FloatArray, sigmas: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(offset / sigmas, axis=-1), dtype=np.float64)


def refined(is_coarse: Split) -> tuple[ByteArray, IntArray, FloatArray]:
    """Split pixels of the whole sky until none is too coarse; with the vectors of their centres."""
    level, ipix = 0, np.arange(12, dtype=np.int64)
    levels: list[ByteArray] = []
    pixels: list[IntArray] = []
    centres: list[FloatArray] = []
    while len(ipix):
        vectors = unit_vectors(*pixel_centre(level=level, ipix=ipix))
        coarse = is_coarse(vectors, PIXEL_SIZE_ORDER_0_DEG / 2**level) & (level < FINEST_LEVEL)
        levels.append(np.full(np.count_nonzero(~coarse), level, dtype=np.uint8))
        pixels.append(ipix[~coarse])
        centres.append(vectors[~coarse])
        ipix = (4 * ipix[coarse, np.newaxis] + np.arange(4)).ravel()
        level += 1
    return np.concatenate(levels), np.concatenate(pixels), np.concatenate(centres)
