"""Error circles as multi-order sky maps: a Gaussian on the sphere."""

from collections.abc import Sequence

import numpy as np

from tom.sky.arrays import ByteArray, FloatArray, IntArray
from tom.sky.healpix import PIXEL_SIZE_ORDER_0_DEG, pixel_centre, separation_arcsec
from tom.sky.skymap import SkyMap, build_skymap

NO_SYSTEMATIC = ((1.0, 0.0),)
PIXELS_PER_SIGMA = 4
REACH_SIGMA = 5.5
FINEST_LEVEL = 24


def cone_sigma_deg(*, radius_deg: float, containment: float) -> float:
    """Find the Gaussian sigma per axis, in degrees, of an error circle.

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
    containment: float = 0.9,
    systematic: Sequence[tuple[float, float]] = NO_SYSTEMATIC,
) -> SkyMap:
    """Make the sky map of an error circle.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    radius_deg
        Radius of the circle.
    containment
        Probability within the circle, 0 to 1.
    systematic
        `(weight, sigma_deg)` of each part of the instrument's systematic error, such as a core
        and a tail; each is added in quadrature to the statistical sigma. If the circle already
        includes the systematic error, leave this out.

    Returns
    -------
    SkyMap
        2D, over the whole sky, finer towards the centre. Each part is proportional to
        exp(-theta**2 / 2 sigma**2) in the angle theta from the centre, so the circle of a radius
        of tens of degrees holds a little more than on a plane.
    """
    statistical = cone_sigma_deg(radius_deg=radius_deg, containment=containment)
    parts = [(weight, float(np.hypot(statistical, sigma))) for weight, sigma in systematic]
    level, ipix = _refined(ra, dec, [sigma for _, sigma in parts])
    theta = _angle_deg(ra, dec, level, ipix)
    area = np.ldexp(np.pi / 3, -2 * level.astype(np.int32))
    density = np.zeros(len(ipix))
    for weight, sigma in parts:
        part = np.exp(-0.5 * (theta / sigma) ** 2)
        density += weight * part / float(part @ area)
    return build_skymap(level=level, ipix=ipix, probdensity=density)


def _refined(ra: float, dec: float, sigmas: list[float]) -> tuple[ByteArray, IntArray]:
    """Split pixels until each is small compared with every sigma that matters at its distance."""
    level, ipix = 0, np.arange(12, dtype=np.int64)
    levels: list[ByteArray] = []
    pixels: list[IntArray] = []
    while len(ipix):
        size = PIXEL_SIZE_ORDER_0_DEG / 2**level
        # A pixel's corner is at most 1.1 of its size away from its centre.
        nearest = _angle_deg(ra, dec, np.full(len(ipix), level, dtype=np.uint8), ipix) - 1.1 * size
        coarse = np.zeros(len(ipix), dtype=np.bool_)
        for sigma in sigmas:
            coarse |= (size > sigma / PIXELS_PER_SIGMA) & (nearest < REACH_SIGMA * sigma)
        coarse &= level < FINEST_LEVEL
        levels.append(np.full(np.count_nonzero(~coarse), level, dtype=np.uint8))
        pixels.append(ipix[~coarse])
        ipix = (4 * ipix[coarse, np.newaxis] + np.arange(4)).ravel()
        level += 1
    return np.concatenate(levels), np.concatenate(pixels)


def _angle_deg(ra: float, dec: float, level: ByteArray, ipix: IntArray) -> FloatArray:
    return separation_arcsec(ra, dec, *pixel_centre(level=level, ipix=ipix)) / 3600
