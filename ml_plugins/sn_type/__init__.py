"""Type of a supernova from its light curve in g and r: Ia, II, Ib/c, IIn or superluminous."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.outbursts.features import GROUPS, NAMES, measure, nights_of
from ml_plugins.outbursts.reasons import log_odds_of, parts_of
from ml_plugins.outbursts.scope import CLASSES, reasons_of
from ml_plugins.outbursts.trees import Trees
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    ScoreBatch,
    ScorerSpec,
)

PRIOR = (0.7605, 0.1341, 0.0721, 0.0191, 0.0142)
"""The shares of the classes in the training set: 1435, 253, 136, 36 and 27 of 1887."""


class SnType:
    """Boosted trees on rise, fall, width and colour, fitted to light curves of every age."""

    spec = ScorerSpec(
        name="sn_type",
        version="1.0.0",
        inputs=("lightcurve:g,r>=5", "place.ebv"),
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.01,
        artefact="model.json",
        artefact_sha256="65e8670e54878ecf8187746ab8c043154b230733619a288474f595c727a0bad7",
        trained_on="trained_on.txt",
    )

    def setup(self, artefacts: Path) -> None:
        """Read the trees."""
        self._trees = Trees.read(artefacts / "model.json")

    def eligible(self, batch: Batch) -> IntArray:
        """Require five nights in g and r within one outburst, over five days."""
        return reasons_of(batch)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the chances of the five types, as if it were one of these."""
        features, age = _features(batch)
        return ScoreBatch(probability=self._trees.chances(features), sigma=self._trees.sigma(age))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return how far the colour, the rise, the fall and the width moved each opinion on Ia."""
        features, _ = _features(batch)
        return parts_of(batch, features, groups=GROUPS, log_odds=self._log_odds, what="a Ia")

    def fit(self, batch: Batch, labels: Sequence[str]) -> bytes:
        """Return the artefact fitted to these objects; needs scikit-learn."""
        from ml_plugins.sn_type.training.fit import fit

        return fit(batch, labels)

    def _log_odds(self, features: FloatArray) -> FloatArray:
        return log_odds_of(self._trees.chances(features)[:, 0])


def _features(batch: Batch) -> tuple[FloatArray, FloatArray]:
    """Return the features, shape (n, d), and the ages of the light curves in days, shape (n,)."""
    nights = [nights_of(batch, row) for row in range(len(batch))]
    features = np.array([measure(each) for each in nights]).reshape(-1, len(NAMES))
    return features, np.array([np.ptp(each.time) for each in nights], float)
