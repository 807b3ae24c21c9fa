"""Fields in rows over a map: a tiling of its credible region for a field of view."""

import numpy as np
from scipy.spatial import cKDTree

from tom.planning.anchor import anchor_of
from tom.planning.telescope import Telescope, reach_deg
from tom.sky import Shape, SkyMap, credible_levels
from tom.sky.arrays import BoolArray, FloatArray
from tom.sky.healpix import PIXEL_REACH, PIXEL_SIZE_ORDER_0_DEG, pixel_centre, unit_vectors

Places = tuple[FloatArray, FloatArray]


def make_grid(
    skymap: SkyMap, telescope: Telescope, *, level: float = 0.99, overlap: float = 0.0
) -> Places:
    """Tile a map's credible region with the fields of a telescope.

    The fields stand in rows of one declination. One of them sees the most probable place: it is
    pointed there, or a little beside it if a gap of the field would lie on it. A circle's rows are
    shifted against each other by half a step. Rows have whole numbers of fields, so that
    neighbours overlap a little; where rows of circles do not mesh, slivers between them may stay
    free.

    Parameters
    ----------
    level
        Which region, 0 to 1.
    overlap
        By which share of its width and height a field overlaps the next one, from 0 to below 1.

    Returns
    -------
    tuple of numpy.ndarray
        RA and dec of the fields that may touch the region, ICRS degrees, each `(n,)`.
    """
    shape = telescope.field
    width, height, shift = _steps(shape, telescope.position_angle_deg)
    ra, dec = _rows(
        width * (1 - overlap), height * (1 - overlap), shift, through=anchor_of(skymap, telescope)
    )
    near = _touches(skymap, level, ra, dec, reach_deg(shape))
    return ra[near], dec[near]


def _steps(shape: Shape, position_angle_deg: float) -> tuple[float, float, float]:
    """Choose the steps within and between rows, degrees, and the shift of each second row."""
    if shape.radius_deg:
        return shape.radius_deg * np.sqrt(3), shape.radius_deg * 1.5, 0.5
    corners = np.concatenate([np.asarray(each, dtype=np.float64) for each in shape.polygons])
    turns = position_angle_deg / 90
    x, y = ((corners[:, 0] + 180) % 360 - 180), corners[:, 1]
    width, height = float(np.ptp(x)), float(np.ptp(y))
    if abs(turns - round(turns)) > 0.01:  # its sides lie across the rows: use its inner circle
        radius = min(width, height) / 2
        return radius * np.sqrt(3), radius * 1.5, 0.5
    return (height, width, 0.0) if round(turns) % 2 else (width, height, 0.0)


def _rows(width: float, height: float, shift: float, *, through: tuple[float, float]) -> Places:
    """Fill the sky with rows; one goes through a place, and has a field there."""
    ra0, dec0 = through
    below, above = int(np.ceil((90 + dec0) / height)), int(np.ceil((90 - dec0) / height))
    ras, decs = [], []
    for row in range(-below, above + 1):
        dec = float(np.clip(dec0 + row * height, -90, 90))
        widest = max(abs(dec) - height / 2, 0)
        n = max(int(np.ceil(360 * np.cos(np.radians(widest)) / width)), 1)
        ras.append((ra0 + (np.arange(n) + shift * (row % 2)) * 360 / n) % 360)
        decs.append(np.full(n, dec))
    return np.concatenate(ras), np.concatenate(decs)


def _touches(
    skymap: SkyMap, level: float, ra: FloatArray, dec: FloatArray, reach: float
) -> BoolArray:
    """Return which fields of a radius may touch the rows of a credible region, shape `(n,)`."""
    inside = (credible_levels(skymap) <= level) | (skymap.probdensity == skymap.probdensity.max())
    fields = unit_vectors(ra, dec)
    touches = np.zeros(len(ra), dtype=np.bool_)
    for order in np.unique(skymap.level[inside]).tolist():
        rows = np.flatnonzero(inside & (skymap.level == order))
        centres = unit_vectors(*pixel_centre(level=order, ipix=skymap.ipix[rows]))
        angle = min(reach + PIXEL_REACH * PIXEL_SIZE_ORDER_0_DEG / 2**order, 180.0)
        chord = 2 * np.sin(np.radians(angle) / 2)
        touches |= cKDTree(centres).query(fields, distance_upper_bound=chord)[0] < np.inf
    return touches
