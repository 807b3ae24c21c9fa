"""Error boxes as multi-order sky maps: a flat top within four corners, with shoulders outside."""

from collections.abc import Sequence

import numpy as np

from tom.sky.arrays import BoolArray, FloatArray
from tom.sky.cone import LONGEST_SHAPE, NO_SYSTEMATIC, cone_sigma_deg, refined
from tom.sky.healpix import PIXEL_REACH, unit_vectors
from tom.sky.skymap import SkyMap, build_skymap

# Sizes of pixels along the sides, as shares of the distance from the middle to the nearest side.
COARSEST, FINEST = 1 / 16, 1 / 64
REACH_EDGE = 5.5
WIDEST_DEG = 80.0
_HALVINGS = 60


def box_localization(
    corners: Sequence[tuple[float, float]],
    *,
    containment: float = 0.9,
    systematic: Sequence[tuple[float, float]] = NO_SYSTEMATIC,
) -> SkyMap:
    """Make the sky map of a box whose four sides are great circles.

    Within the box the probability density is the same everywhere: its author says that the
    source is in it, and nothing of where. The rest of the probability lies around it. There the
    density falls as a Gaussian of the distance from the side, as a share of the distance from
    the middle to that side, and it begins with the density within, so that the region of the
    level `containment` is the box.

    Parameters
    ----------
    corners
        Four of `(ra, dec)`, ICRS degrees, in the order around the box, either way round. The box
        is convex, each corner is within 80 degrees of its middle.
    containment
        Probability within the corners, 0 to 1.
    systematic
        As in `cone_localization`. The radius of each part at `containment` is added in quadrature
        to the distance of each side from the middle.

    Returns
    -------
    SkyMap
        2D, over the whole sky, finer along the sides.

    Raises
    ------
    ValueError
        If the corners are those of no such box, or the containment is impossible.
    """
    stretch = cone_sigma_deg(radius_deg=1.0, containment=containment)
    middle, normals = _sides(corners)
    half = _angles_deg(middle, normals)
    parts = [(weight, np.hypot(half, sigma / stretch)) for weight, sigma in systematic]
    edge = _first_guess(containment)

    def share(vectors: FloatArray, to_side: FloatArray) -> FloatArray:
        """Tell how far from the middle (0) to the side (1) it is, and beyond."""
        to_go = half - _angles_deg(vectors, normals)
        return np.asarray(np.max(to_go / to_side, axis=-1), dtype=np.float64)

    def is_coarse(vectors: FloatArray, size: float) -> BoolArray:
        coarse = np.zeros(len(vectors), dtype=np.bool_)
        for _, to_side in parts:
            step = size / to_side.min()
            near = share(vectors, to_side) - 1
            reach, fine = PIXEL_REACH * step, np.clip(edge, FINEST, COARSEST)
            at_side = np.abs(near) < reach
            beyond = (near > 0) & (near < REACH_EDGE * edge + reach)
            coarse |= (at_side & (step > fine)) | (beyond & (step > max(fine, edge / 2)))
        return coarse

    level, ipix, vectors = refined(is_coarse)
    area = np.ldexp(np.pi / 3, -2 * level.astype(np.int32))
    density = np.zeros(len(ipix))
    for weight, to_side in parts:
        beyond = np.maximum(share(vectors, to_side) - 1, 0)
        part = np.exp(-0.5 * (beyond / _edge(beyond, area, containment)) ** 2)
        density += weight * part / float(part @ area)
    return build_skymap(level=level, ipix=ipix, probdensity=density)


def _sides(corners: Sequence[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    """Find the middle, and the poles `(4, 3)` of the great circles of the sides, on its side.

    Raises
    ------
    ValueError
        If the corners are not four, or their box is none, is not convex or is too large.
    """
    places = np.asarray(corners, dtype=np.float64)
    if places.shape != (4, 2) or not np.all(np.isfinite(places)) or np.any(abs(places[:, 1]) > 90):
        message = "a box needs four corners, each with an ra and a dec"
        raise ValueError(message)
    vectors = unit_vectors(places[:, 0], places[:, 1])
    middle = vectors.sum(axis=0)
    middle /= np.linalg.norm(middle)
    poles = np.cross(vectors, np.roll(vectors, -1, axis=0))
    with np.errstate(invalid="ignore"):
        normals = poles / np.linalg.norm(poles, axis=-1, keepdims=True)
    normals = normals * np.sign(normals @ middle)[:, np.newaxis]
    half, inside = _angles_deg(middle, normals), _angles_deg(vectors, normals)
    diagonal = np.degrees(np.arccos(np.clip(vectors @ middle, -1, 1))).max()
    if not (
        diagonal < WIDEST_DEG
        and half.min() * LONGEST_SHAPE > diagonal
        and np.all(inside > -1e-6 * diagonal)
    ):
        message = "the corners are those of no convex box"
        raise ValueError(message)
    return middle, normals


def _angles_deg(vectors: FloatArray, normals: FloatArray) -> FloatArray:
    """Measure the angles from great circles, positive on the side of their poles; degrees."""
    return np.asarray(np.degrees(np.arcsin(np.clip(vectors @ normals.T, -1, 1))), dtype=np.float64)


def _first_guess(containment: float) -> float:
    """Find the sigma of the edge on a plane.

    The area within the share s of the way is proportional to s**2, so that the probability beyond
    the sides is to that within as 2 (t**2 + t sqrt(pi / 2)) to 1.
    """
    slope = np.sqrt(np.pi / 2)
    return float((np.sqrt(slope**2 + 2 * (1 / containment - 1)) - slope) / 2)


def _edge(beyond: FloatArray, area: FloatArray, containment: float) -> float:
    """Find the sigma of the edge with which these pixels hold `containment` within the sides."""
    within = float(area[beyond == 0].sum())
    low, high = 0.0, 100 * _first_guess(containment)
    for _ in range(_HALVINGS):
        sigma = (low + high) / 2
        held = within / float(np.exp(-0.5 * (beyond / sigma) ** 2) @ area)
        low, high = (sigma, high) if held > containment else (low, sigma)
    return (low + high) / 2
