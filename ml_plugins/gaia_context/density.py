"""How many times as many stars there are as the side bands in proper motion foretell.

The form of CATHODE (Hallin et al. 2022, https://arxiv.org/abs/2109.00546; on stars Pettee et al.
2023, https://arxiv.org/abs/2305.03761). A region of one proper motion has a band on either side.
The density of the other features, given that motion, is estimated in the bands and interpolated
into the region, where stars are drawn from it. A classifier tells these from the real ones: its
odds are the ratio of the densities. Here the density is that of the bands' stars themselves, with
weights that are linear in the motion, and the classifier is boosted trees.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from tom.scoring.contract import FloatArray, IntArray

REGION: Final = 1.5
"""Width of a region, mas/yr. Regions overlap by half, and each counts for its middle half."""
BAND: Final = 2.0
"""Width of the band on either side, mas/yr."""
LEAST: Final = 400
"""If a region or one of its bands has fewer stars, its stars get no number."""
DRAWN: Final = 3
"""Stars that are drawn for each real one."""
FOLDS: Final = 4
TREES: Final = {
    "max_iter": 20,
    "learning_rate": 0.1,
    "max_leaf_nodes": 16,
    "min_samples_leaf": 40,
    "l2_regularization": 10,
    "early_stopping": False,
    "random_state": 0,
}


@dataclass(frozen=True)
class Region:
    """A range of a proper motion, mas/yr."""

    low: float

    @property
    def high(self) -> float:
        """The upper end."""
        return self.low + REGION

    @property
    def core(self) -> tuple[float, float]:
        """The middle half, whose stars get their number from this region."""
        return self.low + REGION / 4, self.high - REGION / 4


def log_ratios(motion: FloatArray, others: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the natural log of the ratio of densities for each star, shape (n,).

    Parameters
    ----------
    motion
        The proper motion by which regions are cut, mas/yr, shape (n,), finite.
    others
        The other features, shape (n, k): place, the other proper motion, magnitude, colour.
    rng
        Draws the folds and the background.

    Returns
    -------
    array
        0: as many as foretold. NaN: its region or a band of it has too few stars.
    """
    found = np.full(len(motion), np.nan)
    step = REGION / 2
    for cell in np.unique(np.floor(motion / step)):
        region = Region(cell * step - REGION / 4)
        inside = np.flatnonzero((motion >= region.low) & (motion < region.high))
        core = (motion[inside] >= region.core[0]) & (motion[inside] < region.core[1])
        found[inside[core]] = _in_region(motion, others, region, inside, rng)[core]
    return found


def _in_region(
    motion: FloatArray,
    others: FloatArray,
    region: Region,
    inside: IntArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the log ratios of the stars inside a region."""
    left = np.flatnonzero((motion >= region.low - BAND) & (motion < region.low))
    right = np.flatnonzero((motion >= region.high) & (motion < region.high + BAND))
    if min(len(inside), len(left), len(right)) < LEAST:
        return np.full(len(inside), np.nan)
    drawn = draw_background(motion, left, right, motion[inside], rng)
    return _log_odds(others[inside], others[drawn], rng)


def draw_background(
    motion: FloatArray,
    left: IntArray,
    right: IntArray,
    within: FloatArray,
    rng: np.random.Generator,
) -> IntArray:
    """Return the rows of the bands' stars drawn as the background of a region, shape (m,).

    For each motion of the region the bands are mixed so that the mean of the motions drawn is that
    motion: what changes linearly with the motion is interpolated without bias.
    """
    asked = rng.choice(within, DRAWN * len(within))
    low, high = motion[left].mean(), motion[right].mean()
    is_left = rng.uniform(size=len(asked)) < (high - asked) / (high - low)
    return np.where(is_left, rng.choice(left, len(asked)), rng.choice(right, len(asked)))


def _log_odds(real: FloatArray, drawn: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the log ratio of each real star, by trees that were not fitted to it."""
    of_real = rng.permutation(len(real)) % FOLDS
    of_drawn = rng.permutation(len(drawn)) % FOLDS
    odds = np.empty(len(real))
    for fold in range(FOLDS):
        known, foretold = real[of_real != fold], drawn[of_drawn != fold]
        trees = HistGradientBoostingClassifier(**TREES)
        trees.fit(np.concatenate([known, foretold]), np.repeat([1, 0], [len(known), len(foretold)]))
        share = np.log(len(known) / len(foretold))
        odds[of_real == fold] = trees.decision_function(real[of_real == fold]) - share
    return odds
