r"""Distances in a 3D sky map: in one direction, of the whole map, and compared with a host's.

In a row of density rho the distance r follows p(r) = N r^2 gauss(r; mu, sigma) (Singer et al.
2016, https://doi.org/10.3847/2041-8205/829/1/L15). A volume element is r^2 dr dOmega, so the r^2
cancels in the density per volume, rho N gauss(r; mu, sigma), and all integrals are closed.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.skymap import SkyMap, has_distance, row_at

SCALES_IN_HORIZON = 10.0
_MOST_LOG = 600.0  # what comes near it is no host's: the product stays finite


def distance_probability_fraction(skymap: SkyMap) -> float:
    """Find the share of the probability, 0 to 1, in rows that have a distance."""
    return float(skymap.probability[has_distance(skymap)].sum() / skymap.probability.sum())


def distance_pdf_at(
    skymap: SkyMap, hpx29: npt.ArrayLike, distance_mpc: npt.ArrayLike
) -> FloatArray:
    """Find the density of distance along directions, p(r | direction).

    Parameters
    ----------
    hpx29
        Nested order-29 ids, shape `(m,)`.
    distance_mpc
        Mpc, shape `(m,)` or scalar.

    Returns
    -------
    numpy.ndarray
        1/Mpc, shape `(m,)`; NaN: the map has no distance there, or `distance_mpc` is not above 0.
    """
    mu, sigma, norm = distance_rows(skymap, row_at(skymap, hpx29))
    r = _positive(distance_mpc)
    return np.asarray(norm * r**2 * gauss(r, mu, sigma), dtype=np.float64)


def distance_pdf(skymap: SkyMap, distance_mpc: npt.ArrayLike) -> FloatArray:
    """Find the density of distance over the whole map, p(r): the mean of the rows that have one.

    Parameters
    ----------
    distance_mpc
        Mpc, shape `(m,)`.

    Returns
    -------
    numpy.ndarray
        1/Mpc, shape `(m,)`, of the probability that has a distance; NaN: the map has none, or
        `distance_mpc` is not above 0.
    """
    mu, sigma, weight = _weighed_rows(skymap)
    total = float(weight @ _radial_moments(mu, sigma)[0])
    radii = np.atleast_1d(_positive(distance_mpc))
    if not 0 < total < np.inf:
        return np.full(radii.shape, np.nan)
    sums = [float(weight @ gauss(r, mu, sigma)) for r in radii.tolist()]
    return np.asarray(radii**2 * np.array(sums) / total, dtype=np.float64)


def distance_overlap(
    skymap: SkyMap,
    hpx29: npt.ArrayLike,
    *,
    distance_mpc: npt.ArrayLike,
    distance_sigma_mpc: npt.ArrayLike,
    horizon_mpc: float,
) -> FloatArray:
    """Compare a host's distance with the map's: the likelihood ratio of a true association.

    It is the integral over d of p_GW(d | direction) p_host(d) / p_background(d). The host's
    distance is a Gaussian cut off at 0. Unrelated hosts fill the volume as far as the survey sees
    their transients: p_background(d) = d^2 exp(-d / scale) / (2 scale^3), with `unrelated_scale`.
    The d^2 cancels, so the integral has a closed form.

    Parameters
    ----------
    hpx29
        Nested order-29 ids, shape `(m,)`.
    distance_mpc, distance_sigma_mpc
        The host's distance and its error in Mpc, shape `(m,)` or scalar. The error is the total
        one, with the peculiar velocity; 0 is allowed.
    horizon_mpc
        The distance, Mpc, within which 99.7% of unrelated hosts lie. The ratio of a near host grows
        with its cube: take the depth of the survey from which the transients come.

    Returns
    -------
    numpy.ndarray
        Ratio, 0 or more, no unit, shape `(m,)`; NaN: the map or the host has no distance.
    """
    mu, sigma, norm = distance_rows(skymap, row_at(skymap, hpx29))
    host, error = _positive(distance_mpc), _not_negative(distance_sigma_mpc)
    variance = sigma**2 + error**2
    both = (mu * error**2 + host * sigma**2) / variance
    # For an exact host the width of the product is 0; a tiny width keeps the step at 0.
    width = np.maximum(sigma * error / np.sqrt(variance), 1e-12 * sigma)
    scale = unrelated_scale(horizon_mpc)
    log_product = -0.5 * (host - mu) ** 2 / variance + both / scale + 0.5 * (width / scale) ** 2
    product = np.exp(np.minimum(log_product, _MOST_LOG)) / np.sqrt(2 * np.pi * variance)
    within = ndtr(both / width + width / scale)
    cut = ndtr(host / np.maximum(error, 1e-12 * host))
    return np.asarray(2 * norm * scale**3 * product * within / cut, dtype=np.float64)


def unlisted_share(
    skymap: SkyMap, hpx29: npt.ArrayLike, *, edges_mpc: npt.ArrayLike, completeness: npt.ArrayLike
) -> FloatArray:
    """Find the chance that what lies in a direction at the map's distance is in no catalogue.

    Parameters
    ----------
    hpx29
        Nested order-29 ids, shape `(m,)`.
    edges_mpc, completeness
        Shells of distance from 0 on, ascending, shape `(k + 1,)`, and the share of the light that
        is listed in each, shape `(k,)`; beyond the last edge none is.

    Returns
    -------
    numpy.ndarray
        0 to 1, shape `(m,)`; NaN: the map has no distance there.
    """
    rows, at = np.unique(row_at(skymap, hpx29), return_inverse=True)
    mu, sigma, norm = (column[:, None] for column in distance_rows(skymap, rows))
    edges = np.asarray(edges_mpc, float)[None]
    in_shell = norm * radial_mass(edges[:, :-1], edges[:, 1:], mu, sigma)
    share = np.clip(1 - in_shell @ np.asarray(completeness, float), 0.0, 1.0)
    return np.asarray(share[at])


def unrelated_scale(horizon_mpc: float) -> float:
    """Return the scale in Mpc of p(d) = d^2 exp(-d / scale) / (2 scale^3) of unrelated hosts.

    A survey limited in magnitude sees fewer of the transients the farther they are. The mean
    distance is three scales, and 99.7% lie within the horizon.
    """
    return horizon_mpc / SCALES_IN_HORIZON


def distance_moments(skymap: SkyMap) -> tuple[float, float]:
    """Find the mean and standard deviation, in Mpc, of the distance over the rows that have one.

    Both are NaN if no row with a distance has a probability. Otherwise they equal a map's own
    `DISTMEAN` and `DISTSTD`.
    """
    mu, sigma, weight = _weighed_rows(skymap)
    second, third, fourth = _radial_moments(mu, sigma)
    total = float(weight @ second)
    if not 0 < total < np.inf:  # no row, or none whose distribution reaches above 0
        return float("nan"), float("nan")
    mean = float(weight @ third) / total
    return mean, float(np.sqrt(max(float(weight @ fourth) / total - mean**2, 0.0)))


def _weighed_rows(skymap: SkyMap) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mu, sigma and probability times norm of the rows with a distance and a probability."""
    known = np.flatnonzero(has_distance(skymap) & (skymap.probdensity > 0))
    mu, sigma, norm = distance_rows(skymap, known)
    return mu, sigma, skymap.probability[known] * norm


def distance_modulus_at(skymap: SkyMap, hpx29: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Find the distance modulus along directions, as a Gaussian.

    A distance whose logarithm is Gaussian has the mean and the variance of the map's.

    Parameters
    ----------
    hpx29
        Nested order-29 ids, shape `(m,)`.

    Returns
    -------
    tuple of numpy.ndarray
        Mean and standard deviation, magnitudes, shape `(m,)`; NaN: the map has no distance there.
    """
    mu, sigma, _ = distance_rows(skymap, row_at(skymap, hpx29))
    with np.errstate(invalid="ignore", divide="ignore"):
        second, third, fourth = _radial_moments(mu, sigma)
        mean = third / second
        spread = np.log(fourth / second / mean**2)  # the variance of the logarithm
        modulus = 5 * (np.log(mean) - spread / 2) / np.log(10) + 25
        error = 5 * np.sqrt(spread) / np.log(10)
    known = np.isfinite(modulus) & np.isfinite(error)
    return np.where(known, modulus, np.nan), np.where(known, error, np.nan)


def mean_square_distance(mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Find the mean of r^2, Mpc2, in rows with these parameters in Mpc, shape `(n,)`."""
    second, _, fourth = _radial_moments(mu, sigma)
    return np.asarray(fourth / second, dtype=np.float64)


def distance_rows(skymap: SkyMap, row: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return `distmu, distsigma, distnorm` of rows; NaN for row -1 and rows without a distance."""
    if skymap.distmu is None or skymap.distsigma is None or skymap.distnorm is None:
        nothing = np.full(np.shape(row), np.nan)
        return nothing, nothing, nothing
    known = has_distance(skymap)[row] & (row >= 0)
    columns = (skymap.distmu, skymap.distsigma, skymap.distnorm)
    mu, sigma, norm = (np.where(known, column[row], np.nan) for column in columns)
    return mu, sigma, norm


def gauss(x: npt.ArrayLike, mu: npt.ArrayLike, sigma: npt.ArrayLike) -> FloatArray:
    """Evaluate the normal density of `x`, in 1 / its unit."""
    z = (np.asarray(x) - mu) / np.asarray(sigma)
    return np.asarray(np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sigma), dtype=np.float64)


def radial_mass(near: FloatArray, far: FloatArray, mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Integrate r^2 gauss(r; mu, sigma) from `near` to `far`, both at least 0.

    If mu is negative, only the far tail of the Gaussian counts. Then the integral is computed from
    infinity down: otherwise it would be the difference of two equal numbers.
    """
    side = np.where(mu < 0, -1.0, 1.0)
    mass = side * (_primitive(far, mu, sigma, side) - _primitive(near, mu, sigma, side))
    return np.asarray(mass, dtype=np.float64)


def _primitive(r: FloatArray, mu: FloatArray, sigma: FloatArray, side: FloatArray) -> FloatArray:
    z = (r - mu) / sigma
    slope = sigma * (r + mu) * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray((mu**2 + sigma**2) * ndtr(side * z) - side * slope, dtype=np.float64)


def _radial_moments(mu: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Integrate r^k gauss(r; mu, sigma) over r > 0 for k = 2, 3, 4, by parts."""
    zeroth = ndtr(mu / sigma)
    first = mu * zeroth + sigma**2 * gauss(0.0, mu, sigma)
    second = mu * first + sigma**2 * zeroth
    third = mu * second + 2 * sigma**2 * first
    return second, third, mu * third + 3 * sigma**2 * second


def _positive(values: npt.ArrayLike) -> FloatArray:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(numbers > 0, numbers, np.nan)


def _not_negative(values: npt.ArrayLike) -> FloatArray:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(numbers >= 0, numbers, np.nan)
