"""How `sn_type` is fitted: on each light curve at its end and at earlier moments."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ml_plugins.outbursts.features import Nights
from ml_plugins.outbursts.recipe import Recipe
from ml_plugins.outbursts.scope import CLASSES, is_enough

CUTS: Final = 2
"""At how many moments before its end each light curve is seen, too."""
PARAMETERS: Final = {
    "max_iter": 200,
    "learning_rate": 0.03,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 10,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}


def moments(nights: Nights, rng: np.random.Generator) -> Iterator[tuple[Nights, bool]]:
    """Yield a light curve, and parts of it that end earlier, if they are enough to judge."""
    if not is_enough(nights):
        return
    cuts = [nights.until(float(time)) for time in rng.choice(nights.time, CUTS, replace=False)]
    yield nights, True
    yield from ((part, False) for part in cuts if is_enough(part))


RECIPE: Final = Recipe(CLASSES, PARAMETERS, (10.0, 20.0, 40.0, 80.0, 160.0), moments)
