"""Measure `analogues`: the share of an object's own class among its ten nearest, in five folds.

python -m ml_plugins.analogues.training.evaluate DATA
"""

import sys
from pathlib import Path

import numpy as np

from ml_plugins.analogues import CLASSES, NEAREST
from ml_plugins.analogues.training.train import COLUMN
from ml_plugins.outbursts.features import features_of
from ml_plugins.outbursts.known import Known, read_known
from ml_plugins.outbursts.library import Library, numbers
from ml_plugins.outbursts.scope import reasons_of
from tom.scoring.contract import FloatArray, IntArray, Reason
from tom.scoring.evaluation.groups import folds_of, groups_of

SEED, DRAWS, N_FOLDS = 20261127, 1000, 5


def main(arguments: list[str]) -> None:
    """Print the figures of the card."""
    folder = Path(arguments[0]) / "ml"
    files = folder / "ztf_bts_lc.parquet", folder / "ztf_bts_meta.parquet"
    known = read_known(*files, classes=CLASSES, column=COLUMN)
    truth, share = shares(known)
    rng = np.random.default_rng(SEED)
    _tell(["class", "n", f"precision@{NEAREST}", "95%", "prior", "lowest / prior"])
    for column, name in enumerate(CLASSES):
        mine = share[truth == column, column]
        means = [mine[rng.integers(0, len(mine), len(mine))].mean() for _ in range(DRAWS)]
        low, high = np.quantile(means, [0.025, 0.975])
        prior = float(np.mean(truth == column))
        told = [f"{mine.mean():.3f}", f"{low:.3f}-{high:.3f}", f"{prior:.4f}", f"{low / prior:.1f}"]
        _tell([name, str(len(mine)), *told])
    top = share.argmax(axis=1) == truth
    _tell(["most of the ten", str(len(top)), f"{top.mean():.3f}"])


def shares(known: Known) -> tuple[IntArray, FloatArray]:
    """Return each object's class, and the classes' shares among its nearest in other folds."""
    enough = np.flatnonzero(reasons_of(known.batch) == Reason.OK)
    objects = [known.objects[row] for row in enough]
    labels = [known.classes[row] for row in enough]
    truth = np.array([CLASSES.index(label) for label in labels])
    features = features_of(known.batch.take(enough))
    fold = folds_of(objects, groups_of(objects, {}), n_folds=N_FOLDS)
    share = np.zeros((len(truth), len(CLASSES)))
    for k in range(N_FOLDS):
        others = np.flatnonzero(fold != k)
        names, classes = [objects[i].name for i in others], [labels[i] for i in others]
        library = Library.of(numbers(names, classes, features[others]))
        near, _ = library.nearest(features[fold == k], NEAREST)
        found = truth[others][near][:, :, None] == np.arange(len(CLASSES))
        share[fold == k] = found.mean(axis=1)
    return truth, share


def _tell(cells: list[str]) -> None:
    sys.stdout.write(f"{cells[0]:26}" + "".join(f"{cell:>16}" for cell in cells[1:]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
