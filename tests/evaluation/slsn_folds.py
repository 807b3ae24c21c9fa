"""What `slsn` gains from knowing what the catalogue of galaxies lists, as JSON lines.

    .venv/bin/python -m tests.evaluation.slsn_folds ../shared/data fleet_pipe-3.2-py3-none-any.whl

Its trees are fitted in five folds by object, with that feature and without it, and judge each
object 20 days after its first detection, and after 1000. Average precisions and the paired gain
are printed for a fit to all that the shipped one is fitted to, and for one to the survey alone. Of
the first, also for each source alone, and for the real objects that are in the table of
`tests.evaluation.fleet_table` and kept back by none of their names.
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from ml_plugins.outbursts.boosting import Row, Rows, fit_rows, rows_of
from ml_plugins.outbursts.trees import Trees
from ml_plugins.outbursts.wide import NAMES, Wide, wide_of
from ml_plugins.outbursts.wide_scope import reason_of
from ml_plugins.slsn import CLASSES, Slsn
from ml_plugins.slsn.training.files import write_files
from tests.evaluation.fleet_table import BY_NAME, FOLDS, SPLITS, Flags, Floats, figures, read_table
from tom.records.redshift import RedshiftSource
from tom.scoring.contract import Batch, IntArray, Reason
from tom.scoring.evaluation.classes import class_of
from tom.scoring.evaluation.evaluating import read_objects
from tom.scoring.evaluation.groups import folds_of

FILES: Final = ("all", "survey")
DAYS: Final = (20.0, 1000.0)
WIDTHS: Final = {"before": len(NAMES), "after": len(NAMES) + 1}
"""How many features are read, without what is listed, which is the last one, and with it."""


class Objects(NamedTuple):
    """The objects of a file: shape (n,) each, and what is read of each to its end."""

    names: list[str]
    truth: Flags
    fold: IntArray
    looks: list[Wide]


def main() -> None:
    """Print a line for each file, age and part of the objects."""
    data, wheel = map(Path, sys.argv[1:])
    table = read_table(wheel, BY_NAME["either"])
    clear = {name for row in np.flatnonzero(table.is_clear) for name in table.names[row]}
    with tempfile.TemporaryDirectory() as folder:
        write_files(data, Path(folder))
        for file in FILES:
            known = _read(Path(folder), file)
            parts = parts_of(known.names, clear) if file == "all" else {}
            for days, said in judge(known).items():
                for part, rows in ({"all": np.full(len(known.names), True)} | parts).items():
                    _print({"file": file, "days": days, "judged": part}, known, said, rows)


def _print(
    told: Mapping[str, object], known: Objects, said: Mapping[str, Floats], rows: Flags
) -> None:
    kept = rows & np.isfinite(said["after"]).all(axis=0)
    truth = known.truth[kept]
    of = {name: each[:, kept] for name, each in said.items()}
    line = {**told, "n": len(truth), "n_sought": int(truth.sum())}
    line |= figures(truth, of, gains={"gain": ("after", "before")})
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _read(folder: Path, file: str) -> Objects:
    files = folder / f"{file}_lc.parquet", folder / f"{file}_meta.parquet"
    objects = read_objects(*files, zero_point=31.4, source=RedshiftSource.HOST)
    fold = folds_of(objects.labelled, objects.group, n_folds=FOLDS)
    rows = [k for k, label in enumerate(objects.labels) if class_of(label, CLASSES)]
    chosen = [objects.labelled[row] for row in rows]
    (curves,) = objects.light.curves(chosen, most=len(chosen))
    batch = Batch.build(curves)
    truth = [class_of(each.label, CLASSES) == CLASSES[0] for each in chosen]
    looks = [wide_of(batch, row) for row in range(len(batch))]
    return Objects(batch.object_ids.tolist(), np.array(truth), fold[rows], looks)


def parts_of(names: Sequence[str], clear: set[str]) -> dict[str, Flags]:
    """Return which objects are of each source, and which of these are in the table."""
    is_survey = np.array([name.startswith("ZTF") for name in names])
    is_real = is_survey | np.array([name[0].isdigit() or "PTF" in name for name in names])
    is_tabled = is_real & np.array([name in clear for name in names])
    return {
        "survey": is_survey,
        "real": is_real,
        "mallorn": ~is_real,
        "table": is_tabled,
        "table, survey": is_tabled & is_survey,
    }


def judge(known: Objects) -> dict[float, dict[str, Floats]]:
    """Return chances by age and by what is read, shape (SPLITS, n); NaN: it abstains.

    The folds are the same for each of the `SPLITS`: the trees draw other features.
    """
    scorer = Slsn()
    fitted = [k for k, look in enumerate(known.looks) if reason_of(look) == Reason.OK]
    labels = [CLASSES[0] if known.truth[k] else CLASSES[1] for k in fitted]
    looks = [known.looks[k] for k in fitted]
    rows = rows_of(looks, labels, measure=scorer.measure, recipe=scorer.recipe)
    fold = known.fold[fitted][rows.owner]
    seen = {days: _features(scorer, known.looks, days) for days in DAYS}
    said = {
        days: {name: np.full((SPLITS, len(known.names)), np.nan) for name in WIDTHS}
        for days in DAYS
    }
    for split in range(SPLITS):
        parameters = {**scorer.recipe.parameters, "random_state": split}
        recipe = replace(scorer.recipe, parameters=parameters)
        for number in np.unique(known.fold):
            mine = known.fold == number
            for name, width in WIDTHS.items():
                trees = Trees.of(json.loads(fit_rows(_some(rows, fold != number, width), recipe)))
                for days in DAYS:
                    chance = trees.chances(seen[days][mine, :width])[:, 0]
                    said[days][name][split, mine] = chance
    for days in DAYS:
        silent = np.isnan(seen[days]).all(axis=1)
        for each in said[days].values():
            each[:, silent] = np.nan
    return said


def _features(scorer: Slsn, looks: Sequence[Wide], days: float) -> Floats:
    """Return what is read of each object at an age, shape (n, d); only NaN: it is not judged."""
    features = np.full((len(looks), WIDTHS["after"]), np.nan)
    for row, look in enumerate(looks):
        part = look.until(float(look.time[0] + days)) if look.detected.any() else look
        if reason_of(part) == Reason.OK:
            features[row] = scorer.measure(part)
    return features


def _some(rows: Rows, kept: Flags, width: int) -> Rows:
    """Return some of the rows, with the first features alone."""
    columns = (rows.features[:, :width], rows.owner, rows.truth, rows.is_end, rows.age)
    return Rows(Row(*row) for row in zip(*(column[kept] for column in columns), strict=True))


if __name__ == "__main__":
    main()
