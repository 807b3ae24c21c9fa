"""Type of a supernova from its light curve in g and r: Ia, II, Ib/c, IIn or superluminous."""

from ml_plugins.outbursts.features import GROUPS, Nights, measure, nights_of
from ml_plugins.outbursts.scope import CLASSES, reason_of
from ml_plugins.outbursts.scorer import TreeScorer
from ml_plugins.outbursts.typing_recipe import recipe_of
from tom.scoring.contract import Batch, FloatArray, Reason, ScorerSpec

PRIOR = (0.7605, 0.1341, 0.0721, 0.0191, 0.0142)
"""The shares of the classes in the training set: 1435, 253, 136, 36 and 27 of 1887."""


class SnType(TreeScorer[Nights]):
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

    recipe = recipe_of(reason_of)
    groups = GROUPS
    what = "a Ia"

    def look(self, batch: Batch, row: int) -> Nights:
        """Return the nights in g and r."""
        return nights_of(batch, row)

    def reason(self, look: Nights) -> Reason:
        """Require five nights in g and r within one outburst, over five days."""
        return reason_of(look)

    def measure(self, look: Nights) -> FloatArray:
        """Return colour, rise, fall and width."""
        return measure(look)
