"""Dust of the Milky Way: reddening at a position, and its extinction per band.

The project has no dust map. Unless an observatory supplies one (`read_ebv_map`), the reddening is a
cosecant law of Galactic latitude, with a wide error.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import FloatArray
from tom.sky.healpix import unit_vectors
from tom.sky.quick_healpy import healpy

# Fitted to the SFD reddening of the 3,275 supernovae of ZTF's Bright Transient Survey and of the
# Young Supernova Experiment: E(B-V) sin|b| has a median of 0.022, a mean of 0.026, and scatters by
# a factor of exp(0.55) about it. Within 5 degrees of the plane there was nothing to fit.
POLAR_EBV = 0.024
FRACTIONAL_SIGMA = 0.6
CSC_MAX = 12.0

# North Galactic pole and Galactic centre in ICRS: Hipparcos catalogue, ESA SP-1200, vol. 1, 1.5.3.
GALACTIC_FROM_ICRS = np.array(
    [
        [-0.0548755604162154, -0.8734370902348850, -0.4838350155487132],
        [+0.4941094278755837, -0.4448296299600112, +0.7469822444972189],
        [-0.8676661490190047, -0.1980763734312015, +0.4559837761750669],
    ]
)

# A_band / E(B-V) of SFD for R_V 3.1: Schlafly & Finkbeiner 2011, table 6,
# https://doi.org/10.1088/0004-637X/737/2/103: Pan-STARRS1's filters, and LSST's without a prefix.
COEFFICIENTS = {
    "ps1_g": 3.172,
    "ps1_r": 2.271,
    "ps1_i": 1.682,
    "u": 4.145,
    "g": 3.237,
    "r": 2.273,
    "i": 1.684,
    "z": 1.323,
    "y": 1.088,
}


@dataclass(frozen=True, eq=False)
class EbvMap:
    """A full-sky map of E(B-V): magnitudes by HEALPix index, in Galactic or ICRS coordinates."""

    values: FloatArray
    nested: bool
    galactic: bool


def galactic(ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Turn ICRS degrees into Galactic longitude (0 to 360) and latitude in degrees."""
    x, y, z = np.moveaxis(unit_vectors(ra, dec) @ GALACTIC_FROM_ICRS.T, -1, 0)
    longitude = np.degrees(np.arctan2(y, x)) % 360
    latitude = np.degrees(np.arctan2(z, np.hypot(x, y)))
    return np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)


def milky_way_ebv(
    ra: npt.ArrayLike, dec: npt.ArrayLike, *, dust: EbvMap | None = None
) -> tuple[FloatArray, FloatArray]:
    """Estimate the Milky Way's E(B-V) and its standard deviation in magnitudes.

    Parameters
    ----------
    ra, dec
        ICRS degrees, any shape.
    dust
        A map to use instead of the cosecant law; its values count as good to 16% (Schlegel et al.
        1998, https://doi.org/10.1086/305772). If it has no value at a position, the law is used.

    Returns
    -------
    tuple of numpy.ndarray
        E(B-V) on the scale of SFD, and one standard deviation, in the broadcast shape. The cosecant
        law is inexact, so its deviation is wide, above all near the Galactic plane.
    """
    _, latitude = galactic(ra, dec)
    path = np.minimum(1 / np.maximum(np.abs(np.sin(np.radians(latitude))), 1e-9), CSC_MAX)
    ebv = np.asarray(POLAR_EBV * path, dtype=np.float64)
    if dust is None:
        return ebv, FRACTIONAL_SIGMA * ebv
    mapped = _from_map(ra, dec, dust)
    known = mapped >= 0  # HEALPix files say -1.6375e30 or NaN where they know nothing
    return np.where(known, mapped, ebv), np.where(known, 0.16 * mapped, FRACTIONAL_SIGMA * ebv)


def extinction_coefficient(band: str) -> float:
    """Return A_band / E(B-V) of a filter: `ps1_g`, `ps1_r`, `ps1_i`, or LSST's `u g r i z y`.

    Raises
    ------
    KeyError
        If the band is not known.
    """
    return COEFFICIENTS[band]


def read_ebv_map(path: str) -> EbvMap:
    """Read a full-sky HEALPix FITS map of E(B-V); its frame is its COORDSYS (Galactic if none)."""
    values, header = healpy.read_map(path, nest=None, h=True, dtype=np.float64)
    cards = dict(header)
    return EbvMap(
        values=np.asarray(values, dtype=np.float64),
        nested=str(cards.get("ORDERING", "RING")).upper().startswith("NEST"),
        galactic=str(cards.get("COORDSYS", "G")).upper().startswith("G"),
    )


def _from_map(ra: npt.ArrayLike, dec: npt.ArrayLike, dust: EbvMap) -> FloatArray:
    longitude, latitude = galactic(ra, dec) if dust.galactic else (np.asarray(ra), np.asarray(dec))
    values = healpy.get_interp_val(dust.values, longitude, latitude, nest=dust.nested, lonlat=True)
    return np.asarray(values, dtype=np.float64)
