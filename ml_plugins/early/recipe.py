"""How `early` is fitted: on the first weeks of each light curve, at several moments of them."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ml_plugins.early.scope import MOST_DAYS, reason_of
from ml_plugins.outbursts.features import Nights
from ml_plugins.outbursts.recipe import Recipe
from ml_plugins.outbursts.scope import CLASSES
from tom.scoring.contract import Reason

CUTS: Final = 5
"""At how many moments before the end of its first weeks each light curve is seen, too."""
PARAMETERS: Final = {
    "max_iter": 200,
    "learning_rate": 0.03,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}


def moments(nights: Nights, rng: np.random.Generator) -> Iterator[tuple[Nights, bool]]:
    """Yield the first weeks of a light curve, and earlier parts of them that can be judged."""
    if not len(nights.time):
        return
    weeks = nights.until(float(nights.time.min()) + MOST_DAYS)
    if reason_of(weeks) != Reason.OK:
        return
    yield weeks, True
    ends = np.unique(weeks.time)[:-1]
    for end in rng.choice(ends, min(CUTS, len(ends)), replace=False):
        part = weeks.until(float(end))
        if reason_of(part) == Reason.OK:
            yield part, False


RECIPE: Final = Recipe(CLASSES, PARAMETERS, (4.0, 7.0, 14.0, 21.0, 35.0), moments, end_weight=0.2)
