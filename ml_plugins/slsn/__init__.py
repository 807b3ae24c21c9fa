"""Whether an outburst is a superluminous supernova."""

from typing import Final

import numpy as np

from ml_plugins.outbursts.wide import GROUPS, NAMES, Wide, measure
from ml_plugins.outbursts.wide_scorer import INPUTS, WideScorer, recipe_of
from tom.scoring.contract import FloatArray, ScorerSpec

CLASSES: Final = ("superluminous supernova", "other")
PRIOR: Final = (0.0347, 0.9653)
"""The shares of the classes in the training set."""


class Slsn(WideScorer):
    """Says whether an outburst is a superluminous supernova."""

    spec = ScorerSpec(
        name="slsn",
        version="1.1.0",
        inputs=(*INPUTS, "galaxies:GLADE+"),
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.05,
        artefact="model.json",
        artefact_sha256="e0105e8274129a32012907aa780663a285da2c7952f86aa9deea61939c4ea128",
        trained_on="trained_on.txt",
    )
    recipe = recipe_of(CLASSES)
    groups = {**GROUPS, "galaxy": (len(NAMES),)}
    what = "a superluminous supernova"

    def measure(self, look: Wide) -> FloatArray:
        """Return what `tde` reads, and the chance that a listed galaxy is the host."""
        return np.append(measure(look), look.listed)
