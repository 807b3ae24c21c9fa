"""Trees that scikit-learn has fitted, as the plain numbers that `trees.Trees` reads."""

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from tom.scoring.contract import FloatArray


def boosted_numbers(model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """Return what the sum starts with, the depth and the nodes of boosted trees.

    Of two classes scikit-learn fits the log odds of the second one: the first one's sum is then 0.
    """
    trees = [tree.nodes for step in model._predictors for tree in step]
    start = np.round(model._baseline_prediction.reshape(-1), 6).tolist()
    nothing = [[[0.0]]] if len(start) == 1 else []
    return {
        "start": [0.0, *start] if nothing else start,
        "depth": max(int(nodes["depth"].max()) for nodes in trees),
        "trees": [each for nodes in trees for each in (*nothing, _boosted_nodes(nodes))],
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


def forest_numbers(model: IsolationForest) -> dict[str, Any]:
    """Return an isolation forest of whole features: the sum of its leaves is 1 for a usual path.

    A leaf holds the length of its path, with what its objects would still need, over the mean
    length of all paths and the number of trees. Liu et al. 2008,
    https://doi.org/10.1109/ICDM.2008.17
    """
    scale = len(model.estimators_) * _usual_path(np.array([model.max_samples_]))[0]
    trees = [_forest_nodes(each.tree_, scale) for each in model.estimators_]
    depth = max(int(each.tree_.max_depth) for each in model.estimators_)
    return {"start": [0.0], "depth": depth, "trees": trees}


def _forest_nodes(tree: Any, scale: float) -> list[list[float]]:
    left, right = tree.children_left, tree.children_right
    steps = np.zeros(tree.node_count)
    for node in range(tree.node_count):  # a parent stands before its children
        if left[node] >= 0:
            steps[[left[node], right[node]]] = steps[node] + 1
    length = (steps + _usual_path(tree.n_node_samples)) / scale
    return [
        [float(f"{length[node]:.4g}")]
        if left[node] < 0
        else [
            int(tree.feature[node]),
            float(f"{tree.threshold[node]:.5g}"),
            int(tree.missing_go_to_left[node]),
            int(left[node]),
            int(right[node]),
        ]
        for node in range(tree.node_count)
    ]


def _usual_path(n: Any) -> FloatArray:
    """Return the mean length of a path in a tree of n objects."""
    many = np.maximum(np.asarray(n, float), 3)
    usual = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, usual))
