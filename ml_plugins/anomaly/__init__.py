"""How unusual an outburst's light curve is: how few cuts set it apart from known outbursts."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.outbursts.features import NAMES, features_of
from ml_plugins.outbursts.library import Library
from ml_plugins.outbursts.reasons import log_odds_of, parts_of
from ml_plugins.outbursts.scope import reasons_of
from ml_plugins.outbursts.trees import Trees
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    ScoreBatch,
    ScorerKind,
    ScorerSpec,
)

GROUPS = {
    "rise": (
        *(f"days from {share} of the peak, g" for share in (0.75, 0.5)),
        *(f"days from {share} of the peak, r" for share in (0.75, 0.5, 0.25)),
        *(f"mag below the peak 10 d earlier, {band}" for band in "gr"),
    ),
    "fall": (
        *(f"days to {share} of the peak, {band}" for band in "gr" for share in (0.75, 0.5)),
        "mag below the peak 20 d later, r",
    ),
    "width": ("flux over time, g",),
    "colour": ("colour at +20 d", "change of colour"),
}
"""The features that are cut, and explained together."""
COLUMNS = tuple(NAMES.index(name) for names in GROUPS.values() for name in names)
PLACES = {
    group: tuple(COLUMNS.index(NAMES.index(name)) for name in names)
    for group, names in GROUPS.items()
}
SIGMA = 0.3
"""How far the log odds of its number move between forests of other seeds and halves."""
NEAREST = 3


class Anomaly:
    """An isolation forest; it names the known outbursts nearest to what it finds unusual.

    Its number is 2 to the power of minus the path's length over the usual length: 0.5 is ordinary.
    The ranking does not use it: it says that an object is rare, and not what it is.
    """

    spec = ScorerSpec(
        name="anomaly",
        version="1.0.0",
        inputs=("lightcurve:g,r>=5", "place.ebv"),
        classes=("unusual", "other"),
        prior=(0.04, 0.96),
        kind=ScorerKind.ANOMALY,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.01,
        artefact="model.json",
        artefact_sha256="84c2a84152705e94e571203ba64d842dfc60c066ecf039be7324708bb9e598fa",
        trained_on="trained_on.txt",
    )

    def setup(self, artefacts: Path) -> None:
        """Read the forest, and the known outbursts."""
        told = json.loads((artefacts / "model.json").read_text(encoding="ascii"))
        self._forest = Trees.of(told)
        self._library = Library.of(told["library"])

    def eligible(self, batch: Batch) -> IntArray:
        """Require five nights in g and r within one outburst, over five days."""
        return reasons_of(batch)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return how unusual each is, and the rest to 1."""
        number = self._number(cuttable(features_of(batch)))
        return ScoreBatch(
            probability=np.stack([number, 1 - number], axis=1), sigma=np.full(len(batch), SIGMA)
        )

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return what sets each apart, and the light curves of the nearest known ones."""
        features = features_of(batch)
        parts = parts_of(
            batch,
            cuttable(features),
            groups=PLACES,
            log_odds=lambda values: log_odds_of(self._number(values)),
            what="being unusual",
        )
        return [*parts, *self._nearest(batch, features)]

    def fit(self, batch: Batch, labels: Sequence[str]) -> bytes:
        """Return the artefact fitted to these objects; the labels are not used."""
        from ml_plugins.anomaly.training.fit import fit

        return fit(batch, labels)

    def _number(self, features: FloatArray) -> FloatArray:
        return np.asarray(2.0 ** -self._forest.sums(features)[:, 0])

    def _nearest(self, batch: Batch, features: FloatArray) -> list[Contribution]:
        near, distance = self._library.nearest(features, NEAREST)
        library = self._library
        return [
            Contribution(
                object_id=str(name),
                name=library.names[row],
                log_lr=0.0,
                text=f"nearest: {library.names[row]}, {library.labels[row]}, {apart:.2f} apart",
                value=float(apart),
                lines=library.lines_of(row),
            )
            for name, rows, gaps in zip(batch.object_ids, near, distance, strict=True)
            for row, apart in zip(rows.tolist(), gaps.tolist(), strict=True)
        ]


def cuttable(features: FloatArray) -> FloatArray:
    """Return the features that are cut, shape (n, len(COLUMNS)), of all of them.

    Long ones are drawn nearer by a logarithm: cuts are at random between the least and the most.
    """
    chosen = features[:, COLUMNS]
    return np.asarray(np.sign(chosen) * np.log1p(np.abs(chosen)))
