"""How good each scorer was, by what objects turned out to be: the figures of the page."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from django.core.cache import cache

from tom.ranking.exploring import drawn_weights
from tom.ranking.weighing import BoolArray
from tom.scoring.contract import FloatArray, IntArray
from tom.scoring.evaluation.classes import classes_of
from tom.scoring.evaluation.figures import (
    accuracy,
    calibration_error,
    log_loss,
    recall_and_precision,
    reliability,
)
from tom.scoring.feedback import TRUTHS, Said, said_before, selection_weights

T = TypeVar("T")
# It reads the summaries of all targets.
KEPT_SECONDS = 600
# Of fewer objects a share says nothing.
FEWEST = 10


@dataclass(frozen=True)
class OfClass:
    """Of one class: the objects, purity and completeness, as they are and corrected; 0 to 1.

    None: there is nothing to tell it from.
    """

    name: str
    n: int
    purity: float | None
    completeness: float | None
    purity_corrected: float | None
    completeness_corrected: float | None


@dataclass(frozen=True)
class OfMonth:
    """What a scorer said in a month: objects, share that was right, natural log loss, ECE."""

    month: str
    n: int
    accuracy: float
    log_loss: float
    calibration_error: float


@dataclass(frozen=True)
class Feedback:
    """One version of a scorer: `n` objects with an answer and a class, and its figures.

    The corrected figures rest on the `n_drawn` of these that were drawn at random, if `is_by_draw`.
    Else they rest on brightness, and `covered` is the share of all targets for which they stand.
    `n_other` turned out to be of a class that it does not know, and are left out. `bins` tell what
    was said, what was right, and of how many.
    """

    scorer: str
    version: str
    n: int
    n_other: int
    n_silent: int
    is_few: bool
    n_drawn: int
    is_by_draw: bool
    covered: float
    classes: list[OfClass]
    calibration_error: float
    calibration_error_corrected: float | None
    bins: list[tuple[float, float, int]]
    months: list[OfMonth]


def read_feedback(truth: str) -> list[Feedback]:
    """The figures of each version of each scorer, by one of `TRUTHS`; kept for ten minutes."""
    key = f"feedback:{truth}"
    found: list[Feedback] | None = cache.get(key)
    if found is None:
        made = (measure(said) for said in said_before(TRUTHS[truth]()))
        found = [each for each in made if each is not None]
        cache.set(key, found, KEPT_SECONDS)
    return found


def measure(said: Said) -> Feedback | None:
    """Compare what a scorer said with what was true; None: no object is of its classes."""
    classes = classes_of(said.labels, said.classes)
    chance, here = classes.merge(said.chance), classes.truth >= 0
    if not here.any():
        return None
    truth, chance = classes.truth[here], chance[here]
    targets = _of(said.targets, here)
    weights, covered = selection_weights(targets)
    drawn = np.array(drawn_weights(targets))
    n_drawn = int((drawn > 0).sum())
    if n_drawn >= FEWEST:
        weights = drawn
    even = np.ones(len(truth))
    is_weighed = bool(weights.sum() > 0)
    return Feedback(
        scorer=said.scorer,
        version=said.version,
        n=len(truth),
        n_other=int((~here).sum()),
        n_silent=said.n_silent,
        is_few=len(truth) < FEWEST,
        n_drawn=n_drawn,
        is_by_draw=n_drawn >= FEWEST,
        covered=covered,
        classes=_of_classes(classes.names, truth, chance, weights),
        calibration_error=calibration_error(truth, chance, even),
        calibration_error_corrected=(
            calibration_error(truth, chance, weights) if is_weighed else None
        ),
        bins=reliability(truth, chance),
        months=_of_months([f"{told:%Y-%m}" for told in _of(said.told, here)], truth, chance),
    )


def _of(values: Sequence[T], here: BoolArray) -> list[T]:
    return [value for value, is_here in zip(values, here.tolist(), strict=True) if is_here]


def _of_classes(
    names: Sequence[str], truth: IntArray, chance: FloatArray, weights: FloatArray
) -> list[OfClass]:
    told = np.bincount(chance.argmax(axis=1), minlength=len(names))
    n = np.bincount(truth, minlength=len(names))
    recall, precision, _ = recall_and_precision(truth, chance, np.ones(len(truth)))
    by_weight = recall_and_precision(truth, chance, weights)
    weighed_told = np.bincount(chance.argmax(axis=1), weights, len(names))
    return [
        OfClass(
            name=name,
            n=int(n[at]),
            purity=float(precision[at]) if told[at] else None,
            completeness=float(recall[at]) if n[at] else None,
            purity_corrected=float(by_weight[1][at]) if weighed_told[at] > 0 else None,
            completeness_corrected=float(by_weight[0][at]) if by_weight[2][at] else None,
        )
        for at, name in enumerate(names)
        if n[at] or told[at]
    ]


def _of_months(months: Sequence[str], truth: IntArray, chance: FloatArray) -> list[OfMonth]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, month in enumerate(months):
        rows[month].append(row)
    found = []
    for month, at in sorted(rows.items(), reverse=True):
        of_month, even = (truth[at], chance[at]), np.ones(len(at))
        loss = log_loss(*of_month, even)
        found.append(
            OfMonth(
                month=month,
                n=len(at),
                accuracy=accuracy(*of_month, even),
                log_loss=loss if math.isfinite(loss) else math.inf,
                calibration_error=calibration_error(*of_month, even),
            )
        )
    return found
