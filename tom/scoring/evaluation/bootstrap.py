"""Intervals of figures by drawing objects with replacement: all names of an object together."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from tom.scoring.contract import FloatArray, IntArray
from tom.scoring.evaluation.figures import Figure

DRAWS: Final = 500
MOST_WORK: Final = 50_000_000
"""Draws times objects: with more objects there are fewer draws, at least 50."""


class Measured(NamedTuple):
    """A figure, and the ends of the central 95% of its draws; NaN: it does not apply."""

    value: float
    low: float
    high: float


def weights(group: IntArray, rng: np.random.Generator) -> list[FloatArray]:
    """Return the weights of the objects in each draw, shape (n,): whole groups are drawn."""
    _, place = np.unique(group, return_inverse=True)
    n = int(place.max()) + 1 if len(place) else 0
    draws = max(50, min(DRAWS, MOST_WORK // max(len(group), 1))) if n else 0
    counts = (rng.multinomial(n, np.full(n, 1 / n)) for _ in range(draws))
    return [count[place].astype(float) for count in counts]


def measure(
    figure: Figure, truth: IntArray, chance: FloatArray, drawn: Sequence[FloatArray]
) -> Measured:
    """Return a figure with its interval."""
    value = figure(truth, chance, np.ones(len(truth)))
    return Measured(value, *_ends([figure(truth, chance, weight) for weight in drawn]))


def difference(
    figure: Figure,
    truth: IntArray,
    *,
    new: FloatArray,
    old: FloatArray,
    drawn: Sequence[FloatArray],
) -> Measured:
    """Return how much larger a figure is with the new chances than with the old ones, paired."""
    one = np.ones(len(truth))
    value = figure(truth, new, one) - figure(truth, old, one)
    gaps = [figure(truth, new, weight) - figure(truth, old, weight) for weight in drawn]
    return Measured(value, *_ends(gaps))


def _ends(values: Sequence[float]) -> tuple[float, float]:
    known = np.array([value for value in values if np.isfinite(value)])
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
