"""The mean ratio of each term over a list's own sources: what it says is divided by it.

A likelihood ratio is against the mix of unrelated sources. So its mean over them is 1. The shares
in the terms, and the mixes that scorers were trained on, are not those of the night's list. Its own
sources say by how much a term says too much for all of them, or too little. At most one of them is
the counterpart: the largest ratio is left out.

Of few sources a mean says little: it counts together with `USUAL_COUNT` sources of ratio 1. A
ranking stores the means in its basis, and the next one keeps them until more of the list is known.

Terms that agree on a source are multiplied as if they did not know of each other. So there is one
more mean: that of the product of all of them. It divides the weights of all sources alike, that is,
it multiplies the weight of “none of these”.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from tom.ranking.pooling import pool
from tom.ranking.weighing import BoolArray, Weighed

USUAL_COUNT = 10.0
# The means are kept until so many times as many ratios of a term are known, and some more.
GROWTH = 2.0
SOME_MORE = 10
# The place on the map is against sources of the whole sky, and the distance of a host is known of
# few sources and says much of each: neither has a mean over the list.
WITHOUT: Final = frozenset({"sky map", "distance"})
# The name of the mean of the product, and the largest product that counts: a few large ones would
# make it uncertain.
JOINTLY: Final = "all jointly"
LARGEST = 30.0


def fit_means(
    terms: Sequence[Weighed],
    counted: BoolArray,
    kept: Mapping[str, Any] | None,
    *,
    as_they_are: Collection[str] = (),
) -> dict[str, Any]:
    """Return by a term's name: the log of its mean ratio, of how many sources, and if it divides.

    Parameters
    ----------
    counted
        The entries that everybody sees, shape (n,): what is private moves nothing that others see.
    kept
        The means of the newest ranking; they are returned as they are while the list is about the
        same.
    as_they_are
        The names of terms whose mean is noted, and does not divide them: scorers of the sought
        class itself. They are calibrated on objects of known class, and a few large ratios make
        their mean over a list uncertain.
    """
    known = {
        term.name: np.exp(term.log_lr[counted & ~term.missing])
        for term in terms
        if term.name not in WITHOUT
    }
    counts = {name: len(of) for name, of in known.items()} | {JOINTLY: int(counted.sum())}
    if kept is not None and _holds(kept, counts):
        return dict(kept)
    means = {
        name: [_log_mean(ratios.tolist()), len(ratios), name not in as_they_are]
        for name, ratios in known.items()
    }
    return means | {JOINTLY: [_log_jointly(divide(terms, means), counted), counts[JOINTLY], True]}


def log_jointly(means: Mapping[str, Any] | None) -> float:
    """The log of the mean of the product; 0: it was not fitted."""
    return float((means or {}).get(JOINTLY, [0.0])[0])


def divide(terms: Sequence[Weighed], means: Mapping[str, Any]) -> list[Weighed]:
    """Divide the ratios of terms by their means; what is missing stays 1."""
    divisors = {name: log_mean for name, (log_mean, _, divides) in means.items() if divides}
    return [
        _divided(term, divisors[term.name]) if term.name in divisors else term for term in terms
    ]


def _divided(term: Weighed, log_mean: float) -> Weighed:
    off = np.where(term.missing, 0.0, log_mean)
    return replace(term, log_lr=term.log_lr - off, low=term.low - off, high=term.high - off)


def _log_jointly(terms: Sequence[Weighed], counted: BoolArray) -> float:
    """The log of the mean of all terms together over these entries."""
    logs = [term.log_lr[counted] for term in pool(terms) if term.name not in WITHOUT]
    product = np.exp(np.minimum(sum(logs, np.zeros(int(counted.sum()))), math.log(LARGEST)))
    return _log_mean(product.tolist())


def _log_mean(ratios: Sequence[float]) -> float:
    """The log of the mean of all ratios but the largest, and `USUAL_COUNT` ratios of 1."""
    others = sorted(ratios)[:-1]
    return math.log((math.fsum(others) + USUAL_COUNT) / (len(others) + USUAL_COUNT))


def _holds(kept: Mapping[str, Any], known: Mapping[str, int]) -> bool:
    if kept.keys() != known.keys():
        return False
    return all(
        known[name] <= count * GROWTH + SOME_MORE and count <= known[name] * GROWTH + SOME_MORE
        for name, (_, count, _) in kept.items()
    )
