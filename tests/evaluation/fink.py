"""Fink's anomaly forests on the objects that `anomaly` judges, as JSON lines.

    .venv/bin/python -m tests.evaluation.fink ../shared/data/ml scores.csv

`tests/evaluation/fink_forests.py` writes the scores. What is unusual, and who is left out, is as in
`make evaluate SCORER=anomaly`; Fink's forests saw none of these labels, and perhaps some objects.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from ml_plugins.anomaly import Anomaly
from ml_plugins.anomaly.training.train import CLASSES, RARE, UNUSUAL, write_labels
from ml_plugins.outbursts.known import read_known
from tom.scoring.contract import Reason

Array = npt.NDArray[Any]
DRAWS, FIRST = 500, 50


def main() -> None:
    """Print a line for each list of what is unusual."""
    data, scores = map(Path, sys.argv[1:])
    with scores.open(newline="") as file:
        said = {row["oid"]: -float(row["score"]) for row in csv.DictReader(file)}
    for column, unusual in (("cls", RARE), ("type", UNUSUAL)):
        with tempfile.TemporaryDirectory() as folder:
            labels = Path(folder) / "labels.parquet"
            write_labels(data / "ztf_bts_meta.parquet", labels, column=column, unusual=unusual)
            light = data / "ztf_bts_lc.parquet"
            known = read_known(light, labels, classes=CLASSES, column="label")
        fit = Anomaly().eligible(known.batch) == Reason.OK
        names = [each.name for each, is_fit in zip(known.objects, fit, strict=True) if is_fit]
        truth = np.array(known.classes)[fit] == "unusual"
        _print(column, truth, np.array([said[name] for name in names]))


def _print(column: str, truth: Array, score: Array) -> None:
    rng = np.random.default_rng(0)
    rows = [rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS)]
    told = {"unusual": column, "n": len(truth), "n_unusual": int(truth.sum())}
    for name, figure in FIGURES.items():
        drawn = [figure(truth[each], score[each]) for each in rows if truth[each].any()]
        ends = np.quantile(drawn, [0.025, 0.975])
        told[name] = [round(float(each), 3) for each in (figure(truth, score), *ends)]
    sys.stdout.write(json.dumps(told) + "\n")


def _first(truth: Array, score: Array) -> float:
    return float(truth[np.argsort(-score, kind="stable")[:FIRST]].mean())


FIGURES = {
    "area": roc_auc_score,
    "first_50": _first,
    "average_precision": average_precision_score,
}

if __name__ == "__main__":
    main()
