r"""Which galaxy is a transient's host: light radii, chance coincidence, and shares with "none".

The shares come from one statement: transients follow light. A galaxy of luminosity L at a place has
the density L f(place) per steradian, where f is how transients lie around a galaxy. Galaxies that
no catalogue lists have the density that is left of the mean universe's light. Both count as far as
the survey sees such transients: the share exp(-d / scale) of those at the distance d. Each share is
its density over the sum. The mathematics follows Gagliano et al. 2021
(https://doi.org/10.3847/1538-4357/abd02b) and its package Prost, with light in place of Prost's
prior over redshifts.
"""

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.healpix import unit_vectors

# The half-light radius over that of the isophote at 25 mag/arcsec2, as in Prost. An exponential
# disk of Freeman's central brightness has 0.54.
HALF_LIGHT_OF_ISOPHOTE = 0.5
# Of a galaxy whose size is not known, kpc.
TYPICAL_HALF_LIGHT_KPC = 4.0
# No galaxy is smaller than what blurs its image and the transient's place.
LEAST_RADIUS_ARCSEC = 1.0
# An exponential disk has half its light within 1.678 scale lengths.
HALF_LIGHT_SCALES = 1.678
# Compact binaries also merge outside of the light, at up to ten half-light radii: Fong et al. 2022
# (https://doi.org/10.3847/1538-4357/ac91d0). This share lies four times as far out as the light.
WIDE_SHARE, WIDE_FACTOR = 0.25, 4.0
# B - R of a spiral: Fukugita et al. 1995 (https://doi.org/10.1086/133643).
B_MINUS_R = 1.2
ARCSEC2_IN_SR = (180 / np.pi * 3600) ** 2


def offsets(
    *, ra: npt.ArrayLike, dec: npt.ArrayLike, galaxy_ra: npt.ArrayLike, galaxy_dec: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return how far transients lie from galaxies, and in which direction.

    Parameters
    ----------
    ra, dec, galaxy_ra, galaxy_dec
        ICRS degrees, shape `(n,)`.

    Returns
    -------
    separation_arcsec, position_angle_deg
        Arcsec; degrees from north through east, in -180 to 180, at the galaxy. Shape `(n,)`.
    """
    there, here = unit_vectors(ra, dec), unit_vectors(galaxy_ra, galaxy_dec)
    longitude = np.radians(galaxy_ra)
    zero = np.zeros(np.shape(longitude))
    east = np.stack([-np.sin(longitude), np.cos(longitude), zero], axis=-1)
    north = np.cross(here, east)
    x, y = np.sum(there * east, axis=-1), np.sum(there * north, axis=-1)
    along = np.sum(there * here, axis=-1)
    separation = np.degrees(np.arctan2(np.hypot(x, y), along)) * 3600
    return np.asarray(separation), np.asarray(np.degrees(np.arctan2(x, y)))


def half_light_arcsec(*, diameter_arcsec: npt.ArrayLike, distance_mpc: npt.ArrayLike) -> FloatArray:
    """Return semi-major half-light radii in arcsec, shape `(n,)`, never NaN.

    A galaxy of unknown size (NaN) has a typical one at its distance; without a distance, the least.
    """
    measured = np.asarray(diameter_arcsec, float) / 2 * HALF_LIGHT_OF_ISOPHOTE
    typical = np.degrees(TYPICAL_HALF_LIGHT_KPC / 1000 / np.asarray(distance_mpc, float)) * 3600
    radius = np.where(np.isnan(measured), typical, measured)
    return np.fmax(radius, LEAST_RADIUS_ARCSEC)


def directional_light_radius(
    *,
    half_light_arcsec: npt.ArrayLike,
    axis_ratio: npt.ArrayLike,
    axis_angle_deg: npt.ArrayLike,
    position_angle_deg: npt.ArrayLike,
) -> FloatArray:
    """Return the radius of each galaxy's half-light ellipse towards a transient.

    Sullivan et al. 2006 (https://doi.org/10.1086/506137), Gupta et al. 2016
    (https://doi.org/10.3847/0004-6256/152/6/154).

    Parameters
    ----------
    half_light_arcsec
        Semi-major axis, arcsec, shape `(n,)`.
    axis_ratio
        Minor over major axis, above 0 to 1; NaN: a circle.
    axis_angle_deg, position_angle_deg
        Angles of the major axis and of the transient, degrees from north through east. NaN: the
        axis is not known; a circle of the ellipse's area is used.

    Returns
    -------
    numpy.ndarray
        Arcsec, shape `(n,)`, from the semi-minor to the semi-major axis.
    """
    a = np.asarray(half_light_arcsec, float)
    q = np.where(np.isnan(axis_ratio), 1.0, axis_ratio)
    theta = np.radians(np.asarray(position_angle_deg, float) - np.asarray(axis_angle_deg, float))
    towards = a * q / np.hypot(q * np.cos(theta), np.sin(theta))
    return np.asarray(np.where(np.isnan(theta), a * np.sqrt(q), towards))


def chance_coincidence(
    *,
    separation_arcsec: npt.ArrayLike,
    half_light_arcsec: npt.ArrayLike,
    r_magnitude: npt.ArrayLike,
) -> FloatArray:
    """Return the chance of an unrelated galaxy so bright within such a radius.

    Bloom, Kulkarni & Djorgovski 2002 (https://doi.org/10.1086/338893), equations 1 to 3: the radius
    is sqrt(separation^2 + 4 half-light^2), and the counts are those of Hogg et al. 1997 in R. The
    counts are too high for galaxies brighter than R 15, so their chance is an upper limit.

    Parameters
    ----------
    separation_arcsec, half_light_arcsec
        Arcsec, shape `(n,)`.
    r_magnitude
        The galaxy's magnitude in R, shape `(n,)`; NaN: not known.

    Returns
    -------
    numpy.ndarray
        0 to 1, shape `(n,)`; NaN without a magnitude.
    """
    counts = 10 ** (0.334 * (np.asarray(r_magnitude, float) - 22.963) + 4.320)
    per_arcsec2 = counts / (3600**2 * 0.334 * np.log(10))
    radius = np.hypot(separation_arcsec, 2 * np.asarray(half_light_arcsec, float))
    return np.asarray(-np.expm1(-np.pi * radius**2 * per_arcsec2))


def offset_density(
    *, ratio: npt.ArrayLike, half_light_arcsec: npt.ArrayLike, axis_ratio: npt.ArrayLike
) -> FloatArray:
    """Return how densely a galaxy's transients lie at a place, per steradian; its sum is 1.

    Most lie as the light does, `WIDE_SHARE` of them `WIDE_FACTOR` times farther out. `ratio` is the
    separation over the directional light radius; the others as in `directional_light_radius`. All
    have the shape `(n,)`.
    """
    rho = np.asarray(ratio, float)
    a = np.asarray(half_light_arcsec, float)
    b = np.maximum(a * np.where(np.isnan(axis_ratio), 1.0, axis_ratio), LEAST_RADIUS_ARCSEC / 2)
    wide = HALF_LIGHT_SCALES / WIDE_FACTOR
    profile = (1 - WIDE_SHARE) * _disk(rho, HALF_LIGHT_SCALES) + WIDE_SHARE * _disk(rho, wide)
    return np.asarray(profile / (a * b) * ARCSEC2_IN_SR)


def _disk(rho: FloatArray, scales: float) -> FloatArray:
    """Return the exponential disk's density in its own plane; its sum is 1."""
    return np.asarray(scales**2 / (2 * np.pi) * np.exp(-scales * rho))


def unseen_density(
    *,
    edges_mpc: npt.ArrayLike,
    completeness: npt.ArrayLike,
    mean_density: float,
    scale_mpc: float,
) -> float:
    """Return the light of galaxies that the catalogue lacks, per steradian, as the survey sees it.

    Parameters
    ----------
    edges_mpc, completeness
        The edges of shells of distance from 0 on, ascending, shape `(k + 1,)`, and the share of
        the light that the catalogue has in each, 0 to 1, shape `(k,)`; beyond the last edge it has
        none.
    mean_density
        The mean universe's light per Mpc3, in any unit.
    scale_mpc
        The survey sees the share exp(-d / scale) of the transients at the distance d.
    """
    mass = _seen_volume(np.asarray(edges_mpc, float), scale_mpc)
    lacking = (1 - np.asarray(completeness, float)) @ np.diff(mass)
    return float(mean_density * (lacking + 2 * scale_mpc**3 - mass[-1]))


def _seen_volume(distance_mpc: FloatArray, scale: float) -> FloatArray:
    """Integrate d^2 exp(-d / scale) from 0 to each distance, Mpc3 per steradian."""
    x = distance_mpc / scale
    return np.asarray(scale**3 * (2 - np.exp(-x) * (x**2 + 2 * x + 2)))


def host_shares(
    *, target: IntArray, density: FloatArray, n: int, unseen: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Share each target out among its galaxies and "none of them".

    Parameters
    ----------
    target
        The number of each pair's target, 0 to `n` - 1, shape `(m,)`.
    density
        The galaxy's luminosity times `offset_density` there, per steradian, shape `(m,)`.
    n
        How many targets there are.
    unseen
        The density of galaxies that no catalogue lists, above 0, in the same unit, shape `(n,)` or
        scalar.

    Returns
    -------
    shares, none
        The chance of each pair, shape `(m,)`, and that of no listed galaxy, shape `(n,)`; those of
        one target sum to 1.
    """
    none = np.broadcast_to(np.asarray(unseen, float), n)
    total = np.bincount(target, weights=density, minlength=n) + none
    return density / total[target], none / total
