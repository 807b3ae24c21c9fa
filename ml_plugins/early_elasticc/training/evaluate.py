"""Measure `early_elasticc` on alerts, each as it came, of objects that it was not fitted on.

python -m ml_plugins.early_elasticc.training.evaluate DATA

Beside it, on the same alerts: what Fink's classifiers said of a Ia, and brightest-first.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from ml_plugins.early_elasticc import CLASSES, EarlyElasticc
from ml_plugins.early_elasticc.alerts import curve_of
from ml_plugins.early_elasticc.training.files import NEEDED, RIVALS, alerts_in
from ml_plugins.outbursts.known import is_kept_back
from tom.scoring.contract import Batch, Curve, FloatArray, IntArray, Reason
from tom.scoring.evaluation.bootstrap import measure, weights
from tom.scoring.evaluation.figures import accuracy, area, calibration_error, log_loss, macro_f1

SEED: Final = 20261128
EARLY_DAYS: Final = (0.0, 3.0, 7.0, 14.0, 30.0)
Alerts = Sequence[tuple[str, Mapping[str, Any]]]


def main(arguments: list[str]) -> None:
    """Print the figures of the card."""
    folder = Path(arguments[0])
    scorer = EarlyElasticc()
    scorer.setup(Path(__file__).parents[1])
    alerts = list(alerts_in(folder / "elasticc" / "fink_2023-02-08"))
    kept = [(label, each) for label, each in alerts if is_kept_back(_name(each))]
    _tell_all(scorer, kept)
    more = folder / "brokers" / "fink-science" / "test_elasticc_earlysnia.parquet"
    known = {_name(each) for _, each in alerts}
    rows = pl.read_parquet(more, columns=list(NEEDED)).iter_rows(named=True)
    others = [(CLASSES[0], each) for each in rows if _name(each) not in known]
    judged, chance, _ = _judge(scorer, others)
    group = np.unique([_name(others[row][1]) for row in judged], return_inverse=True)[1]
    drawn = weights(group.astype(np.int64), np.random.default_rng(SEED))
    right = _text(measure(accuracy, np.zeros(len(judged), np.int64), chance, drawn))
    _write(f"another file, Ia alone: {len(others)} alerts, {len(judged)} judged, right {right}")


def _tell_all(scorer: EarlyElasticc, alerts: Alerts) -> None:
    judged, chance, curves = _judge(scorer, alerts)
    names = [_name(alerts[row][1]) for row in judged]
    truth = np.array([CLASSES.index(alerts[row][0]) for row in judged])
    group = np.unique(names, return_inverse=True)[1].astype(np.int64)
    _write(f"alerts {len(alerts)}, judged {len(judged)}, of {len(set(names))} objects")
    brightest = np.array([max(curve.flux) for curve in curves])
    rivals = [("brightest first", np.stack([brightest, -brightest], axis=1))]
    rivals += [
        (name, _pair(np.array([alerts[row][1][name] for row in judged], float))) for name in RIVALS
    ]
    drawn = weights(group, np.random.default_rng(SEED))
    for name, figure in (("log loss", log_loss), ("ECE", calibration_error), ("F1", macro_f1)):
        _write(f"{name:30} {_text(measure(figure, truth, chance, drawn))}")
    for name, numbers in (("area, Ia", chance), *rivals):
        _write(f"{name:30} {_text(measure(area(0), truth, numbers, drawn))}")
    age = np.array([_age(curve) for curve in curves])
    edges = (*EARLY_DAYS, np.inf)
    for low, high in pairwise(edges):
        rows = np.flatnonzero((age >= low) & (age < high))
        _tell_part(
            f"{low:g} to {high:g} days", truth, rows, group, (chance, *dict(rivals).values())
        )


def _tell_part(
    what: str, truth: IntArray, rows: IntArray, group: IntArray, told: tuple[FloatArray, ...]
) -> None:
    drawn = weights(group[rows], np.random.default_rng(SEED))
    texts = [_text(measure(area(0), truth[rows], each[rows], drawn)) for each in told]
    _write(f"{what}: n {len(rows)}; {'; '.join(texts)}")


def _judge(scorer: EarlyElasticc, alerts: Alerts) -> tuple[IntArray, FloatArray, list[Curve]]:
    """Return which alerts were judged, the chances, and the judged curves."""
    curves = [curve_of(alert) for _, alert in alerts]
    batch = Batch.build(curves)
    judged = np.flatnonzero(scorer.eligible(batch) == Reason.OK)
    chance = scorer.score(batch.take(judged)).probability
    return judged, chance, [curves[row] for row in judged]


def _name(alert: Mapping[str, Any]) -> str:
    return str(alert["diaSource"]["diaObjectId"])


def _age(curve: Curve) -> float:
    """Return the days from the first detection to the alert."""
    times = [mjd for mjd, kind in zip(curve.mjd, curve.kind, strict=True) if kind == "alert"]
    return curve.as_of_mjd - min(times, default=curve.as_of_mjd)


def _pair(first: FloatArray) -> FloatArray:
    return np.stack([first, 1 - first], axis=1)


def _text(found: tuple[float, float, float]) -> str:
    return f"{found[0]:.3f} ({found[1]:.3f}-{found[2]:.3f})"


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
