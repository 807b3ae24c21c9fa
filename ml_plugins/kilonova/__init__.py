"""Which class a light curve is of in its first nights: a kilonova of some family, or another.

Template light curves of each class are brought to the points, detections and limits. What is known
of the host's distance and of the place in the Galaxy enters beside it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from ml_plugins.kilonova.model import (
    CLASSES,
    FAMILIES,
    PRIORS,
    Model,
    distances_of,
    place_of,
)
from ml_plugins.kilonova.points import count_detections, points_of
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerSpec,
)

LEAST_DETECTIONS = 2
BASE_SIGMA = 0.5
"""Natural log odds between fits to other halves of the samples: assumed, no smaller than seen."""
OF_ONE_DETECTION = 2.0
"""How far one more detection usually moves the log odds of one detection alone: assumed."""


class Kilonova:
    """Chances of the classes of fast transients and of what is taken for them."""

    spec = ScorerSpec(
        name="kilonova",
        version="2.0.0",
        inputs=("lightcurve:g,r>=2", "place.ebv", "place.galactic", "host"),
        classes=tuple(CLASSES.values()),
        prior=PRIORS,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.02,
        artefact="model.json",
        artefact_sha256="46e6dbb9e373eaf89a6a3a9fdb61b0fce46cfe6d4f95520b3760f77624cd2ec9",
    )

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the scorer with another model than the one that is shipped."""
        scorer = cls()
        scorer._model = model
        return scorer

    def setup(self, artefacts: Path) -> None:
        """Read the templates and the trees from the plugin's folder."""
        self._model = Model.read(artefacts / "model.json")

    def eligible(self, batch: Batch) -> IntArray:
        """Require two visits with a detection in g or r, near the newest one."""
        enough = count_detections(points_of(batch), len(batch)) >= LEAST_DETECTIONS
        return np.where(enough, Reason.OK, Reason.TOO_FEW_POINTS).astype(np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return calibrated chances under the card's prior."""
        return ScoreBatch(probability=self._model.chances(batch), sigma=self._sigma(batch))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return how far the light curve, the host's distance and the place moved each opinion."""
        nowhere = np.full(len(batch), np.nan)
        without_host = replace(batch, given={})
        alone = replace(without_host, ra=nowhere, dec=nowhere)
        whole, unhosted, light = (
            _log_odds(self._model.chances(some)[:, 0]) for some in (batch, without_host, alone)
        )
        usual = float(_log_odds(np.array(PRIORS[:1]))[0])
        families = self._model.evidence(batch).families.argmax(axis=1)
        hosted, placed = np.isfinite(distances_of(batch).modulus), np.any(place_of(batch), axis=1)
        told = []
        for row, name in enumerate(batch.object_ids.tolist()):
            family = FAMILIES[families[row]]
            parts = [("light curve", light[row] - usual, f"; as a kilonova best {family}")]
            if hosted[row]:
                parts.append(("distance of the host", whole[row] - unhosted[row], ""))
            if placed[row]:
                parts.append(("place in the Galaxy", unhosted[row] - light[row], ""))
            told += [
                Contribution(name, what, float(moved), _text(what, float(moved)) + more)
                for what, moved, more in parts
            ]
        return told

    def _sigma(self, batch: Batch) -> FloatArray:
        number = count_detections(points_of(batch), len(batch))
        few = OF_ONE_DETECTION / np.sqrt(np.maximum(number, 1))
        unknown = np.where(np.isfinite(distances_of(batch).modulus), 0.0, self._model.host_pull)
        return np.asarray(np.sqrt(BASE_SIGMA**2 + few**2 + unknown**2))


def _log_odds(chance: FloatArray) -> FloatArray:
    return np.asarray(np.log(chance) - np.log1p(-chance))


def _text(name: str, moved: float) -> str:
    if abs(moved) < 0.05:
        return f"{name}: says little"
    side, odds = "for" if moved > 0 else "against", float(np.exp(abs(moved)))
    return f"{name}: {odds:.{0 if odds >= 10 else 1}f} to 1 {side} a kilonova"
