"""Credible levels and volumes of a 3D sky map, in closed form and not on a grid.

In each row, the densities per volume above t fill one interval of distance, and its mass has a
closed form. So the probability P(t) above a density t is a sum over rows. It is tabulated once for
each map.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from scipy.special import erf, ndtr

from tom.sky.arrays import BoolArray, FloatArray, IntArray
from tom.sky.distance import distance_rows, gauss, radial_mass
from tom.sky.skymap import SkyMap, has_distance, row_at

N_COARSE = 24
N_FINE = 200
N_BETWEEN = 4
# All rows and densities that are left out together have less than this share of the probability.
NEGLIGIBLE = 1e-7
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
BATCH = 65536


@dataclass(frozen=True, eq=False)
class _Volume:
    """The rows with a distance, the densest peak first, and the table of P against log t."""

    log_peak: FloatArray
    mu: FloatArray
    sigma: FloatArray
    weight: FloatArray
    area_sr: FloatArray
    total: float

    def depth(self, log_t: float) -> FloatArray:
        """Find by how much, in log density, the peaks of the rows that exceed a density do so."""
        n = int(np.searchsorted(-self.log_peak, -log_t))
        return self.log_peak[:n] - log_t

    def interval(self, depth: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Find each row's interval of distance so deep below its peak, Mpc."""
        mu, half = self.mu[: depth.size], self.sigma[: depth.size] * np.sqrt(2 * depth)
        return np.maximum(mu - half, 0), np.maximum(mu + half, 0)

    def level(self, log_t: float) -> float:
        """Find the probability above a density, as a share of the whole."""
        depth = self.depth(log_t)
        # Not a dot product: BLAS would start threads for it, and wait for them on a busy machine.
        return float(np.sum(self.weight[: depth.size] * self._mass(depth))) / self.total

    def _mass(self, depth: FloatArray) -> FloatArray:
        """Integrate r^2 gauss(r; mu, sigma) over each row's interval.

        About mu the integral is even and needs one special function; an interval that 0 cuts off
        is integrated as it is.
        """
        mu, sigma, root = self.mu[: depth.size], self.sigma[: depth.size], np.sqrt(depth)
        edge = 2 / np.sqrt(np.pi) * sigma**2 * root * np.exp(-depth)
        mass = (mu**2 + sigma**2) * erf(root) - edge
        cut = np.flatnonzero(mu < np.sqrt(2) * sigma * root)
        near, far = self.interval(depth)
        mass[cut] = radial_mass(near[cut], far[cut], mu[cut], sigma[cut])
        return np.asarray(mass, dtype=np.float64)

    def volume(self, log_t: float) -> float:
        """Measure the volume above a density, Mpc3."""
        depth = self.depth(log_t)
        near, far = self.interval(depth)
        return float(np.sum(self.area_sr[: depth.size] * (far**3 - near**3))) / 3


@dataclass(frozen=True, eq=False)
class _Table:
    """Credible level against log density per volume, which ascends."""

    log_t: FloatArray
    level: FloatArray

    def __call__(self, log_t: FloatArray) -> FloatArray:
        return np.asarray(np.interp(log_t, self.log_t, self.level), dtype=np.float64)


def levels_3d(
    skymap: SkyMap,
    hpx29: npt.ArrayLike,
    distance_mpc: npt.ArrayLike,
    distance_sigma_mpc: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Find the 3D credible level of targets: the mass of all denser volume elements.

    It is a share of the probability that has a distance (`distance_probability_fraction`). If the
    target's distance has an error, the level is averaged over the error.

    Parameters
    ----------
    hpx29
        Nested order-29 ids, shape `(m,)`.
    distance_mpc, distance_sigma_mpc
        The target's distance and its Gaussian error, cut off at 0; Mpc, shape `(m,)` or scalar.

    Returns
    -------
    numpy.ndarray
        0 to 1, shape `(m,)`. NaN: the map does not cover the position or has no distance there, or
        the target has no distance.
    """
    ids = np.asarray(hpx29, dtype=np.int64)
    row = row_at(skymap, ids)
    r, error = np.broadcast_arrays(
        np.asarray(distance_mpc, dtype=np.float64), np.asarray(distance_sigma_mpc, dtype=np.float64)
    )
    r, error = np.broadcast_to(r, ids.shape), np.broadcast_to(error, ids.shape)
    mu, sigma, norm = distance_rows(skymap, row)
    sayable = np.isfinite(mu) & (r > 0) & np.isfinite(r) & (error >= 0) & np.isfinite(error)
    table = _table(skymap) if sayable.any() else None
    if table is None:
        return np.full(ids.shape, np.nan)
    log_peak = _log_peak(skymap.probdensity[row], sigma, norm)
    levels = table(log_peak - 0.5 * ((r - mu) / sigma) ** 2)
    for some in np.array_split(np.flatnonzero(error.ravel() > 0), 1 + ids.size // BATCH):
        levels.ravel()[some] = _averaged(
            table,
            *(values.ravel()[some] for values in (log_peak, mu, sigma, r, error)),
        )
    return np.where(sayable, levels, np.nan)


def credible_volume(skymap: SkyMap, level: float) -> float:
    """Measure the smallest volume in Mpc3 with a share `level` of the mass that has a distance.

    NaN: no row with a distance has a probability. The level lies in 0 to 1. If it is nearer to 1
    than a ten millionth, the volume counts as infinite.
    """
    table = _table(skymap)
    if table is None:
        return float("nan")
    rows = _rows(skymap)
    if level <= table.level[-1]:
        return 0.0
    if level >= rows.level(float(table.log_t[0])):
        return float("inf")
    from scipy.optimize import brentq  # slow to import

    log_t = brentq(lambda at: rows.level(at) - level, table.log_t[0], table.log_t[-1], xtol=1e-10)
    return rows.volume(log_t)


def _averaged(
    table: _Table,
    log_peak: FloatArray,
    mu: FloatArray,
    sigma: FloatArray,
    r: FloatArray,
    error: FloatArray,
) -> FloatArray:
    """Average levels over the distance error.

    1 - level is 0 outside a known interval, which is often much narrower than the error. So the
    integral covers only this interval, where the error's Gaussian is not negligible.
    """
    half = sigma * np.sqrt(2 * np.maximum(log_peak - table.log_t[0], 0))
    low = np.maximum(np.maximum(mu - half, r - 7 * error), 0)
    high = np.maximum(np.minimum(mu + half, r + 7 * error), low)
    inside = np.zeros_like(r)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        at = low + (high - low) * (node + 1) / 2
        levels = table(log_peak - 0.5 * ((at - mu) / sigma) ** 2)
        inside += weight / 2 * (1 - levels) * gauss(at, r, error)
    return np.asarray(1 - inside * (high - low) / ndtr(r / error), dtype=np.float64)


def _has_mass(skymap: SkyMap) -> BoolArray:
    """Return for each row whether it has both a distance and a probability, shape `(n,)`."""
    return has_distance(skymap) & (skymap.probdensity > 0)


def _log_peak(density: FloatArray, sigma: FloatArray, norm: FloatArray) -> FloatArray:
    """Find the log of the highest density per volume of rows; a density of 0 has the level 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(density * norm / (np.sqrt(2 * np.pi) * sigma)), dtype=np.float64)


def _rows(skymap: SkyMap) -> _Volume:
    known = np.flatnonzero(_has_mass(skymap))
    known = known[_dominant(skymap.probability[known])]
    mu, sigma, norm = distance_rows(skymap, known)
    density = skymap.probdensity[known]
    log_peak = _log_peak(density, sigma, norm)
    order = np.argsort(-log_peak, kind="stable")
    mu, sigma = mu[order], sigma[order]
    area = skymap.area_sr[known][order]
    weight = (density * norm)[order] * area
    everything = radial_mass(np.zeros_like(mu), np.maximum(mu, 0) + 40 * sigma, mu, sigma)
    return _Volume(log_peak[order], mu, sigma, weight, area, float(weight @ everything))


# The table of a map is kept as long as the map.
_tables: "WeakKeyDictionary[SkyMap, _Table | None]" = WeakKeyDictionary()


def _table(skymap: SkyMap) -> _Table | None:
    if skymap not in _tables:
        _tables[skymap] = _tabulate(skymap)
    return _tables[skymap]


def _tabulate(skymap: SkyMap) -> _Table | None:
    """Tabulate P(t): first in even steps of log t, then in more even steps of P.

    None: no row has both a distance and a probability, or no distribution reaches above 0.
    """
    if not _has_mass(skymap).any():
        return None
    rows = _rows(skymap)
    if not 0 < rows.total < np.inf:
        return None
    top = float(rows.log_peak[0])
    depth = 1.0
    while rows.level(top - depth) < 1 - NEGLIGIBLE and depth < 2**12:
        depth *= 2
    coarse = top - np.linspace(0, np.sqrt(depth), N_COARSE) ** 2
    levels = np.maximum.accumulate([rows.level(float(log_t)) for log_t in coarse])
    even = np.linspace(0, float(levels[-1]), N_FINE)
    log_t = np.unique(np.concatenate([coarse, np.interp(even, levels, coarse)]))
    level = np.array([rows.level(float(at)) for at in log_t])
    level[0] = 1.0  # a density below the table's last one is outside every region
    return _refine(log_t, np.minimum(np.maximum.accumulate(level[::-1])[::-1], 1.0))


def _refine(log_t: FloatArray, level: FloatArray) -> _Table:
    """Add steps between those of a table, on the monotonic cubic curve through them."""
    from scipy.interpolate import PchipInterpolator  # slow to import

    steps = np.arange(N_BETWEEN * (log_t.size - 1) + 1) / N_BETWEEN
    fine = np.interp(steps, np.arange(log_t.size), log_t)
    return _Table(fine, np.asarray(PchipInterpolator(log_t, level)(fine), dtype=np.float64))


def _dominant(probability: FloatArray) -> IntArray:
    order = np.argsort(-probability, kind="stable")
    cumulated = np.cumsum(probability[order])
    n = int(np.searchsorted(cumulated, (1 - NEGLIGIBLE) * cumulated[-1])) + 1
    return order[:n]
