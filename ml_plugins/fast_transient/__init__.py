"""Chance that a light curve is a kilonova: it rises within a day, fades within days, reddens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.fast_transient.features import NAMES, count_detections, measure
from ml_plugins.fast_transient.model import MOST, Model, contributions
from ml_plugins.injections.shares import PRIOR
from tom.scoring.contract import (
    Batch,
    Contribution,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerSpec,
)

LEAST_DETECTIONS = 2


class FastTransient:
    """Likelihood ratio of rates and colour between kilonovae and all other sources."""

    spec = ScorerSpec(
        name="fast_transient",
        version="1.1.0",
        inputs=("lightcurve:g,r>=2", "place.ebv"),
        classes=("kilonova", "other"),
        prior=(PRIOR, 1 - PRIOR),
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.01,
        artefact="model.json",
        artefact_sha256="a375d0b8dba4c6e67e3f5ee3dd66ba49c9053293404fdf015d32341918c0a3a0",
    )

    def setup(self, artefacts: Path) -> None:
        """Read the fitted model from the plugin's folder."""
        self._model = Model.read(artefacts / "model.json")

    def eligible(self, batch: Batch) -> IntArray:
        """Require two visits in g or r that give a rate, a colour, or a bound on one of these."""
        features = measure(batch)
        known = features.measured.any(axis=1) | np.isfinite(features.fade).any(axis=1)
        enough = count_detections(batch) >= LEAST_DETECTIONS
        return np.where(enough & known, Reason.OK, Reason.TOO_FEW_POINTS).astype(np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return calibrated probabilities under the card's prior."""
        features = measure(batch)
        log_odds = self._model.log_ratio(features) + np.log(PRIOR / (1 - PRIOR))
        chance = 1 / (1 + np.exp(-log_odds))
        return ScoreBatch(
            probability=np.stack([chance, 1 - chance], axis=1), sigma=self._model.sigma(features)
        )

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return how far each rate, the colour and the rise moved each opinion."""
        features = measure(batch)
        parts = contributions(self._model, features)
        known = dict(zip(NAMES, features.measured.T, strict=True))
        return [
            Contribution(
                object_id=str(object_id),
                name=name,
                log_lr=float(moved[row]),
                text=_text(name, float(moved[row])),
                value=float(features.value[row, NAMES.index(name)])
                if name in known and known[name][row]
                else None,
            )
            for row, object_id in enumerate(batch.object_ids)
            for name, moved in parts.items()
        ]


def _text(name: str, moved: float) -> str:
    if abs(moved) < 0.05:
        return f"{name}: says little"
    side = "for" if moved > 0 else "against"
    odds = float(np.exp(abs(moved)))
    least = "at least " if abs(moved) >= MOST else ""
    return f"{name}: {least}{odds:.{0 if odds >= 10 else 1}f} to 1 {side} a kilonova"
