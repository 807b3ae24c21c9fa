"""Whether what brightens is a transient, a variable star or an active nucleus, alert by alert.

The job of BTSbot (Rehemtulla et al. 2024, https://arxiv.org/abs/2401.15167), from the light curve.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ml_plugins.bright_transient.features import GROUPS, measure, recent
from ml_plugins.outbursts.features import Nights, nights_of
from ml_plugins.outbursts.recipe import Recipe
from ml_plugins.outbursts.scorer import TreeScorer
from tom.scoring.contract import Batch, FloatArray, Reason, ScorerSpec

CLASSES: Final = ("transient", "variable", "agn")
PRIOR: Final = (0.5433, 0.3263, 0.1304)
"""The shares of the classes in the training set: as they were made, not as on the sky."""
PARAMETERS: Final = {
    "max_iter": 120,
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "max_features": 0.4,
    "early_stopping": False,
    "random_state": 0,
}
LEAST_NIGHTS: Final = 2
CUTS: Final = 5
"""At how many moments before its end each light curve is seen, too."""


def reason_of(look: Nights) -> Reason:
    """Return why a light curve is not judged; two bands in one night count as two nights."""
    return Reason.OK if len(recent(look).time) >= LEAST_NIGHTS else Reason.TOO_FEW_POINTS


def moments(look: Nights, rng: np.random.Generator) -> Iterator[tuple[Nights, bool]]:
    """Yield a light curve at its end, and at earlier nights at which it can be judged."""
    if reason_of(look) != Reason.OK:
        return
    yield look, True
    ends = np.unique(look.time)[:-1]
    for end in rng.choice(ends, min(CUTS, len(ends)), replace=False):
        part = look.until(float(end))
        if reason_of(part) == Reason.OK:
            yield part, False


class BrightTransient(TreeScorer[Nights]):
    """Boosted trees on brightness, colour and their changes in the last ten days of detections."""

    spec = ScorerSpec(
        name="bright_transient",
        version="1.0.0",
        inputs=("lightcurve:g,r>=2", "place.ebv"),
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.01,
        artefact="model.json",
        artefact_sha256="5c741ecef8bbfa56bfc173d978e1619c1aebebe7b4d6f3065a4e6077e7304cc3",
        trained_on="trained_on.txt",
    )
    recipe = Recipe(CLASSES, PARAMETERS, (1.0, 3.0, 7.0, 14.0, 30.0), moments, end_weight=0.2)
    groups = GROUPS
    what = "a transient"

    def look(self, batch: Batch, row: int) -> Nights:
        """Return the nights in g and r."""
        return nights_of(batch, row)

    def reason(self, look: Nights) -> Reason:
        """Require two detections, in two nights or two bands, in the last days."""
        return reason_of(look)

    def measure(self, look: Nights) -> FloatArray:
        """Return brightness, colour, changes and scatter."""
        return measure(look)
