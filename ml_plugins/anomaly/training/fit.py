"""Grow the isolation forest on whole light curves; scikit-learn grows it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from sklearn.ensemble import IsolationForest
from threadpoolctl import threadpool_limits

from ml_plugins.anomaly import cuttable
from ml_plugins.outbursts.features import features_of
from ml_plugins.outbursts.fitted import forest_numbers
from ml_plugins.outbursts.library import numbers
from ml_plugins.outbursts.scope import reasons_of
from ml_plugins.outbursts.trees import as_json
from tom.scoring.contract import Batch, Reason

PARAMETERS: Final = {"n_estimators": 150, "max_samples": 256, "random_state": 0}


def fit(batch: Batch, labels: Sequence[str]) -> bytes:
    """Return the artefact: the forest, and the objects with the labels as a library.

    Raises
    ------
    ValueError
        If fewer than two light curves say enough.
    """
    enough = np.flatnonzero(reasons_of(batch) == Reason.OK)
    if len(enough) < 2:
        message = "fewer than two light curves have five nights in g and r"
        raise ValueError(message)
    kept = batch.take(enough)
    features = features_of(kept)
    with threadpool_limits(1):
        model = IsolationForest(**PARAMETERS).fit(cuttable(features))
    library = numbers(kept.object_ids.tolist(), [labels[row] for row in enough], features)
    return as_json(forest_numbers(model) | {"library": library})
