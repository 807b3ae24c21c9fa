"""Whether an outburst is a superluminous supernova."""

from typing import Final

from ml_plugins.outbursts.wide_scorer import INPUTS, WideScorer, recipe_of
from tom.scoring.contract import ScorerSpec

CLASSES: Final = ("superluminous supernova", "other")
PRIOR: Final = (0.0347, 0.9653)
"""The shares of the classes in the training set."""


class Slsn(WideScorer):
    """Says whether an outburst is a superluminous supernova."""

    spec = ScorerSpec(
        name="slsn",
        version="1.0.0",
        inputs=INPUTS,
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.05,
        artefact="model.json",
        artefact_sha256="0aabfad8801d1fe5f3c4ffe16ab6ad089246ab8e3531b14f032832e6d2995212",
        trained_on="trained_on.txt",
    )
    recipe = recipe_of(CLASSES)
    what = "a superluminous supernova"
