"""Pool likelihood ratios into one posterior per candidate, and put candidates in order.

Missing data give neither a high rank nor a low one. Before a datum is measured, the mean of its
likelihood ratio over all its possible values is 1. So a missing term counts as the ratio 1 in the
posterior mean, and only makes the interval wider. We do not spread the log odds about their present
value and average the probability: the logistic function is convex at small chances, so each missing
datum would raise a small chance. With our rule, to remove favourable data never raises a candidate.
And no candidate with missing data is above an equal one whose missing data are the most favourable.
A term that is measured but uncertain is already averaged over its uncertainty.

A datum enters once. Terms that use the same datum are pooled to one term: the mean of those that
are not missing. Their sum would count the datum several times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tom.ranking.weighing import FloatArray, IntArray, Weighed


@dataclass(frozen=True, eq=False)
class Posterior:
    """The weight of each of n candidates to be the counterpart, and all its terms.

    `log_weight` is the natural logarithm of the weight: in a list without an event, of the odds.
    `low` and `high` are the ends of its central 90%. All have shape (n,) and are finite.
    """

    log_weight: FloatArray
    low: FloatArray
    high: FloatArray
    terms: tuple[Weighed, ...]

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.log_weight)

    def order(self) -> IntArray:
        """Return the candidates' rows, the most probable first; ties keep their order."""
        return np.argsort(-self.log_weight, kind="stable")


def fuse(prior: float, terms: Sequence[Weighed]) -> Posterior:
    """Return the weights of candidates from a prior probability and all terms on them.

    Parameters
    ----------
    prior : float
        Probability of any one candidate before all evidence; above 0 and below 1. With 0.5 the
        weight is that of the evidence alone, as in the list of an event.
    terms : sequence of Weighed
        At least one; all of the same candidates. Their intervals add in quadrature.

    Raises
    ------
    ValueError
        If the prior is not above 0 and below 1.
    """
    if not 0 < prior < 1:
        message = f"a prior must lie inside 0 to 1, not {prior}"
        raise ValueError(message)
    kept = tuple(pool(terms))
    log_odds = np.full(len(kept[0]), np.log(prior) - np.log1p(-prior))
    below, above = np.zeros(len(log_odds)), np.zeros(len(log_odds))
    for term in kept:
        log_odds += term.log_lr
        below = np.hypot(below, term.log_lr - term.low)
        above = np.hypot(above, term.high - term.log_lr)
    return Posterior(log_odds, log_odds - below, log_odds + above, kept)


def pool(terms: Sequence[Weighed]) -> list[Weighed]:
    """Return the terms; terms that use the same datum become one."""
    groups: list[list[Weighed]] = []
    for term in terms:
        shared = [group for group in groups if any(term.inputs & other.inputs for other in group)]
        joined = [*(other for group in shared for other in group), term]
        groups = [group for group in groups if group not in shared]
        groups.append(joined)
    order = {id(term): at for at, term in enumerate(terms)}
    groups = [sorted(group, key=lambda term: order[id(term)]) for group in groups]
    return [_as_one(group) for group in sorted(groups, key=lambda group: order[id(group[0])])]


def _as_one(group: Sequence[Weighed]) -> Weighed:
    if len(group) == 1:
        return group[0]
    speaks = ~np.stack([term.missing for term in group])
    count = speaks.sum(0)
    missing = count == 0
    logs, lows, highs = (
        np.stack([getattr(term, name) for term in group]) for name in ("log_lr", "low", "high")
    )

    def mean(columns: FloatArray) -> FloatArray:
        return np.asarray(np.where(speaks, columns, 0.0).sum(0) / np.maximum(count, 1))

    def reason(row: int) -> str:
        said = [term for term, spoke in zip(group, speaks[:, row], strict=True) if spoke]
        return "; ".join(f"{term.name}: {term.reason(row)}" for term in said or group)

    return Weighed(
        name=" + ".join(term.name for term in group),
        inputs=frozenset().union(*(term.inputs for term in group)),
        log_lr=mean(logs),
        low=np.where(missing, lows.min(0), mean(lows)),
        high=np.where(missing, highs.max(0), mean(highs)),
        value=np.full(len(missing), np.nan),
        missing=missing,
        reason=reason,
        mark=np.stack([(1 + at) * term.mark for at, term in enumerate(group)]).sum(0),
    )
