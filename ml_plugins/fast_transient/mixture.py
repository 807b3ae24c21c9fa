"""Gaussian mixtures seen through measurement errors, and their fit to noisy, incomplete data."""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from tom.scoring.contract import FloatArray

# Used for an infinite variance: much larger than any feature's spread, but safe to invert.
UNMEASURED = 1e8
SMALLEST_VARIANCE = 0.03**2


@dataclass(frozen=True, eq=False)
class Mixture:
    """K Gaussians in d dimensions: shares (K,), means (K, d), covariances (K, d, d)."""

    share: FloatArray
    mean: FloatArray
    covariance: FloatArray

    def log_density(self, value: FloatArray, variance: FloatArray, least: FloatArray) -> FloatArray:
        """Return the log density of measurements, shape (n,), each through its own errors.

        Parameters
        ----------
        value, variance : array, shape (n, d)
            A feature of infinite variance is not measured; the density is integrated over it.
        least : array, shape (n, d)
            Lower bound of a feature that is not measured; NaN: no bound.
        """
        log_parts = self._log_parts(value, variance)
        if np.any(np.isfinite(least)):
            expected, left = self._conditional(value, variance)
            spread = np.sqrt(np.diagonal(left, axis1=2, axis2=3))
            with np.errstate(invalid="ignore"):
                above = log_ndtr((expected - least[:, None]) / spread)
            log_parts = log_parts + np.nansum(above, axis=2)
        return _log_sum(log_parts)

    def _conditional(
        self, value: FloatArray, variance: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean (n, K, d) and covariance (n, K, d, d) of each part, given measurements."""
        total = self.covariance[None] + _diagonal(variance)[:, None]
        gain = np.linalg.solve(total, np.broadcast_to(self.covariance, total.shape))
        gain = np.swapaxes(gain, 2, 3)
        off = np.where(np.isfinite(variance), value, 0.0)[:, None] - self.mean[None]
        expected = self.mean[None] + np.einsum("nkij,nkj->nki", gain, off)
        return expected, self.covariance[None] - gain @ self.covariance[None]

    def _log_parts(self, value: FloatArray, variance: FloatArray) -> FloatArray:
        measured = np.isfinite(variance)
        total = self.covariance[None] + _diagonal(variance)[:, None]
        off = np.where(measured, value, 0.0)[:, None] - np.where(measured[:, None], self.mean, 0.0)
        solved = np.linalg.solve(total, off[..., None])[..., 0]
        log_det = np.linalg.slogdet(total)[1] - np.sum(~measured, axis=1)[:, None] * np.log(
            UNMEASURED
        )
        n_measured = measured.sum(axis=1)[:, None]
        chi2 = np.sum(off * solved, axis=2)
        log_parts: FloatArray = np.log(self.share) - 0.5 * (
            chi2 + log_det + n_measured * np.log(2 * np.pi)
        )
        return log_parts


def fit_mixture(
    value: FloatArray,
    variance: FloatArray,
    *,
    n_parts: int,
    rng: np.random.Generator,
    n_steps: int = 150,
) -> Mixture:
    """Fit the distribution behind noisy, incomplete measurements by extreme deconvolution.

    Expectation maximization of Bovy, Hogg & Roweis 2011 (https://doi.org/10.1214/10-AOAS439):
    every point has its own diagonal error; features not measured have infinite variance.

    Parameters
    ----------
    value, variance : array, shape (n, d)
    n_parts : int
    rng : numpy.random.Generator
        Draws the first means.
    n_steps : int
    """
    mixture = _first_guess(value, variance, n_parts, rng)
    for _ in range(n_steps):
        mixture = _step(mixture, value, variance)
    return mixture


def _first_guess(
    value: FloatArray, variance: FloatArray, n_parts: int, rng: np.random.Generator
) -> Mixture:
    measured = np.isfinite(variance)
    centre = np.array([np.median(value[measured[:, j], j]) for j in range(value.shape[1])])
    spread = np.array([np.var(value[measured[:, j], j]) for j in range(value.shape[1])]) + 0.01
    chosen = rng.choice(len(value), n_parts, replace=len(value) < n_parts)
    mean = np.where(measured[chosen], value[chosen], centre)
    covariance = np.repeat(np.diag(spread / 4)[None], n_parts, axis=0)
    return Mixture(np.full(n_parts, 1 / n_parts), mean, covariance)


def _step(mixture: Mixture, value: FloatArray, variance: FloatArray) -> Mixture:
    log_parts = mixture._log_parts(value, variance)
    part = np.exp(log_parts - _log_sum(log_parts)[:, None])
    expected, left = mixture._conditional(value, variance)
    weight = part.sum(axis=0) + 1e-9
    mean = np.einsum("nk,nki->ki", part, expected) / weight[:, None]
    apart = expected - mean[None]
    scatter = apart[..., :, None] * apart[..., None, :] + left
    covariance = np.einsum("nk,nkij->kij", part, scatter) / weight[:, None, None]
    covariance += np.eye(value.shape[1]) * SMALLEST_VARIANCE / 10
    return Mixture(weight / weight.sum(), mean, (covariance + np.swapaxes(covariance, 1, 2)) / 2)


def _diagonal(variance: FloatArray) -> FloatArray:
    bounded = np.where(np.isfinite(variance), variance + SMALLEST_VARIANCE, UNMEASURED)
    return bounded[:, :, None] * np.eye(variance.shape[1])


def _log_sum(log_parts: FloatArray) -> FloatArray:
    peak = log_parts.max(axis=1)
    total: FloatArray = peak + np.log(np.exp(log_parts - peak[:, None]).sum(axis=1))
    return total
