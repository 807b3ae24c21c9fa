"""Where M dwarfs stand densely: their flares are the commonest fast transients that deceive.

The disks' laws are those of Bochanski et al. 2010 (https://doi.org/10.1088/0004-6256/139/6/2679),
integrated along a line of sight. No published law says how the share of dwarfs that flare falls
with the height above the plane all over the sky, so all dwarfs count the same here.
"""

from functools import cache

import contourpy
import numpy as np
import numpy.typing as npt

from tom.sky.arrays import FloatArray
from tom.sky.extinction import GALACTIC_FROM_ICRS
from tom.sky.healpix import radec_of_vectors, unit_vectors

# kpc: scale heights and lengths of the thin and the thick disk, and the thick one's local share.
THIN_HEIGHT, THIN_LENGTH = 0.30, 3.1
THICK_HEIGHT, THICK_LENGTH = 2.1, 3.7
THICK_SHARE = 0.04
SUN_RADIUS, SUN_HEIGHT = 8.5, 0.015
# kpc. A strong flare, of six magnitudes, lifts a dwarf of absolute magnitude 17 in g to 21 here.
REACH = 1.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
GRID_DEG = 3.0


def dwarf_density(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> FloatArray:
    """Count M dwarfs along Galactic directions, in units of the north Galactic pole's.

    Parameters
    ----------
    longitude, latitude
        Galactic degrees, any shape that broadcasts.

    Returns
    -------
    numpy.ndarray
        Dwarfs per solid angle within `REACH` over those at the pole, in the broadcast shape.
    """
    pole = _column(np.array(0.0), np.array(90.0))
    lon, lat = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
    return np.asarray(_column(lon, lat) / pole)


@cache
def mean_density() -> float:
    """Return the mean of `dwarf_density` over the whole sky."""
    sine, weight = np.polynomial.legendre.leggauss(128)
    longitude = np.arange(0, 360, GRID_DEG)
    field = dwarf_density(longitude[None, :], np.degrees(np.arcsin(sine))[:, None])
    return float(field.mean(axis=1) @ weight / 2)


def _column(longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    lon, lat = np.radians(longitude)[..., None], np.radians(latitude)[..., None]
    distance = REACH * (NODES + 1) / 2
    height = np.abs(SUN_HEIGHT + distance * np.sin(lat))
    x, y = SUN_RADIUS - distance * np.cos(lat) * np.cos(lon), distance * np.cos(lat) * np.sin(lon)
    outward = np.hypot(x, y) - SUN_RADIUS
    thin = (1 - THICK_SHARE) * np.exp(-height / THIN_HEIGHT - outward / THIN_LENGTH)
    thick = THICK_SHARE * np.exp(-height / THICK_HEIGHT - outward / THICK_LENGTH)
    return np.asarray((distance**2 * (thin + thick)) @ WEIGHTS)


def dwarf_lines(times: float) -> list[tuple[FloatArray, FloatArray]]:
    """Draw the lines along which dwarfs are so many times as dense as at the Galactic pole.

    Returns
    -------
    list
        Open lines: arrays of RA (0 to 360) and dec in ICRS degrees.
    """
    longitude = np.arange(0, 360 + GRID_DEG, GRID_DEG)
    latitude = np.arange(-90, 90 + GRID_DEG, GRID_DEG)
    field = dwarf_density(longitude[None, :], latitude[:, None])
    generator = contourpy.contour_generator(
        longitude, latitude, field, line_type=contourpy.LineType.Separate
    )
    lines = [np.asarray(line, dtype=np.float64) for line in generator.lines(times)]
    return [radec_of_vectors(unit_vectors(*line.T) @ GALACTIC_FROM_ICRS) for line in lines]
