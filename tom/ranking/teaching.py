"""Whose spectrum would teach the scorers most: active learning by information density.

A target is worth its uncertainty times a power of its density (Settles & Craven 2008,
https://aclanthology.org/D08-1112/). The uncertainty says how little the scorers know of it and how
far they contradict each other. The density says for how many targets without a class it stands, for
each with a class that is like it: an outlier teaches of itself alone, and who is like those that
are known teaches nothing. Each choice counts as known for the next one, so that a night's choices
differ.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tom.ranking.weighing import FloatArray
from tom.taxonomy import ROOTS, WIDER, agree

DENSITY_POWER: Final = 0.3
"""How much the density counts: beta of Settles & Craven, as `docs/evaluation.md` measures it."""
_TREE: Final = frozenset((*WIDER, *ROOTS))


@dataclass(frozen=True)
class Doubt:
    """What scorers do not know of a target.

    Attributes
    ----------
    entropy
        The mean over scorers of the entropy of their chances, over the largest that it could be:
        0 (sure) to 1 (all classes alike).
    dispute
        The share of pairs of scorers whose likeliest classes exclude each other, 0 to 1. A class
        that is not in the tree, such as "other", makes no pair. None: there is no pair.
    """

    entropy: float
    dispute: float | None

    @property
    def total(self) -> float:
        """Both together, 0 to 1: 1 where either is."""
        return 1 - (1 - self.entropy) * (1 - (self.dispute or 0.0))


def doubt_of(chances: Sequence[Mapping[str, float]]) -> Doubt:
    """Return what scorers do not know, from the chances that each gives its classes.

    `chances` is of one target, one row or more; each has two classes or more and sums to 1.
    """
    entropies = [_entropy(list(each.values())) for each in chances]
    likeliest = [max(each, key=lambda name: (each[name], name)) for each in chances]
    pairs = list(itertools.combinations((name for name in likeliest if name in _TREE), 2))
    against = sum(not agree(*pair) for pair in pairs)
    return Doubt(math.fsum(entropies) / len(entropies), against / len(pairs) if pairs else None)


def _entropy(chances: Sequence[float]) -> float:
    return -math.fsum(p * math.log(p) for p in chances if p > 0) / math.log(len(chances))


def standardise(figures: FloatArray) -> FloatArray:
    """Return columns about their median, in units of their spread; NaN becomes 0, the median.

    `figures` has shape (n, k). The spread is 1.4826 times the median absolute deviation; a column
    without one says nothing and becomes 0.
    """
    if not len(figures):
        return figures
    known = np.where(np.isfinite(figures), figures, np.nan)
    empty = ~np.isfinite(known).any(axis=0)
    known[:, empty] = 0.0
    off = known - np.nanmedian(known, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(off), axis=0)
    scaled = np.divide(off, spread, out=np.zeros_like(off), where=spread > 0)
    return np.asarray(np.nan_to_num(scaled), dtype=np.float64)


@dataclass(frozen=True)
class Choice:
    """A chosen row, its worth when it was chosen, and for how many unlabelled ones it stands."""

    row: int
    worth: float
    density: float


def choose(
    doubt: FloatArray, unlabelled: FloatArray, labelled: FloatArray, *, most: int
) -> list[Choice]:
    """Choose up to `most` of the unlabelled, the worthiest first.

    Parameters
    ----------
    doubt
        Of each unlabelled target, 0 to 1, shape (n,). Whoever has none is not chosen.
    unlabelled, labelled
        Figures of both, standardised together, shapes (n, k) and (m, k).
    """
    if not len(doubt):
        return []
    alike = _alike(unlabelled, unlabelled)
    stands_for = alike.sum(axis=1)
    known = 1 + _alike(unlabelled, labelled).sum(axis=1)
    left, chosen = np.array(doubt, float), []
    for _ in range(min(most, len(doubt))):
        density = stands_for / known
        worth = left * density**DENSITY_POWER
        row = int(worth.argmax())
        if worth[row] <= 0:
            break
        chosen.append(Choice(row, float(worth[row]), float(density[row])))
        left[row] = 0.0
        known = known + alike[row]
    return chosen


def _alike(one: FloatArray, other: FloatArray) -> FloatArray:
    """How alike rows are, 0 to 1: a Gaussian of their distance, shape (n, m)."""
    ends = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)
    return np.asarray(np.exp(-np.maximum(ends - 2 * one @ other.T, 0) / 2), dtype=np.float64)
