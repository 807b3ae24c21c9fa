"""What scorers by trees on one outburst in up to six bands have in common."""

from collections.abc import Sequence
from typing import Final

from ml_plugins.outbursts.recipe import Recipe
from ml_plugins.outbursts.scorer import TreeScorer
from ml_plugins.outbursts.wide import GROUPS, Wide, measure, wide_of
from ml_plugins.outbursts.wide_scope import moments, reason_of
from tom.scoring.contract import Batch, FloatArray, Reason

INPUTS: Final = ("lightcurve:ugrizy>=4", "place.ebv", "redshift:host,photometric")
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
AGES: Final = (30.0, 60.0, 120.0, 240.0, 1000.0)


def recipe_of(classes: Sequence[str]) -> Recipe:
    """Return how trees of these classes are fitted."""
    return Recipe(tuple(classes), PARAMETERS, AGES, moments)


class WideScorer(TreeScorer[Wide]):
    """Boosted trees on one outburst's shape and colour, what is outside it, and the redshift."""

    groups = GROUPS

    def look(self, batch: Batch, row: int) -> Wide:
        """Return the points in u to y, and a redshift that may be used."""
        return wide_of(batch, row)

    def reason(self, look: Wide) -> Reason:
        """Require four detections over five days, in two bands."""
        return reason_of(look)

    def measure(self, look: Wide) -> FloatArray:
        """Return shape, flicker, colour and what the redshift tells."""
        return measure(look)
