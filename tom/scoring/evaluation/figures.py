"""Figures of a classifier, each with weights, so that a bootstrap is a change of weights.

`truth` has shape (n,): the column of each object's class; -1: none of the scorer's. `chance` has
shape (n, k): rows sum to 1. `weight` has shape (n,): 0 or more. NaN: a figure does not apply.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from tom.scoring.contract import FloatArray, IntArray

N_BINS: Final = 10
SMALLEST: Final = 1e-15
FIRST: Final = 50
"""So many of a list's first objects are counted: about what a night's spectrographs can take."""

Figure = Callable[[IntArray, FloatArray, FloatArray], float]


def macro_f1(truth: IntArray, chance: FloatArray, weight: FloatArray) -> float:
    """Return the mean F1 over the classes that some object has."""
    recall, precision, present = recall_and_precision(truth, chance, weight)
    if not present.any():
        return float("nan")
    both = recall + precision
    f1 = np.where(both > 0, 2 * recall * precision / np.where(both > 0, both, 1), 0.0)
    return float(f1[present].mean())


def accuracy(truth: IntArray, chance: FloatArray, weight: FloatArray) -> float:
    """Return the share of objects whose most probable class is theirs."""
    return _mean((chance.argmax(axis=1) == truth).astype(float), weight)


def log_loss(truth: IntArray, chance: FloatArray, weight: FloatArray) -> float:
    """Return the mean natural log loss."""
    told = np.take_along_axis(chance, np.maximum(truth, 0)[:, None], axis=1)[:, 0]
    return _mean(-np.log(np.where(truth >= 0, np.maximum(told, SMALLEST), SMALLEST)), weight)


def calibration_error(truth: IntArray, chance: FloatArray, weight: FloatArray) -> float:
    """Return the mean gap between the chance of the top class and how often it is right (ECE).

    In ten bins of equal width; each counts by its weight. Guo et al. 2017,
    https://arxiv.org/abs/1706.04599
    """
    said, right = chance.max(axis=1), (chance.argmax(axis=1) == truth).astype(float)
    place = np.minimum((said * N_BINS).astype(np.int64), N_BINS - 1)
    gaps = np.abs(np.bincount(place, weight * (right - said), N_BINS))
    total = weight.sum()
    return float(gaps.sum() / total) if total > 0 else float("nan")


def area(column: int) -> Figure:
    """Return the figure: the chance that an object of a class scores above one of another."""

    def auc(truth: IntArray, chance: FloatArray, weight: FloatArray) -> float:
        return area_under_curve(truth == column, chance[:, column], weight)

    return auc


def area_under_curve(positive: object, value: FloatArray, weight: FloatArray) -> float:
    """Return the area under the ROC curve, ties counted half; NaN: one side is empty."""
    side = np.asarray(positive, bool)
    levels, place = np.unique(value, return_inverse=True)
    yes = np.bincount(place[side], weight[side], len(levels))
    no = np.bincount(place[~side], weight[~side], len(levels))
    pairs = yes.sum() * no.sum()
    if not pairs > 0:
        return float("nan")
    below = np.cumsum(no) - no
    return float(np.sum(yes * (below + no / 2)) / pairs)


def average_precision(positive: object, value: FloatArray, weight: FloatArray) -> float:
    """Return the precision averaged over the positives, in order of `value`; NaN: no positive."""
    side = np.asarray(positive, float) * weight
    levels, place = np.unique(-value, return_inverse=True)
    found = np.cumsum(np.bincount(place, side, len(levels)))
    asked = np.cumsum(np.bincount(place, weight, len(levels)))
    if not (len(found) and found[-1] > 0):
        return float("nan")
    gain = np.diff(found, prepend=0.0)
    return float(np.sum(gain * found / np.maximum(asked, SMALLEST)) / found[-1])


def precision_first(
    positive: object, value: FloatArray, weight: FloatArray, *, n: float = FIRST
) -> float:
    """Return the share of positives among the first `n` in order of `value`; NaN: no object.

    Of objects with the same value as many count as there is room for, each in part.
    """
    side = np.asarray(positive, float) * weight
    levels, place = np.unique(-value, return_inverse=True)
    found = np.cumsum(np.bincount(place, side, len(levels)))
    asked = np.cumsum(np.bincount(place, weight, len(levels)))
    if not (len(asked) and asked[-1] > 0):
        return float("nan")
    room = min(n, float(asked[-1]))
    return float(np.interp(room, np.append(0, asked), np.append(0, found)) / room)


def sought(columns: Sequence[int]) -> dict[str, Figure]:
    """Return the figures of a list that seeks these classes, in order of their chance together."""

    def of(
        measure: Callable[[object, FloatArray, FloatArray], float],
    ) -> Figure:
        def figure(truth: IntArray, chance: FloatArray, weight: FloatArray) -> float:
            wanted = np.isin(truth, columns)
            return measure(wanted, chance[:, list(columns)].sum(axis=1), weight)

        return figure

    return {
        "auc_sought": of(area_under_curve),
        "ap_sought": of(average_precision),
        f"precision_{FIRST}": of(precision_first),
    }


def per_class(truth: IntArray, chance: FloatArray) -> list[dict[str, float]]:
    """Return recall, precision, F1, AUC and average precision of each class, with its n."""
    weight = np.ones(len(truth))
    recall, precision, _ = recall_and_precision(truth, chance, weight)
    rows = []
    for column in range(chance.shape[1]):
        both = recall[column] + precision[column]
        rows.append(
            {
                "n": int(np.sum(truth == column)),
                "recall": float(recall[column]),
                "precision": float(precision[column]),
                "f1": float(2 * recall[column] * precision[column] / both) if both > 0 else 0.0,
                "auc": area_under_curve(truth == column, chance[:, column], weight),
                "ap": average_precision(truth == column, chance[:, column], weight),
            }
        )
    return rows


def reliability(truth: IntArray, chance: FloatArray) -> list[tuple[float, float, int]]:
    """Return, per bin of the top class's chance: what was said, what was right, the objects."""
    said, right = chance.max(axis=1), chance.argmax(axis=1) == truth
    place = np.minimum((said * N_BINS).astype(np.int64), N_BINS - 1)
    return [
        (float(said[place == k].mean()), float(right[place == k].mean()), int((place == k).sum()))
        for k in np.unique(place)
    ]


def noise_floor(chance: FloatArray, rng: np.random.Generator, *, draws: int = 50) -> float:
    """Return the calibration error that the same chances would have if they were all true."""
    ends = np.cumsum(chance, axis=1)
    weight = np.ones(len(chance))
    found = []
    for _ in range(draws):
        drawn = np.sum(rng.uniform(size=(len(chance), 1)) * ends[:, -1:] > ends, axis=1)
        found.append(calibration_error(drawn.astype(np.int64), chance, weight))
    return float(np.mean(found))


def recall_and_precision(
    truth: IntArray, chance: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return recall and precision of each class (0: none), and whether an object has it."""
    size, told = chance.shape[1], chance.argmax(axis=1)
    known = truth >= 0
    there = np.bincount(truth[known], weight[known], size)
    said = np.bincount(told, weight, size)
    right = np.bincount(told[told == truth], weight[told == truth], size)
    recall = np.divide(right, there, out=np.zeros(size), where=there > 0)
    precision = np.divide(right, said, out=np.zeros(size), where=said > 0)
    return recall, precision, (there > 0).astype(np.int64).astype(bool)


def _mean(values: FloatArray, weight: FloatArray) -> float:
    total = weight.sum()
    return float(np.sum(values * weight) / total) if total > 0 else float("nan")
