"""Whether a nuclear outburst is a tidal disruption, an active nucleus or a supernova."""

from typing import Final

from ml_plugins.outbursts.recipe import Recipe
from ml_plugins.outbursts.scorer import TreeScorer
from ml_plugins.outbursts.wide import GROUPS, Wide, measure, wide_of
from ml_plugins.tde.scope import moments, reason_of
from tom.scoring.contract import Batch, FloatArray, Reason, ScorerSpec

CLASSES: Final = ("tde", "agn", "supernova")
PRIOR: Final = (0.0493, 0.5894, 0.3613)
"""The shares of the classes in the training set."""
PARAMETERS: Final = {
    "max_iter": 120,
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 8,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}


class Tde(TreeScorer[Wide]):
    """Boosted trees on one outburst's shape and colour, what is outside it, and the redshift."""

    spec = ScorerSpec(
        name="tde",
        version="1.0.0",
        inputs=("lightcurve:ugrizy>=4", "place.ebv", "redshift:host,photometric"),
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.05,
        artefact="model.json",
        artefact_sha256="3e417112ebcb9fca4c5f858131f7f89558bb570098eea851e133920e4ef4acb6",
        trained_on="trained_on.txt",
    )
    recipe = Recipe(CLASSES, PARAMETERS, (30.0, 60.0, 120.0, 240.0, 1000.0), moments)
    groups = GROUPS
    what = "a tidal disruption"

    def look(self, batch: Batch, row: int) -> Wide:
        """Return the points in u to y, and a redshift that may be used."""
        return wide_of(batch, row)

    def reason(self, look: Wide) -> Reason:
        """Require four detections over five days, in two bands."""
        return reason_of(look)

    def measure(self, look: Wide) -> FloatArray:
        """Return shape, flicker, colour and what the redshift tells."""
        return measure(look)
