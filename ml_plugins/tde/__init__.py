"""Whether a nuclear outburst is a tidal disruption, an active nucleus or a supernova."""

from typing import Final

from ml_plugins.outbursts.wide_scorer import INPUTS, WideScorer, recipe_of
from tom.scoring.contract import ScorerSpec

CLASSES: Final = ("tde", "agn", "supernova")
PRIOR: Final = (0.0493, 0.5894, 0.3613)
"""The shares of the classes in the training set."""


class Tde(WideScorer):
    """Says which of three an outburst is."""

    spec = ScorerSpec(
        name="tde",
        version="1.0.0",
        inputs=INPUTS,
        classes=CLASSES,
        prior=PRIOR,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.05,
        artefact="model.json",
        artefact_sha256="3e417112ebcb9fca4c5f858131f7f89558bb570098eea851e133920e4ef4acb6",
        trained_on="trained_on.txt",
    )
    recipe = recipe_of(CLASSES)
    what = "a tidal disruption"
