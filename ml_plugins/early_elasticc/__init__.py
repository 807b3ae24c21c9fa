"""Type of a supernova in alerts of ELAsTiCC, from the second detection on: Ia, or of type II."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ml_plugins.early_elasticc.features import GROUPS, measure
from ml_plugins.outbursts.recipe import Recipe
from ml_plugins.outbursts.scorer import TreeScorer
from ml_plugins.outbursts.wide import Wide, wide_of
from tom.scoring.contract import Batch, FloatArray, Reason, ScorerSpec

CLASSES: Final = ("supernova Ia", "supernova II")
NUMBERS: Final = (111, 113)
"""Those of the classes in ELAsTiCC's first taxonomy, https://github.com/LSSTDESC/elasticc."""
PRIOR: Final = (0.6239, 0.3761)
"""The shares of the classes in the training set."""
PARAMETERS: Final = {
    "max_iter": 150,
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}
LEAST_DETECTIONS: Final = 2
CUTS: Final = 3
"""At how many moments before its end each light curve is seen, too."""


def reason_of(look: Wide) -> Reason:
    """Return why a light curve is not judged; `Reason.OK`: it is."""
    return Reason.OK if len(look.time) >= LEAST_DETECTIONS else Reason.TOO_FEW_POINTS


def moments(look: Wide, rng: np.random.Generator) -> Iterator[tuple[Wide, bool]]:
    """Yield a light curve, and parts of it that end earlier; every second one has no redshift."""
    if reason_of(look) != Reason.OK:
        return
    ends = np.unique(look.time)[1:-1]
    yield look, True
    yield look.alone(), False
    for number, end in enumerate(rng.choice(ends, min(CUTS, len(ends)), replace=False)):
        part = look.until(float(end))
        if reason_of(part) == Reason.OK:
            yield (part.alone() if number % 2 else part), False


class EarlyElasticc(TreeScorer[Wide]):
    """Boosted trees on shape, colour, brightness and the host's redshift, from u to y."""

    spec = ScorerSpec(
        name="early_elasticc",
        version="1.0.0",
        inputs=("lightcurve:ugrizy>=2", "place.ebv", "redshift:host,photometric"),
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.05,
        artefact="model.json",
        artefact_sha256="fc6db861385c2125ac33d8af26a2bdb25db984e43d6c1eb5ff2b4ad8ce7aa5cb",
        trained_on="trained_on.txt",
    )
    recipe = Recipe(CLASSES, PARAMETERS, (3.0, 7.0, 14.0, 30.0, 100.0), moments)
    groups = GROUPS
    what = "a Ia"

    def look(self, batch: Batch, row: int) -> Wide:
        """Return the points in u to y, and a redshift that may be used."""
        return wide_of(batch, row)

    def reason(self, look: Wide) -> Reason:
        """Require two detections, in two nights or two bands."""
        return reason_of(look)

    def measure(self, look: Wide) -> FloatArray:
        """Return shape, colour, brightness and what the redshift tells."""
        return measure(look)
