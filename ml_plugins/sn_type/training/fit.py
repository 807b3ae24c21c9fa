"""Fit the trees: on each light curve at its end and at earlier moments."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ml_plugins.outbursts.boosting import Recipe, Row, Rows, check_classes, fit_rows
from ml_plugins.outbursts.features import Nights, measure, nights_of
from ml_plugins.outbursts.scope import CLASSES, is_enough
from tom.scoring.contract import Batch

SEED: Final = 20261127
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
RECIPE: Final = Recipe(CLASSES, PARAMETERS, ages=(10.0, 20.0, 40.0, 80.0, 160.0))


def fit(batch: Batch, labels: Sequence[str]) -> bytes:
    """Return the artefact: trees fitted to all objects.

    Raises
    ------
    ValueError
        If a class has no object.
    """
    check_classes(CLASSES, labels)
    return fit_rows(rows_of(batch, labels), RECIPE)


def rows_of(batch: Batch, labels: Sequence[str]) -> Rows:
    """Return the light curves at their moments."""
    rng = np.random.default_rng(SEED)
    return Rows(
        Row(measure(seen), owner, CLASSES.index(labels[owner]), is_end, float(np.ptp(seen.time)))
        for owner in range(len(batch))
        for seen, is_end in _moments(nights_of(batch, owner), rng)
    )


def _moments(nights: Nights, rng: np.random.Generator) -> Iterator[tuple[Nights, bool]]:
    """Yield a light curve, and parts of it that end earlier, if they are enough to judge."""
    if not is_enough(nights):
        return
    cuts = [nights.until(float(time)) for time in rng.choice(nights.time, CUTS, replace=False)]
    yield nights, True
    yield from ((part, False) for part in cuts if is_enough(part))
