"""Evaluate a scorer on two files; compare it with another one on the same objects."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tom.records.redshift import RedshiftSource
from tom.scoring.contract import BoolArray, FloatArray, IntArray, Scorer, Trainable
from tom.scoring.evaluation import groups
from tom.scoring.evaluation.classes import Classes, classes_of
from tom.scoring.evaluation.columns import (
    Labelled,
    WrongFileError,
    count_unlabelled,
    read_labels,
)
from tom.scoring.evaluation.judging import Judged, Limits, judge_parts
from tom.scoring.evaluation.light import LightFile, open_light
from tom.scoring.evaluation.measuring import compare, report_of
from tom.scoring.evaluation.splitting import Split, split
from tom.scoring.registry import trained_on
from tom.taxonomy import find_class

CHUNK: Final = 500
"""How many light curves are read at once where their number does not hang on the scorer."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The labelled objects that have points; `group` and `first` (MJD) have shape (n,)."""

    light: LightFile
    labelled: list[Labelled]
    group: IntArray
    first: FloatArray
    n_without_points: int
    n_unlabelled: int = 0

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [each.name for each in self.labelled]

    @property
    def labels(self) -> list[str]:
        """Their labels."""
        return [each.label for each in self.labelled]


def read_objects(
    lightcurves: Path,
    labels: Path,
    *,
    column: str | None = None,
    zero_point: float | None = None,
    source: RedshiftSource = RedshiftSource.UNKNOWN,
) -> Objects:
    """Read which objects there are; their points are read again when they are judged.

    `source` declares what the redshifts of the labels were measured on; else none is given.

    Raises
    ------
    WrongFileError
        If a file is not of the form that it must have, or its rows are split instead of objects.
    """
    labelled = read_labels(labels, column=column, source=source)
    light = open_light(lightcurves, zero_point=zero_point)
    light.check_folds()
    light.check_points()
    prints, first = {}, {}
    for curves in light.curves(labelled, most=CHUNK):
        for curve in curves:
            prints[curve.object_id] = groups.print_of(curve)
            first[curve.object_id] = min(curve.mjd)
    kept = [each for each in labelled if each.name in first]
    if not kept:
        message = f"{lightcurves} has points of no object of {labels}: their names must be the same"
        raise WrongFileError(message)
    group = groups.groups_of(kept, prints)
    groups.check_folds(kept, group)
    start = np.array([first[each.name] for each in kept])
    unlabelled = count_unlabelled(labels, column=column)
    return Objects(light, kept, group, start, len(labelled) - len(kept), unlabelled)


def evaluate(
    scorer: Scorer,
    path: str,
    objects: Objects,
    *,
    how: str,
    limits: Limits,
    tell: Callable[[str], None],
    sought: Sequence[str] = (),
) -> tuple[dict[str, Any], dict[float, Judged]]:
    """Return the figures of a scorer, and its answers by epoch.

    `sought` are those of its classes that a list would seek: see `measuring.report_of`. `tell` is
    given a line after each fold.

    Raises
    ------
    WrongFileError
        If nothing can be measured with these files.
    ScorerDiedError
        If the scorer's process ended, took too long, or broke the contract.
    """
    _check_sought(scorer, sought)
    known = np.array(groups.trained_on(objects.labelled, trained_on(scorer)), bool)
    chosen = split(
        scorer.spec,
        objects.labelled,
        how=how,
        group=objects.group,
        first=objects.first,
        trained=_with_their_group(known, objects.group),
        trainable=isinstance(scorer, Trainable),
    )
    answers = judge_parts(scorer, path, objects.light, chosen.parts, limits, tell)
    rows = _rows(chosen, objects)
    names = [objects.names[row] for row in rows]
    judged = {days: each.pick(names) for days, each in answers.items()}
    classes = _classes(scorer, objects, rows)
    report: dict[str, Any] = {
        "scorer": scorer.spec.name,
        "version": scorer.spec.version,
        "split": chosen.told,
    }
    ebv = np.array([objects.labelled[row].ebv for row in rows], float)
    group = objects.group[rows]
    report |= report_of(scorer.spec, classes, judged, group=group, ebv=ebv, sought=sought)
    report["left_out"] = {
        "trained_on": chosen.n_trained_on,
        "no_points": objects.n_without_points,
        "no_label": objects.n_unlabelled,
    }
    report["labels_unknown"] = _unknown_labels(scorer, [objects.labels[row] for row in rows])
    return report, judged


def compare_answers(
    new: Scorer, old: Scorer, objects: Objects, answers: tuple[Judged, Judged]
) -> dict[str, Any]:
    """Return how much better the new scorer's answers are, on the objects that both judged.

    Raises
    ------
    WrongFileError
        If the two have other classes, or no object in common.
    """
    both = set(answers[0].names) & set(answers[1].names)
    rows = np.array([row for row, name in enumerate(objects.names) if name in both], np.int64)
    if not len(rows):
        message = "no object was judged by both scorers: choose the same --split for both"
        raise WrongFileError(message)
    names = [objects.names[row] for row in rows]
    one, other = (_classes(scorer, objects, rows) for scorer in (new, old))
    if one.names != other.names or np.any(one.truth != other.truth):
        message = f"{new.spec.name} and {old.spec.name} have other classes: they cannot be compared"
        raise WrongFileError(message)
    chances = other.merge(answers[1].pick(names).chance)
    gains = compare(new.spec, one, answers[0].pick(names), chances, objects.group[rows])
    return {"against": f"{old.spec.name} {old.spec.version}", **gains}


def _check_sought(scorer: Scorer, sought: Sequence[str]) -> None:
    unknown = sorted(set(sought) - set(scorer.spec.classes))
    if unknown:
        there = ", ".join(scorer.spec.classes)
        message = f"{scorer.spec.name} has no class {', '.join(unknown)}: it has {there}"
        raise WrongFileError(message)


def _classes(scorer: Scorer, objects: Objects, rows: IntArray) -> Classes:
    return classes_of([objects.labels[row] for row in rows], scorer.spec.classes)


def _unknown_labels(scorer: Scorer, labels: Sequence[str]) -> dict[str, int]:
    """Return the labels that are no name of a class here, each with its number."""
    counts = Counter(labels).most_common()
    return {
        label: n
        for label, n in counts
        if find_class(label) is None and label not in scorer.spec.classes
    }


def _rows(chosen: Split, objects: Objects) -> IntArray:
    asked = {each.name for part in chosen.parts for each in part.judged}
    return np.flatnonzero([name in asked for name in objects.names])


def _with_their_group(known: BoolArray, group: IntArray) -> BoolArray:
    """Return whether a name of the same object is known."""
    return np.asarray(np.isin(group, group[known]))
