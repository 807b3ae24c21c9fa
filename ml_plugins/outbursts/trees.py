"""Boosted trees as plain numbers: read from JSON, evaluated with numpy."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from tom.scoring.contract import BoolArray, FloatArray, IntArray

CHUNK: Final = 128
"""Objects that are judged at once: it bounds the memory."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees of k classes, and what turns their sum into chances.

    Attributes
    ----------
    feature, left, right : array, shape (n_trees, n_nodes)
        Of each node; a leaf leads to itself.
    threshold, value : array, shape (n_trees, n_nodes)
        A feature up to the threshold goes left. Each leaf's log of a chance, not yet normalized.
    missing_left : array of bool, shape (n_trees, n_nodes)
        Where NaN goes.
    depth : int
        Steps from the root to the deepest leaf.
    start : array, shape (k,)
        What the sum starts with; tree t belongs to class t mod k.
    temper : float
        The sum is divided by it.
    age_days, age_sigma : array
        By age of a light curve: how far its log odds of the first class still moved, usually.
    """

    feature: IntArray
    left: IntArray
    right: IntArray
    threshold: FloatArray
    value: FloatArray
    missing_left: BoolArray
    depth: int
    start: FloatArray
    temper: float
    age_days: FloatArray
    age_sigma: FloatArray

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return cls.of(json.loads(path.read_text(encoding="ascii")))

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """Make the trees of an artefact.

        A node is [feature, threshold, whether NaN goes left, left, right]; a leaf is [value].
        """
        shape = (len(told["trees"]), max(len(tree) for tree in told["trees"]))
        itself = np.broadcast_to(np.arange(shape[1]), shape)
        left, right = itself.copy(), itself.copy()
        feature, missing = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        threshold, value = np.zeros(shape), np.zeros(shape)
        for t, tree in enumerate(told["trees"]):
            for n, node in enumerate(tree):
                if len(node) == 1:
                    value[t, n] = node[0]
                else:
                    feature[t, n], threshold[t, n], missing[t, n], left[t, n], right[t, n] = node
        return cls(
            feature=feature,
            left=left,
            right=right,
            threshold=threshold,
            value=value,
            missing_left=missing.astype(bool),
            depth=int(told["depth"]),
            start=np.array(told["start"], float),
            temper=float(told.get("temper", 1.0)),
            age_days=np.array(told.get("age_days", [0.0]), float),
            age_sigma=np.array(told.get("age_sigma", [0.0]), float),
        )

    def chances(self, features: FloatArray) -> FloatArray:
        """Return the chances of the classes, shape (n, k), from features, shape (n, d)."""
        logs = self.sums(features) / self.temper
        logs -= logs.max(axis=1, keepdims=True)
        chance = np.exp(logs)
        return np.asarray(chance / chance.sum(axis=1, keepdims=True))

    def sigma(self, age: FloatArray) -> FloatArray:
        """Return how far the log odds of the first class may still move, shape (n,)."""
        return np.asarray(np.interp(age, self.age_days, self.age_sigma))

    def sums(self, features: FloatArray) -> FloatArray:
        """Return the sum of the leaves of each class, shape (n, k), from features, shape (n, d)."""
        told = [self._sums_of(features[k : k + CHUNK]) for k in range(0, len(features), CHUNK)]
        return np.concatenate([np.empty((0, len(self.start))), *told])

    def _sums_of(self, features: FloatArray) -> FloatArray:
        rows = np.arange(len(features))[:, None]
        tree = np.arange(len(self.feature))
        node = np.zeros((len(features), len(tree)), np.int64)
        for _ in range(self.depth):
            given = features[rows, self.feature[tree, node]]
            low = given <= self.threshold[tree, node]
            left = np.where(np.isnan(given), self.missing_left[tree, node], low)
            node = np.where(left, self.left[tree, node], self.right[tree, node])
        leaves = self.value[tree, node].reshape(len(features), -1, len(self.start))
        return np.asarray(self.start + leaves.sum(axis=1))


def as_json(told: dict[str, Any]) -> bytes:
    """Return the bytes of an artefact: a tree a line."""
    trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in told["trees"])
    rest = json.dumps({name: value for name, value in told.items() if name != "trees"})
    return f'{rest[:-1]}, "trees": [\n{trees}\n]}}\n'.encode("ascii")
