"""Type of a supernova in its first weeks, from three days on: a Ia, or the collapse of a core."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.early.features import GROUPS, NAMES, measure
from ml_plugins.early.scope import reason_of
from ml_plugins.outbursts.features import nights_of
from ml_plugins.outbursts.reasons import log_odds_of, parts_of
from ml_plugins.outbursts.scope import CLASSES
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


class Early:
    """Boosted trees on the rise, the colour, the brightness and the shape of young light curves."""

    spec = ScorerSpec(
        name="early",
        version="1.0.0",
        inputs=("lightcurve:g,r>=2", "place.ebv"),
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.01,
        artefact="model.json",
        artefact_sha256="038feb05457634c3f7ec1a9bc9a51ffcc7fc97a67e4ec856ed66263441783e5d",
        trained_on="trained_on.txt",
    )

    def setup(self, artefacts: Path) -> None:
        """Read the trees."""
        self._trees = Trees.read(artefacts / "model.json")

    def eligible(self, batch: Batch) -> IntArray:
        """Require detections over three days, and not over more than thirty-five."""
        reasons = [reason_of(nights_of(batch, row)) for row in range(len(batch))]
        return np.array(reasons, np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the chances of the five types, as if it were one of these."""
        features = _features(batch)
        age = features[:, NAMES.index("age")]
        return ScoreBatch(probability=self._trees.chances(features), sigma=self._trees.sigma(age))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return how far brightness, colour, rise and shape moved each opinion on Ia."""
        features = _features(batch)
        return parts_of(batch, features, groups=GROUPS, log_odds=self._log_odds, what="a Ia")

    def fit(self, batch: Batch, labels: Sequence[str]) -> bytes:
        """Return the artefact fitted to these objects; needs scikit-learn."""
        from ml_plugins.early.training.fit import fit

        return fit(batch, labels)

    def _log_odds(self, features: FloatArray) -> FloatArray:
        return log_odds_of(self._trees.chances(features)[:, 0])


def _features(batch: Batch) -> FloatArray:
    """Return the features, shape (n, d)."""
    values = [measure(nights_of(batch, row)) for row in range(len(batch))]
    return np.array(values).reshape(-1, len(NAMES))
