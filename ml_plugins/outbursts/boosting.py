"""Fit boosted trees on light curves at several moments, tempered on held-out objects.

scikit-learn fits the trees; the artefact has their numbers alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ml_plugins.outbursts.fitted import boosted_numbers
from ml_plugins.outbursts.recipe import Look, Recipe
from ml_plugins.outbursts.trees import Trees, as_json
from tom.scoring.contract import BoolArray, FloatArray, IntArray


class Row(NamedTuple):
    """One light curve at one moment: features, shape (d,), and what is known of it.

    `owner` numbers the object, `truth` its class. `is_end` marks the last moment of each object.
    """

    features: FloatArray
    owner: int
    truth: int
    is_end: bool
    age: float


class Rows:
    """Features of light curves at several moments: shape (m, d), and of what object each is."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Take the rows; raise ValueError if there is none."""
        columns = list(zip(*rows, strict=True))
        if not columns:
            message = "no light curve says enough to be judged"
            raise ValueError(message)
        self.features = np.array(columns[0])
        self.owner, self.truth = np.array(columns[1]), np.array(columns[2])
        self.is_end, self.age = np.array(columns[3]), np.array(columns[4])


def fit(
    looks: Sequence[Look],
    labels: Sequence[str],
    *,
    measure: Callable[[Any], FloatArray],
    recipe: Recipe,
) -> bytes:
    """Return the artefact: trees fitted to all objects.

    Raises
    ------
    ValueError
        If a class has no object, or too few that say enough.
    """
    check_classes(recipe.classes, labels)
    return fit_rows(rows_of(looks, labels, measure=measure, recipe=recipe), recipe)


def rows_of(
    looks: Sequence[Look],
    labels: Sequence[str],
    *,
    measure: Callable[[Any], FloatArray],
    recipe: Recipe,
) -> Rows:
    """Return the objects at their moments."""
    rng = np.random.default_rng(recipe.seed)
    return Rows(
        Row(measure(seen), owner, recipe.classes.index(label), is_end, float(np.ptp(seen.time)))
        for owner, (look, label) in enumerate(zip(looks, labels, strict=True))
        for seen, is_end in recipe.moments(look, rng)
    )


def check_classes(classes: Sequence[str], labels: Sequence[str]) -> None:
    """Raise ValueError if a class has no object: nothing could be said of it."""
    missing = set(classes) - set(labels)
    if missing:
        message = f"it needs objects of each class; there is none of {', '.join(sorted(missing))}"
        raise ValueError(message)


def fit_rows(rows: Rows, recipe: Recipe) -> bytes:
    """Return the artefact: trees fitted to all objects, tempered by a fit to most of them.

    Raises
    ------
    ValueError
        If a class has too few objects.
    """
    held = rows.owner % recipe.held_out == 0
    _check_enough(rows, recipe, held)
    flat = [1.0] * len(recipe.ages)
    told = _numbers(_trees(rows, recipe, ~held), recipe, temper=1.0, moves=flat)
    raw = np.log(np.maximum(Trees.of(told).chances(rows.features[held]), 1e-12))
    temper = _temper(raw, rows.truth[held], rows.is_end[held])
    moves = _moves(raw / temper, rows, held, recipe.ages)
    model = _trees(rows, recipe, np.ones(len(held), bool))
    return as_json(_numbers(model, recipe, temper=temper, moves=moves))


def _check_enough(rows: Rows, recipe: Recipe, held: BoolArray) -> None:
    """Raise ValueError if nothing is held out, or a class has nothing beside it."""
    if not held.any():
        message = "there are too few light curves that say enough to be judged"
        raise ValueError(message)
    there = set(rows.truth[~held].tolist())
    few = [name for number, name in enumerate(recipe.classes) if number not in there]
    if few:
        message = (
            f"class {few[0]!r} has too few objects that say enough: the fit needs one beside the"
            f" one in {recipe.held_out} that is held out"
        )
        raise ValueError(message)


def weights_of(rows: Rows, recipe: Recipe) -> FloatArray:
    """Return the weight of each row: rare classes weigh more, earlier moments less."""
    n_cuts = np.bincount(rows.owner[~rows.is_end], minlength=rows.owner.max() + 1)[rows.owner]
    earlier = (1 - recipe.end_weight) / np.maximum(n_cuts, 1)
    share = np.where(rows.is_end, recipe.end_weight, earlier)
    count = np.bincount(rows.truth[rows.is_end], minlength=len(recipe.classes))
    rare = (count.max() / np.maximum(count, 1))[rows.truth] ** recipe.balance
    return np.asarray(share * rare)


def _trees(rows: Rows, recipe: Recipe, kept: BoolArray) -> HistGradientBoostingClassifier:
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(**recipe.parameters)
        features = rows.features[kept]
        never = np.isnan(features).all(axis=0)
        features = np.where(never, 0.0, features)  # it cannot bin a column without a value
        weight = weights_of(rows, recipe)[kept]
        return model.fit(features, rows.truth[kept], sample_weight=weight)


def _numbers(
    model: HistGradientBoostingClassifier,
    recipe: Recipe,
    *,
    temper: float,
    moves: Sequence[float],
) -> dict[str, Any]:
    told = boosted_numbers(model)
    return {
        "classes": list(recipe.classes),
        "start": told["start"],
        "temper": round(temper, 4),
        "age_days": list(recipe.ages),
        "age_sigma": [round(float(each), 3) for each in moves],
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


def _moves(logs: FloatArray, rows: Rows, held: BoolArray, ages: Sequence[float]) -> list[float]:
    """Return, by age, how far the first class's log odds moved until the end of a light curve."""
    chance = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    odds = np.log(chance[:, 0]) - np.log(np.maximum(1 - chance[:, 0], 1e-9))
    owner, is_end, age = rows.owner[held], rows.is_end[held], rows.age[held]
    last = dict(zip(owner[is_end].tolist(), odds[is_end].tolist(), strict=True))
    moved = np.array([last[of] - value for of, value in zip(owner, odds, strict=True)])
    early = ~is_end
    edges = np.searchsorted(ages, age[early])
    spread = [moved[early][edges == k] for k in range(len(ages))]
    return [float(np.sqrt(np.mean(each**2))) if len(each) > 5 else 0.5 for each in spread]
