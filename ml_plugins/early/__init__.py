"""Type of a supernova in its first weeks, from three days on: a Ia, or the collapse of a core."""

from ml_plugins.early.features import GROUPS, measure
from ml_plugins.early.recipe import RECIPE
from ml_plugins.early.scope import reason_of
from ml_plugins.outbursts.features import Nights, nights_of
from ml_plugins.outbursts.scope import CLASSES
from ml_plugins.outbursts.scorer import TreeScorer
from tom.scoring.contract import Batch, FloatArray, Reason, ScorerSpec

PRIOR = (0.7605, 0.1341, 0.0721, 0.0191, 0.0142)
"""The shares of the classes in the training set: 1435, 253, 136, 36 and 27 of 1887."""


class Early(TreeScorer[Nights]):
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

    recipe = RECIPE
    groups = GROUPS
    what = "a Ia"

    def look(self, batch: Batch, row: int) -> Nights:
        """Return the nights in g and r."""
        return nights_of(batch, row)

    def reason(self, look: Nights) -> Reason:
        """Require detections over three days, and not over more than thirty-five."""
        return reason_of(look)

    def measure(self, look: Nights) -> FloatArray:
        """Return brightness, colour, rise and shape."""
        return measure(look)
