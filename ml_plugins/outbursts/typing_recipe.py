"""How scorers of a supernova's type are fitted: at a light curve's end and at earlier moments."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from ml_plugins.outbursts.recipe import Look, Recipe
from ml_plugins.outbursts.scope import CLASSES
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


def recipe_of(reason_of: Callable[[Any], Reason]) -> Recipe:
    """Return the recipe of a scorer; `reason_of` says why a look is not judged."""

    def moments(look: Look, rng: np.random.Generator) -> Iterator[tuple[Look, bool]]:
        """Yield a light curve, and parts of it that end earlier, if they are enough to judge."""
        if reason_of(look) != Reason.OK:
            return
        cuts = [look.until(float(time)) for time in rng.choice(look.time, CUTS, replace=False)]
        yield look, True
        yield from ((part, False) for part in cuts if reason_of(part) == Reason.OK)

    return Recipe(CLASSES, PARAMETERS, (10.0, 20.0, 40.0, 80.0, 160.0), moments)
