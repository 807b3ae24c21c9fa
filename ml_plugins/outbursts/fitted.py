"""Trees that scikit-learn has fitted, as the plain numbers that `trees.Trees` reads."""

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from tom.scoring.contract import FloatArray


def boosted_numbers(model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """Return what the sum starts with, the depth and the nodes of boosted trees."""
    trees = [tree.nodes for step in model._predictors for tree in step]
    return {
        "start": np.round(model._baseline_prediction.reshape(-1), 6).tolist(),
        "depth": max(int(nodes["depth"].max()) for nodes in trees),
        "trees": [_boosted_nodes(nodes) for nodes in trees],
    }


def _boosted_nodes(nodes: Any) -> list[list[float]]:
    return [
        [float(f"{node['value']:.5g}")]
        if node["is_leaf"]
        else [
            int(node["feature_idx"]),
            float(node["num_threshold"]),
            int(node["missing_go_to_left"]),
            int(node["left"]),
            int(node["right"]),
        ]
        for node in nodes
    ]
