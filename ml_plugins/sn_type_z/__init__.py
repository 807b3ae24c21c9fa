"""Type of a supernova from its light curve in g and r and the redshift of its host."""

from ml_plugins.outbursts.scope import CLASSES
from ml_plugins.outbursts.scorer import TreeScorer
from ml_plugins.outbursts.typing_recipe import recipe_of
from ml_plugins.sn_type_z.look import GROUPS, Placed, look_of, measure, reason_of
from tom.scoring.contract import Batch, FloatArray, Reason, ScorerSpec

PRIOR = (0.7605, 0.1341, 0.0721, 0.0191, 0.0142)
"""The shares of the classes in the training set."""


class SnTypeZ(TreeScorer[Placed]):
    """Boosted trees on rise, fall, width, colour and absolute magnitude."""

    spec = ScorerSpec(
        name="sn_type_z",
        version="1.0.0",
        inputs=("lightcurve:g,r>=5", "place.ebv", "redshift:host"),
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.01,
        artefact="model.json",
        artefact_sha256="3f2ae818b33e19fb28c5d3a25dba94fe50d1a3da0f5edf2b6eff234f949560b6",
        trained_on="trained_on.txt",
    )
    recipe = recipe_of(reason_of)
    groups = GROUPS
    what = "a Ia"

    def look(self, batch: Batch, row: int) -> Placed:
        """Return the nights in g and r, and the redshift."""
        return look_of(batch, row)

    def reason(self, look: Placed) -> Reason:
        """Require the redshift of the host, and what `sn_type` requires."""
        return reason_of(look)

    def measure(self, look: Placed) -> FloatArray:
        """Return colour, rise, fall, width and brightness in itself."""
        return measure(look)
