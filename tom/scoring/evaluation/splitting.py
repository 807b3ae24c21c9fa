"""Which objects a scorer is measured on, and on which it is fitted for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tom.scoring.contract import BoolArray, FloatArray, IntArray, ScorerSpec
from tom.scoring.evaluation.classes import class_of
from tom.scoring.evaluation.columns import Labelled, WrongFileError
from tom.scoring.evaluation.groups import folds_of
from tom.scoring.evaluation.judging import Part

N_FOLDS: Final = 5
LATEST: Final = 0.25
SPLITS: Final = ("auto", "shipped", "object", "time")


@dataclass(frozen=True, eq=False)
class Split:
    """The parts to judge, in words, and the number of objects left out as trained on."""

    parts: list[Part]
    told: str
    n_trained_on: int = 0


def split(
    spec: ScorerSpec,
    objects: Sequence[Labelled],
    *,
    how: str,
    group: IntArray,
    first: FloatArray,
    trained: BoolArray,
    trainable: bool,
) -> Split:
    """Return the split.

    Parameters
    ----------
    how : str
        `shipped`: the scorer as it is, on objects that it was not fitted on. `object`: five folds
        of objects, each judged by a fit on the others. `time`: the latest quarter by the first
        detection, judged by a fit on the earlier ones. `auto`: as shipped, unless it was fitted on
        most of the objects and can be fitted again.
    group, first, trained : array, shape (n,)
        The group of each object, its first point (MJD), and whether the scorer was fitted on it.

    Raises
    ------
    WrongFileError
        If nothing is left to measure on.
    """
    if how == "auto":
        how = "object" if trainable and trained.mean() > 0.5 else "shipped"
    if how == "object":
        fold = folds_of(objects, group, n_folds=N_FOLDS)
        folds = np.unique(fold).tolist()
        parts = [
            _part(spec, objects, fold == k)._replace(name=f"fold {number} of {len(folds)}")
            for number, k in enumerate(folds, start=1)
        ]
        return Split(parts, f"{len(parts)} folds by object, fitted again for each")
    if how == "time":
        start = np.array([first[group == of].min() for of in group])
        late = start > np.quantile(start, 1 - LATEST)
        return Split([_part(spec, objects, late)], "the latest quarter, fitted on what is earlier")
    kept = [each for each, known in zip(objects, trained, strict=True) if not known]
    if not kept:
        message = (
            f"scorer {spec.name!r} was trained on all of these objects: give others, or --split"
            " object if it can be fitted again"
        )
        raise WrongFileError(message)
    return Split(
        [Part(kept, None)], "as shipped, on objects it was not trained on", int(trained.sum())
    )


def _part(spec: ScorerSpec, objects: Sequence[Labelled], judged: BoolArray) -> Part:
    """Fit on the objects that are not judged and of the scorer's classes."""
    told = [(each, class_of(each.label, spec.classes)) for each in objects]
    return Part(
        [each for each, mine in zip(objects, judged, strict=True) if mine],
        [
            (each, name)
            for (each, name), mine in zip(told, judged, strict=True)
            if name is not None and not mine
        ],
    )
