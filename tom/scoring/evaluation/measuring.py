"""All figures of a scorer's answers on labelled objects, as plain numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from tom.scoring.contract import BoolArray, FloatArray, IntArray, ScorerKind, ScorerSpec
from tom.scoring.evaluation import figures
from tom.scoring.evaluation.bootstrap import Measured, difference, measure, weights
from tom.scoring.evaluation.classes import Classes
from tom.scoring.evaluation.figures import Figure
from tom.scoring.evaluation.judging import Judged
from tom.taxonomy import lineage

SEED: Final = 20261127
MAGNITUDES: Final = (17.0, 18.0, 18.5, 19.0, 20.0)
REDDENINGS: Final = (0.03, 0.06, 0.12)
IA: Final = "supernova Ia"
ALWAYS: Final = ("macro_f1", "auc_ia", "log_loss", "ece")
"""Figures that a report names of every scorer; NaN: one does not apply to it."""


def figures_of(spec: ScorerSpec, classes: Classes, sought: Sequence[str] = ()) -> dict[str, Figure]:
    """Return the figures that apply to a scorer's kind and classes, by name."""
    first = classes.names[0]
    found: dict[str, Figure] = {}
    if spec.kind == ScorerKind.PROBABILITY:
        found |= {
            "macro_f1": figures.macro_f1,
            "accuracy": figures.accuracy,
            "log_loss": figures.log_loss,
            "ece": figures.calibration_error,
        }
    ia = next((name for name in classes.names if IA in lineage(name)), None)
    if ia is not None:
        found["auc_ia"] = figures.area(classes.names.index(ia))
    if ia != first:
        found["auc_" + first.replace(" ", "_").replace("/", "")] = figures.area(0)
    return found | _sought(classes, sought)


def _sought(classes: Classes, sought: Sequence[str]) -> dict[str, Figure]:
    columns = [column for column, name in enumerate(classes.names) if name in sought]
    return figures.sought(columns) if columns else {}


def report_of(
    spec: ScorerSpec,
    classes: Classes,
    judged: Mapping[float, Judged],
    *,
    group: IntArray,
    ebv: FloatArray,
    sought: Sequence[str] = (),
) -> dict[str, Any]:
    """Return everything that is measured: `judged` by epoch, its rows in the order of `classes`.

    `group` and `ebv` (mag; NaN: not known) have one value for each of these rows. `sought` are
    classes of the scorer that a list would seek: for them it says how good such a list is.
    """
    final = judged[np.inf]
    kept = answered(final, classes)
    truth, chance = classes.truth[kept], classes.merge(final.chance[kept])
    wanted = figures_of(spec, classes, sought)
    rng = np.random.default_rng(SEED)
    drawn = weights(group[kept], rng)
    measured = {name: measure(figure, truth, chance, drawn) for name, figure in wanted.items()}
    report: dict[str, Any] = {"n": int(kept.sum()), **dict.fromkeys(ALWAYS, float("nan"))}
    report |= {name: each.value for name, each in measured.items()}
    report["intervals"] = {name: [each.low, each.high] for name, each in measured.items()}
    report["abstained"] = dict(Counter(reason for reason in final.reason if reason))
    report["no_class"] = int(np.sum(classes.truth < 0))
    report["classes"] = _classes(classes, truth, chance, final.magnitude[kept])
    bright, dust = final.magnitude[kept], ebv[kept]
    report["by_magnitude"] = _in_bins(wanted, truth, chance, bright, MAGNITUDES)
    report["by_reddening"] = _in_bins(wanted, truth, chance, dust, REDDENINGS)
    report["by_epoch"] = [_at_epoch(wanted, classes, days, judged[days]) for days in sorted(judged)]
    lists = {name: wanted[name] for name in _sought(classes, sought)}
    if lists:
        report["lists"] = [
            row
            for days in sorted(judged)
            for row in _lists_at(lists, classes, days, judged[days], group)
        ]
    report["baseline"] = _baseline(spec, wanted, truth, chance.shape[1], final.magnitude[kept])
    if spec.kind == ScorerKind.PROBABILITY and len(truth):
        report["ece_if_true"] = figures.noise_floor(chance, rng)
        report["reliability"] = figures.reliability(truth, chance)
    return report


def answered(judged: Judged, classes: Classes) -> BoolArray:
    """Return which objects have a class and an answer, shape (n,)."""
    return np.asarray((classes.truth >= 0) & np.isfinite(judged.chance).all(axis=1))


def compare(
    spec: ScorerSpec, classes: Classes, new: Judged, old: FloatArray, group: IntArray
) -> dict[str, Any]:
    """Return how much better the new answers are than the old ones, figure by figure, paired.

    `old` has the chances of `classes`, shape (n, k). An abstention counts as the classes' shares:
    so nobody gains by abstaining. A gain is positive: of a loss or an error it is the decrease.
    """
    kept = classes.truth >= 0
    truth = classes.truth[kept]
    shares = _shares(truth, len(classes.names))
    chances = [_filled(part[kept], shares) for part in (classes.merge(new.chance), old)]
    drawn = weights(group[kept], np.random.default_rng(SEED))
    gains: dict[str, Any] = {"n": int(kept.sum())}
    for name, figure in figures_of(spec, classes).items():
        gap = difference(figure, truth, new=chances[0], old=chances[1], drawn=drawn)
        if name in {"log_loss", "ece"}:
            gap = Measured(-gap.value, -gap.high, -gap.low)
        gains[name] = {"gain": gap.value, "low": gap.low, "high": gap.high}
    return gains


def _classes(
    classes: Classes, truth: IntArray, chance: FloatArray, magnitude: FloatArray
) -> dict[str, Mapping[str, float]]:
    weight, bright = np.ones(len(truth)), _brightness(magnitude)
    rows = figures.per_class(truth, chance)
    first = [
        figures.average_precision(truth == column, bright, weight) for column in range(len(rows))
    ]
    return {
        name: {**row, "ap_brightest_first": ap}
        for name, row, ap in zip(classes.names, rows, first, strict=True)
    }


def _in_bins(
    wanted: Mapping[str, Figure],
    truth: IntArray,
    chance: FloatArray,
    values: FloatArray,
    edges: Sequence[float],
) -> list[dict[str, Any]]:
    """Return the figures of the objects in each bin of a value, the lower end included."""
    rows = []
    for low, high in pairwise((-np.inf, *edges, np.inf)):
        inside = (values >= low) & (values < high)
        if inside.any():
            row = {"from": low, "to": high, "n": int(inside.sum())}
            rows.append(row | _plain(wanted, truth[inside], chance[inside]))
    return rows


def _at_epoch(
    wanted: Mapping[str, Figure], classes: Classes, days: float, judged: Judged
) -> dict[str, Any]:
    kept = answered(judged, classes)
    n = int(kept.sum())
    asked = int(np.sum(classes.truth >= 0))
    row: dict[str, Any] = {"days": days, "n": n, "abstained": asked - n}
    chance = classes.merge(judged.chance[kept])
    return row | (_plain(wanted, classes.truth[kept], chance) if n else {})


def _lists_at(
    lists: Mapping[str, Figure], classes: Classes, days: float, judged: Judged, group: IntArray
) -> list[dict[str, Any]]:
    """Return how good a list of the sought classes is at an epoch, and brightest-first's."""
    kept = answered(judged, classes)
    truth, chance = classes.truth[kept], classes.merge(judged.chance[kept])
    bright = np.repeat(_brightness(judged.magnitude[kept])[:, None], chance.shape[1], axis=1)
    drawn = weights(group[kept], np.random.default_rng(SEED))
    rows: list[dict[str, Any]] = []
    for name, figure in lists.items() if kept.any() else ():
        told = measure(figure, truth, chance, drawn)
        row = {"days": days, "figure": name, "n": int(kept.sum()), "value": told.value}
        row |= {"low": told.low, "high": told.high}
        rows.append(row | {"brightest_first": figure(truth, bright, np.ones(len(truth)))})
    return rows


def _baseline(
    spec: ScorerSpec, wanted: Mapping[str, Figure], truth: IntArray, k: int, magnitude: FloatArray
) -> dict[str, Any]:
    """Return the figures of the classes' shares in these very objects, and of brightest-first."""
    shares = np.broadcast_to(_shares(truth, k), (len(truth), k))
    bright = np.repeat(_brightness(magnitude)[:, None], k, axis=1)
    orders = ("auc", "ap_", "precision_")
    areas = {name: figure for name, figure in wanted.items() if name.startswith(orders)}
    rest = wanted if spec.kind == ScorerKind.PROBABILITY else {}
    return {
        "class_shares": _plain(rest, truth, shares),
        "brightest_first": _plain(areas, truth, bright),
    }


def _plain(wanted: Mapping[str, Figure], truth: IntArray, chance: FloatArray) -> dict[str, float]:
    weight = np.ones(len(truth))
    return {name: figure(truth, chance, weight) for name, figure in wanted.items()}


def _brightness(magnitude: FloatArray) -> FloatArray:
    return np.where(np.isfinite(magnitude), -magnitude, -np.inf)


def _shares(truth: IntArray, k: int) -> FloatArray:
    counts = np.bincount(truth, minlength=k).astype(float)
    return np.asarray(counts / max(counts.sum(), 1))


def _filled(chance: FloatArray, shares: FloatArray) -> FloatArray:
    silent = ~np.isfinite(chance).all(axis=1)
    return np.where(silent[:, None], shares, chance)
