"""Project the volume of a 3D sky map on three planes, as seen along its principal axes.

In each row the density per volume is rho N gauss(r; mu, sigma). It is evaluated once at the nodes
of a cube, and summed along each axis of the cube. ligo.skymap's `volume_render` integrates along
each line of sight of each picture by itself instead, which takes thirty times as long.
"""

import numpy as np

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.distance import distance_rows, mean_square_distance
from tom.sky.healpix import ORDER, pixel_centre, unit_vectors
from tom.sky.quick_healpy import healpy
from tom.sky.skymap import SkyMap, has_distance, row_at

# The axes of each picture: those that go down and to the right.
PLANES = ((0, 1), (2, 0), (2, 1))


def principal_axes(skymap: SkyMap) -> FloatArray:
    """Find the principal axes of a 3D map's probability around the observer.

    Returns
    -------
    numpy.ndarray
        Shape `(3, 3)`: the unit vectors in its columns, right-handed, the axis along which the
        probability lies nearest first. An axis may point either way.

    Raises
    ------
    ValueError
        If no row has a distance.
    """
    known = np.flatnonzero(has_distance(skymap))
    if not known.size:
        message = "the map has no distance"
        raise ValueError(message)
    mu, sigma, _ = distance_rows(skymap, known)
    mass = skymap.probability[known] * mean_square_distance(mu, sigma)
    centres = pixel_centre(level=skymap.level[known], ipix=skymap.ipix[known])
    directions = unit_vectors(*centres)
    _, axes = np.linalg.eigh((directions * mass[:, None]).T @ directions)
    return np.asarray(-axes if np.linalg.det(axes) < 0 else axes, dtype=np.float64)


def project_volume(
    skymap: SkyMap, axes: FloatArray, *, half_width_mpc: float, n: int
) -> FloatArray:
    """Integrate a map's density per volume along each of three axes, within a cube.

    The integral is a sum over `n` nodes. It is exact for a map that changes little between two
    nodes.

    Parameters
    ----------
    axes
        Shape `(3, 3)`: the cube's axes as unit vectors in its columns.
    half_width_mpc
        From the observer to a face of the cube, Mpc.
    n
        Nodes along an edge. The outermost ones lie on the faces.

    Returns
    -------
    numpy.ndarray
        Shape `(3, n, n)`, 1/Mpc2: a picture for each of `PLANES`. Both its axes ascend.
    """
    edge = np.linspace(-half_width_mpc, half_width_mpc, n)
    down, right = (part.ravel() for part in np.meshgrid(edge, edge, indexing="ij"))
    found = np.zeros((3, n, n))
    columns = _columns(skymap)
    for i, depth in enumerate(edge):
        places = depth * axes[:, 0, None] + down * axes[:, 1, None] + right * axes[:, 2, None]
        slab = _density(skymap, columns, places).reshape(n, n)
        found[0, i] = slab.sum(axis=1)
        found[1, :, i] = slab.sum(axis=0)
        found[2] += slab.T
    return np.asarray(found * (edge[1] - edge[0]), dtype=np.float64)


def _columns(skymap: SkyMap) -> FloatArray:
    """Amplitude, mu and 1/sigma of each row, and of none: shape `(3, n + 1)`, without a NaN."""
    rows = np.append(np.arange(skymap.n), -1)
    mu, sigma, norm = distance_rows(skymap, rows)
    amplitude = skymap.probdensity[rows] * norm / (np.sqrt(2 * np.pi) * sigma)
    columns = np.stack([amplitude, mu, 1 / sigma])
    return np.where(np.isfinite(columns), columns, 0.0)


def _density(skymap: SkyMap, columns: FloatArray, places: FloatArray) -> FloatArray:
    """Find the probability per Mpc3 at places of shape `(3, m)`, Mpc."""
    amplitude, mu, steepness = columns[:, _rows_at(skymap, places)]
    distance = np.sqrt((places**2).sum(axis=0))
    return np.asarray(amplitude * np.exp(-0.5 * ((distance - mu) * steepness) ** 2))


def _rows_at(skymap: SkyMap, places: FloatArray) -> IntArray:
    """Find the rows in the directions of places: the pixels of the map's finest level suffice."""
    level = int(skymap.level.max())
    pixels = np.asarray(healpy.vec2pix(1 << level, *places, nest=True), dtype=np.int64)
    return row_at(skymap, pixels << (2 * (ORDER - level)))
