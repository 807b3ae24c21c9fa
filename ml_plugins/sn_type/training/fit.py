"""Fit the trees: on each light curve at its end and at earlier moments, tempered on held-out ones.

scikit-learn fits the trees; the artefact has their numbers alone.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ml_plugins.outbursts.features import Nights, measure, nights_of
from ml_plugins.outbursts.fitted import boosted_numbers
from ml_plugins.outbursts.scope import CLASSES, is_enough
from ml_plugins.outbursts.trees import Trees, as_json
from tom.scoring.contract import Batch, BoolArray, FloatArray, IntArray

SEED: Final = 20261127
CUTS: Final = 2
"""At how many moments before its end each light curve is seen, too."""
END_WEIGHT: Final = 0.5
"""The weight of a whole light curve, of 1 for each object; its earlier moments share the rest."""
BALANCE: Final = 0.5
"""A class weighs as its number to this power less: rare classes would never be named."""
HELD_OUT: Final = 4
"""One object of this many is left out of the fit on which the temper is found."""
AGES: Final = (10.0, 20.0, 40.0, 80.0, 160.0)
PARAMETERS: Final = {
    "max_iter": 200,
    "learning_rate": 0.03,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 10,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}


class Rows:
    """Features of light curves at several moments: shape (m, d), and of what object each is."""

    def __init__(self, batch: Batch, labels: Sequence[str]) -> None:
        rng = np.random.default_rng(SEED)
        found = [
            (measure(seen), owner, CLASSES.index(labels[owner]), is_end, np.ptp(seen.time))
            for owner in range(len(batch))
            for seen, is_end in _moments(nights_of(batch, owner), rng)
        ]
        columns = list(zip(*found, strict=True))
        self.features = np.array(columns[0])
        self.owner, self.truth = np.array(columns[1]), np.array(columns[2])
        self.is_end, self.age = np.array(columns[3]), np.array(columns[4])

    def weight(self) -> FloatArray:
        """Return the weight of each row: rare classes weigh more, earlier moments less."""
        n_cuts = np.bincount(self.owner[~self.is_end], minlength=self.owner.max() + 1)[self.owner]
        share = np.where(self.is_end, END_WEIGHT, (1 - END_WEIGHT) / np.maximum(n_cuts, 1))
        count = np.bincount(self.truth[self.is_end], minlength=len(CLASSES))
        return np.asarray(share * (count.max() / np.maximum(count, 1))[self.truth] ** BALANCE)


def fit(batch: Batch, labels: Sequence[str]) -> bytes:
    """Return the artefact: trees fitted to all objects, tempered by a fit to three of four.

    Raises
    ------
    ValueError
        If a class has no object; then nothing can be said of it.
    """
    missing = set(CLASSES) - set(labels)
    if missing:
        message = f"it needs objects of each class; there is none of {', '.join(sorted(missing))}"
        raise ValueError(message)
    rows = Rows(batch, labels)
    held = rows.owner % HELD_OUT == 0
    told = _numbers(_trees(rows, ~held), temper=1.0, ages=[1.0] * len(AGES))
    raw = np.log(np.maximum(Trees.of(told).chances(rows.features[held]), 1e-12))
    temper = _temper(raw, rows.truth[held], rows.is_end[held])
    ages = _moves(raw / temper, rows, held)
    return as_json(_numbers(_trees(rows, np.ones(len(held), bool)), temper=temper, ages=ages))


def _moments(nights: Nights, rng: np.random.Generator) -> list[tuple[Nights, bool]]:
    """Return a light curve, and parts of it that end earlier, if they are enough to judge."""
    if not is_enough(nights):
        return []
    cuts = [nights.until(float(time)) for time in rng.choice(nights.time, CUTS, replace=False)]
    return [(nights, True), *((part, False) for part in cuts if is_enough(part))]


def _trees(rows: Rows, kept: BoolArray) -> HistGradientBoostingClassifier:
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(**PARAMETERS)
        features = rows.features[kept]
        never = np.isnan(features).all(axis=0)
        features = np.where(never, 0.0, features)  # it cannot bin a column without a value
        return model.fit(features, rows.truth[kept], sample_weight=rows.weight()[kept])


def _numbers(
    model: HistGradientBoostingClassifier, *, temper: float, ages: Sequence[float]
) -> dict[str, Any]:
    told = boosted_numbers(model)
    return {
        "classes": list(CLASSES),
        "start": told["start"],
        "temper": round(temper, 4),
        "age_days": list(AGES),
        "age_sigma": [round(float(age), 3) for age in ages],
        "depth": told["depth"],
        "trees": told["trees"],
    }


def _temper(raw: FloatArray, truth: IntArray, is_end: BoolArray) -> float:
    """Return the temper with the least log loss; ends and earlier moments count alike."""
    weight = np.where(is_end, 1 / is_end.sum(), 1 / max((~is_end).sum(), 1))

    def loss(temper: float) -> float:
        logs = raw / temper
        total = np.log(np.exp(logs).sum(axis=1))
        return float(np.sum(weight * (total - logs[np.arange(len(truth)), truth])))

    return float(minimize_scalar(loss, bounds=(0.5, 4.0), method="bounded").x)


def _moves(logs: FloatArray, rows: Rows, held: BoolArray) -> list[float]:
    """Return, by age, how far the first class's log odds moved until the end of a light curve."""
    chance = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    odds = np.log(chance[:, 0]) - np.log(np.maximum(1 - chance[:, 0], 1e-9))
    owner, is_end, age = rows.owner[held], rows.is_end[held], rows.age[held]
    last = dict(zip(owner[is_end].tolist(), odds[is_end].tolist(), strict=True))
    moved = np.array([last[of] - value for of, value in zip(owner, odds, strict=True)])
    early = ~is_end
    edges = np.searchsorted(AGES, age[early])
    spread = [moved[early][edges == k] for k in range(len(AGES))]
    return [float(np.sqrt(np.mean(each**2))) if len(each) > 5 else 0.5 for each in spread]
