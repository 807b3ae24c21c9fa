r"""How likely the galaxies of a catalogue are the host of an event, by its map alone.

Mergers follow light. In a sky of the density rho(direction) and the distances p(d | direction), a
galaxy of luminosity L at the distance d has the weight L rho p(d) / d^2: its light, times the
probability per volume where it is. The weights of all galaxies of the universe sum to the mean
light per volume, as the integral of rho p(d) over the sky and all distances is 1. So the share
of the light that no catalogue lists, at the map's distances, is the chance of none of them.
"""

import numpy as np
from scipy.special import ndtr

from tom.sky.arrays import FloatArray, IntArray
from tom.sky.distance import distance_rows, gauss, radial_mass
from tom.sky.hosts import unseen_density
from tom.sky.levels import credible_levels
from tom.sky.skymap import SkyMap, row_at

# The share of unrelated transients that a survey sees, over all distances.
MEAN_SEEN = 1 / 8
# Of a larger map, every n-th row within this level is read for the mean completeness.
MOST_ROWS = 20_000
INSIDE = 0.99


def galaxy_weights(
    skymap: SkyMap,
    hpx29: IntArray,
    *,
    luminosity: FloatArray,
    distance_mpc: FloatArray,
    distance_error_mpc: FloatArray,
    scale_mpc: float,
) -> FloatArray:
    """Weigh galaxies: light times the map's probability per volume, averaged over their errors.

    Parameters
    ----------
    hpx29
        Nested order-29 ids, shape `(m,)`.
    luminosity
        In any unit, shape `(m,)`, at the catalogue's distance.
    distance_mpc, distance_error_mpc
        Shape `(m,)`; a NaN distance: not known, so it follows the law of unrelated sources.
    scale_mpc
        Of p(d) = d^2 exp(-d / scale) / (2 scale^3), which stands in where the map has no distance
        (`unrelated_scale`).

    Returns
    -------
    numpy.ndarray
        In the luminosity's unit per Mpc3, shape `(m,)`; 0 outside of the map.
    """
    row = row_at(skymap, hpx29)
    mu, sigma, norm = distance_rows(skymap, row)
    error = np.maximum(distance_error_mpc, 1e-6)
    there = norm * gauss(distance_mpc, mu, np.hypot(sigma, error)) / ndtr(distance_mpc / error)
    # Seen at another distance than the catalogue's, the same galaxy has another light.
    variance = sigma**2 + error**2
    mean = (mu * error**2 + distance_mpc * sigma**2) / variance
    there *= (mean**2 + (sigma * error) ** 2 / variance) / distance_mpc**2
    law = 1 / (2 * scale_mpc**3)
    in_map = np.where(np.isnan(distance_mpc), law * np.exp(-mu / scale_mpc), there)
    seen = np.exp(-distance_mpc / scale_mpc)
    without = law * np.where(np.isnan(distance_mpc), MEAN_SEEN, seen)
    density = np.where(row >= 0, skymap.probdensity[row], 0.0)
    return np.asarray(luminosity * density * np.where(np.isnan(mu), without, in_map))


def distance_offsets(
    skymap: SkyMap, hpx29: IntArray, *, distance_mpc: FloatArray, distance_error_mpc: FloatArray
) -> FloatArray:
    """Return how far galaxies lie behind the map's distance, in standard deviations of both.

    Shape `(m,)`; NaN: the map or the galaxy has no distance.
    """
    mu, sigma, _ = distance_rows(skymap, row_at(skymap, hpx29))
    return np.asarray((distance_mpc - mu) / np.hypot(sigma, distance_error_mpc))


def mean_completeness(
    skymap: SkyMap, *, edges_mpc: FloatArray, completeness: FloatArray, scale_mpc: float
) -> float:
    """Average the completeness of a catalogue over a map's distances.

    Parameters
    ----------
    edges_mpc, completeness
        The edges of shells of distance from 0 on, shape `(k + 1,)`, and the share of the light that
        the catalogue lists in each, shape `(k,)`; beyond the last edge it lists none.

    Returns
    -------
    float
        0 to 1.
    """
    rows = np.flatnonzero(credible_levels(skymap) <= INSIDE)
    rows = rows if len(rows) else np.array([int(np.argmax(skymap.probdensity))])
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    mu, sigma, norm = distance_rows(skymap, rows)
    missing = unseen_density(
        edges_mpc=edges_mpc, completeness=completeness, mean_density=1.0, scale_mpc=scale_mpc
    )
    listed = np.full(len(rows), 1 - missing / (2 * scale_mpc**3))
    known = np.isfinite(mu)
    mu, sigma, norm = mu[known], sigma[known], norm[known]
    listed[known] = 0.0
    for near, far, share in zip(edges_mpc[:-1], edges_mpc[1:], completeness, strict=True):
        shell = radial_mass(np.full_like(mu, near), np.full_like(mu, far), mu, sigma)
        listed[known] += share * norm * shell
    weight = skymap.probability[rows]
    return float(np.clip(listed @ weight / weight.sum(), 0, 1))
