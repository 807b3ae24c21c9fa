"""Fink's early-TDE classifier beside `tde` on the same real objects and moments, as JSON lines.

    .venv/bin/python -m tests.evaluation.fink_tde files ../shared/data/ml FOLDER
    .venv/bin/python -m tests.evaluation.fink_tde measure FOLDER scores.csv

Between the two `tests/evaluation/fink_tdes.py` writes the scores. Measured are the objects that
`tde` judges at a moment, with the host's redshift. One that Fink's cuts leave out comes last.
"""

import csv
import json
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from ml_plugins import tde
from ml_plugins.outbursts.known import is_kept_back
from tests.evaluation import real_tdes
from tests.evaluation.fink import DRAWS
from tom.scoring.contract import Batch, Curve, Reason, RedshiftSource
from tom.scoring.evaluation.columns import read_labels
from tom.scoring.evaluation.light import open_light

Array = npt.NDArray[Any]
FIGURES = {"average_precision": average_precision_score, "area": roc_auc_score}


def main() -> None:
    """Write the files, or print a line for each moment."""
    what, first, second = sys.argv[1:]
    if what == "files":
        real_tdes.write_files(Path(first), Path(second))
        return
    said: dict[int, dict[str, tuple[float, float]]] = defaultdict(dict)
    with Path(second).open(newline="") as file:
        for row in csv.DictReader(file):
            score = float(row["score"]) if row["score"] else -1.0
            said[int(row["days"])][row["oid"]] = float(row["until"]), score
    curves, disruptions = _read(Path(first))
    for days, scores in said.items():
        _print(days, scores, curves, disruptions)


def _read(folder: Path) -> tuple[list[Curve], set[str]]:
    labels = read_labels(folder / "meta.parquet", column="label", source=RedshiftSource.HOST)
    known = [each for each in labels if not is_kept_back(each.name)]
    light = open_light(folder / "lc.parquet", zero_point=real_tdes.NJY_ZERO_POINT)
    curves = [curve for chunk in light.curves(known, most=1000) for curve in chunk]
    return curves, {each.name for each in known if each.label == "TDE"}


def _print(
    days: int, said: dict[str, tuple[float, float]], curves: list[Curve], disruptions: set[str]
) -> None:
    seen = [_until(curve, said[curve.object_id][0]) for curve in curves if curve.object_id in said]
    scorer, batch = tde.Tde(), Batch.build(seen)
    scorer.setup(Path(tde.__file__).parent)
    rows = np.flatnonzero(scorer.eligible(batch) == Reason.OK)
    names = batch.object_ids[rows].tolist()
    truth = np.array([name in disruptions for name in names])
    theirs = np.array([said[name][1] for name in names])
    ours = scorer.score(batch.take(rows)).probability[:, scorer.spec.classes.index("tde")]
    told = {"days": days, "n": len(names), "n_tde": int(truth.sum())}
    told |= {"left_out_by_fink": int((theirs < 0).sum())}
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS)]
    for name, figure in FIGURES.items():
        found = [[figure(truth[at], of[at]) for at in drawn] for of in (ours, theirs)]
        gain = np.subtract(*found)
        for who, values, of in zip(("ours", "fink"), found, (ours, theirs), strict=True):
            told[f"{name}_{who}"] = _told(figure(truth, of), values)
        told[f"{name}_gain"] = _told(figure(truth, ours) - figure(truth, theirs), gain)
    sys.stdout.write(json.dumps(told) + "\n")


def _told(value: float, drawn: Any) -> list[float]:
    return [round(float(each), 3) for each in (value, *np.quantile(drawn, [0.025, 0.975]))]


def _until(curve: Curve, mjd: float) -> Curve:
    kept = [row for row, at in enumerate(curve.mjd) if at <= mjd]
    columns: dict[str, Any] = {
        name: [getattr(curve, name)[row] for row in kept]
        for name in ("mjd", "flux", "flux_error", "band", "kind", "survey")
        if len(getattr(curve, name))
    }
    return replace(curve, **columns, as_of_mjd=mjd)


if __name__ == "__main__":
    main()
