"""The mixture sees through errors, leaves out what was not measured, and uses bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from ml_plugins.fast_transient.mixture import SMALLEST_VARIANCE, Mixture, fit_mixture

TWO = Mixture(
    share=np.array([0.3, 0.7]),
    mean=np.array([[0.0, 1.0], [2.0, -1.0]]),
    covariance=np.array([[[1.0, 0.3], [0.3, 0.5]], [[0.4, -0.1], [-0.1, 0.8]]]),
)
NOT_BOUNDED = np.full((1, 2), np.nan)
places = st.floats(-4, 4)


def density(value, variance, least=NOT_BOUNDED) -> float:
    logs = TWO.log_density(np.array([value]), np.array([variance]), np.asarray(least))
    return float(np.exp(logs[0]))


@given(places, places, st.floats(0.01, 2), st.floats(0.01, 2))
@settings(max_examples=30)
def test_errors_widen_each_part(x, y, first, second):
    noise = np.diag([first, second]) + np.eye(2) * SMALLEST_VARIANCE

    expected = sum(
        share * multivariate_normal.pdf([x, y], mean, covariance + noise)
        for share, mean, covariance in zip(TWO.share, TWO.mean, TWO.covariance, strict=True)
    )

    assert density([x, y], [first, second]) == pytest.approx(expected, rel=1e-6, abs=1e-300)


@given(places, st.floats(0.01, 2))
@settings(max_examples=30)
def test_a_feature_not_measured_is_integrated_over(x, variance):
    spread = np.sqrt(TWO.covariance[:, 0, 0] + variance + SMALLEST_VARIANCE)

    marginal = float(TWO.share @ norm.pdf(x, TWO.mean[:, 0], spread))

    assert density([x, 0.0], [variance, np.inf]) == pytest.approx(marginal, rel=1e-4)


def test_nothing_measured_has_the_same_density_everywhere():
    assert density([0.0, 0.0], [np.inf, np.inf]) == pytest.approx(1.0, rel=1e-4)


@given(places, places)
@settings(max_examples=10)
def test_a_bound_keeps_the_share_above_it(x, bound):
    steps = np.linspace(bound, bound + 15, 4001)
    column = np.full_like(steps, x)
    logs = TWO.log_density(
        np.column_stack([column, steps]),
        np.tile([0.1, 0.0], (len(steps), 1)),
        np.full((len(steps), 2), np.nan),
    )

    above = density([x, 0.0], [0.1, np.inf], [[np.nan, bound]])

    assert above == pytest.approx(np.trapezoid(np.exp(logs), steps), rel=0.05, abs=1e-6)


def test_the_fit_finds_what_lies_beneath_noise_and_gaps():
    rng = np.random.default_rng(3)
    truth = np.concatenate([rng.normal([0, 0], [0.3, 0.3], (600, 2)), rng.normal(3, 0.5, (400, 2))])
    variance = rng.uniform(0.05, 0.5, truth.shape)
    seen = truth + rng.normal(size=truth.shape) * np.sqrt(variance)
    gone = rng.uniform(size=truth.shape) < 0.2
    seen, variance = np.where(gone, 0.0, seen), np.where(gone, np.inf, variance)

    fitted = fit_mixture(seen, variance, n_parts=2, rng=rng)

    order = np.argsort(fitted.mean[:, 0])
    np.testing.assert_allclose(fitted.mean[order], [[0, 0], [3, 3]], atol=0.15)
    np.testing.assert_allclose(fitted.share[order], [0.6, 0.4], atol=0.05)
    spread = np.sqrt(np.diagonal(fitted.covariance[order], axis1=1, axis2=2))
    np.testing.assert_allclose(spread, [[0.3, 0.3], [0.5, 0.5]], atol=0.12)
