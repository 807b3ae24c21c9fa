"""The known outbursts whose light curves look most like an object's, with their types."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.outbursts.features import features_of
from ml_plugins.outbursts.library import Library
from ml_plugins.outbursts.scope import reasons_of
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    ScoreBatch,
    ScorerKind,
    ScorerSpec,
)
from tom.taxonomy import lineage

CLASSES = (
    *("supernova Ia", "supernova II", "supernova Ib/c", "supernova IIn"),
    *("superluminous supernova", "tde", "nova"),
)
PRIOR = (0.7541, 0.1486, 0.055, 0.019, 0.0143, 0.0042, 0.0048)
"""The shares of the classes among what the library was made of: 1426, 281, 104, 36, 27, 8, 9."""
NEAREST = 10
SHOWN = 6


class Analogues:
    """Finds the nearest known light curves; of each class it tells the share among them.

    The ranking does not use it: `sn_type` says more of the type from the same light curve.
    """

    spec = ScorerSpec(
        name="analogues",
        version="1.0.0",
        inputs=("lightcurve:g,r>=5", "place.ebv"),
        classes=CLASSES,
        prior=PRIOR,
        kind=ScorerKind.RANK,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.01,
        artefact="model.json",
        artefact_sha256="ec8a6ec84619246c4a2a5cced0188f2a695079076275658507f45c8988c15a8d",
        trained_on="trained_on.txt",
    )

    def setup(self, artefacts: Path) -> None:
        """Read the library."""
        told = json.loads((artefacts / "model.json").read_text(encoding="utf-8"))
        self._library = Library.of(told)
        self._column = np.array([_column_of(label) for label in self._library.labels])

    def eligible(self, batch: Batch) -> IntArray:
        """Require five nights in g and r within one outburst, over five days."""
        return reasons_of(batch)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the share of each class among the nearest ten."""
        near, _ = self._library.nearest(features_of(batch), NEAREST)
        share = self._shares(near)
        # Of a share of ten, as log odds, with half an object on either side.
        first = NEAREST * share[:, 0] + 0.5
        return ScoreBatch(probability=share, sigma=np.sqrt(1 / first + 1 / (NEAREST + 1 - first)))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return the nearest ones: the light curve, the name, the class and how near it is."""
        near, distance = self._library.nearest(features_of(batch), NEAREST)
        library = self._library
        return [
            Contribution(
                object_id=str(name),
                name=library.names[row],
                log_lr=self._moved(rows, row),
                text=f"{library.names[row]}, {library.labels[row]}, {apart:.2f} apart",
                value=float(apart),
                lines=library.lines_of(row),
            )
            for name, rows, gaps in zip(batch.object_ids, near, distance, strict=True)
            for row, apart in zip(rows[:SHOWN].tolist(), gaps[:SHOWN].tolist(), strict=True)
        ]

    def fit(self, batch: Batch, labels: Sequence[str]) -> bytes:
        """Return the library of these objects."""
        from ml_plugins.analogues.training.train import fit

        return fit(batch, labels)

    def _shares(self, near: IntArray) -> FloatArray:
        found = self._column[near][:, :, None] == np.arange(len(CLASSES))
        return np.asarray(found.mean(axis=1))

    def _moved(self, rows: IntArray, row: int) -> float:
        """Return how far one of the nearest moves the log odds of the first class."""
        column = self._column[rows]
        first = float(np.sum(column == 0))
        without = first - float(self._column[row] == 0)
        return _log_odds(first, len(column)) - _log_odds(without, len(column) - 1)


def _column_of(label: str) -> int:
    """Return the column of the class that holds a type."""
    return next(CLASSES.index(wider) for wider in lineage(label) if wider in CLASSES)


def _log_odds(first: float, n: int) -> float:
    return float(np.log(first + 0.5) - np.log(n - first + 0.5))
