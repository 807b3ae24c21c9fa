"""How `sn_type_z` is fitted: as `sn_type`, on each light curve at its end and at earlier ones."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ml_plugins.outbursts.recipe import Recipe
from ml_plugins.outbursts.scope import CLASSES
from ml_plugins.sn_type_z.look import Placed, reason_of
from tom.scoring.contract import Reason

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


def moments(look: Placed, rng: np.random.Generator) -> Iterator[tuple[Placed, bool]]:
    """Yield a light curve, and parts of it that end earlier, if they are enough to judge."""
    if reason_of(look) != Reason.OK:
        return
    cuts = [look.until(float(time)) for time in rng.choice(look.time, CUTS, replace=False)]
    yield look, True
    yield from ((part, False) for part in cuts if reason_of(part) == Reason.OK)


RECIPE: Final = Recipe(CLASSES, PARAMETERS, (10.0, 20.0, 40.0, 80.0, 160.0), moments)
