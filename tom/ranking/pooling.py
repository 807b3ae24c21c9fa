"""Pool likelihood ratios into one posterior per candidate, and put candidates in order.

Ignorance is neither a high rank nor a burial. Before a datum comes its likelihood ratio, averaged
over what it may turn out to be, is 1; so a missing factor counts 1 in the posterior mean and only
widens the interval. Spreading the log odds about their present value and averaging the probability
would instead raise a small chance with every bit of ignorance, for the logistic function is convex
there. This way removing favourable data never raises a candidate, and none beats its own best-case
twin. A term that is measured but uncertain comes already averaged over its uncertainty.

A datum enters once. Terms that use the same one are pooled to one term: the mean of those that
say something, which no sum of them would be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tom.ranking.weighing import FloatArray, IntArray, Weighed


@dataclass(frozen=True, eq=False)
class Posterior:
    """Chance of each of n candidates to be the counterpart, and every term of it.

    `mean`, `low` and `high` are probabilities, the central 90%; shape (n,). Log odds are natural.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    log_odds: FloatArray
    terms: tuple[Weighed, ...]

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.mean)

    def order(self) -> IntArray:
        """Return the candidates' rows, the most probable first; ties keep their order.

        Log odds order as the mean does, and still tell apart what both round to 0 or 1.
        """
        return np.argsort(-self.log_odds, kind="stable")


def fuse(prior: float, terms: Sequence[Weighed]) -> Posterior:
    """Return the posterior of candidates from a prior probability and all terms on them.

    Parameters
    ----------
    prior : float
        Between 0 and 1, both excluded: of any one candidate, before any evidence.
    terms : sequence of Weighed
        At least one, of the same candidates. Their intervals add in quadrature.

    Raises
    ------
    ValueError
        If the prior is not inside 0 to 1.
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
    return Posterior(
        mean=logistic(log_odds),
        low=logistic(log_odds - below),
        high=logistic(log_odds + above),
        log_odds=log_odds,
        terms=kept,
    )


def pool(terms: Sequence[Weighed]) -> list[Weighed]:
    """Return the terms; those that use the same datum become one."""
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


def logistic(log_odds: FloatArray) -> FloatArray:
    """Return the probability of natural log odds, without overflow."""
    odds = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, odds) / (1 + odds))
