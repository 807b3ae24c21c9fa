"""Fuse likelihood ratios into one posterior per candidate, and put candidates in order.

The hypothesis is "this candidate is the event's counterpart". Evidence enters as natural-log
likelihood ratios against the mix of unrelated sources that an alert stream shows.

Ignorance is neither a high rank nor a burial. Before a datum comes its likelihood ratio, averaged
over what it may turn out to be, is 1; so a missing factor counts 1 in the posterior mean and only
widens the interval. Spreading the log odds about their present value and averaging the probability
would instead raise a small chance with every bit of ignorance, for the logistic function is convex
there. This way removing favourable data never raises a candidate, and none beats its own best-case
twin. A term that is measured but uncertain comes already averaged over its uncertainty.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


class DuplicateInputError(ValueError):
    """Two terms declare the same datum: it would count twice. Drop or merge one."""


@dataclass(frozen=True)
class Term:
    """One piece of evidence for one candidate.

    Attributes
    ----------
    name : str
    log_lr, log_lr_low, log_lr_high : float
        Natural log of the likelihood ratio, already averaged over what is uncertain, and the
        central 90% in which it may come to lie. 0 and a wide interval where nothing is known.
    inputs : frozenset of str
        The data it rests on; no other term may rest on them.
    reason : str
        One sentence for a person.
    value : float or None
        The measured value behind it, where there is one.
    missing : bool
        Whether it says nothing for want of data.
    """

    name: str
    log_lr: float
    log_lr_low: float
    log_lr_high: float
    inputs: frozenset[str]
    reason: str
    value: float | None = None
    missing: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not finite or not in order, or rests on nothing.

        Raises
        ------
        ValueError
        """
        numbers = (self.log_lr_low, self.log_lr, self.log_lr_high)
        if not all(map(math.isfinite, numbers)) or list(numbers) != sorted(numbers):
            message = f"term {self.name!r}: low <= log_lr <= high must hold and be finite"
            raise ValueError(message)
        if not self.inputs:
            message = f"term {self.name!r} declares no input"
            raise ValueError(message)


@dataclass(frozen=True)
class Posterior:
    """Chance that a candidate is the counterpart: mean, central 90%, and every term of it."""

    mean: float
    low: float
    high: float
    log_odds: float
    terms: tuple[Term, ...] = field(default=())


def fuse(prior: float, terms: Iterable[Term]) -> Posterior:
    """Return the posterior of one candidate from its prior probability and its terms.

    Parameters
    ----------
    prior : float
        Between 0 and 1, both excluded: of any one candidate, before any evidence.
    terms : iterable of Term
        In any order; the sum does not depend on it. Their intervals add in quadrature.

    Raises
    ------
    DuplicateInputError
        If two terms declare the same input.
    ValueError
        If the prior is not inside 0 to 1.
    """
    if not 0 < prior < 1:
        message = f"a prior must lie inside 0 to 1, not {prior}"
        raise ValueError(message)
    kept = tuple(terms)
    _refuse_shared_inputs(kept)
    log_odds = math.log(prior) - math.log1p(-prior) + math.fsum(term.log_lr for term in kept)
    below = math.hypot(*(term.log_lr - term.log_lr_low for term in kept))
    above = math.hypot(*(term.log_lr_high - term.log_lr for term in kept))
    return Posterior(
        mean=logistic(log_odds),
        low=logistic(log_odds - below),
        high=logistic(log_odds + above),
        log_odds=log_odds,
        terms=kept,
    )


def rank(posteriors: Sequence[Posterior]) -> list[int]:
    """Return the indices of the candidates, the most probable first; ties keep their order.

    Log odds order as the mean does, and still tell apart what both round to 0 or 1.
    """
    return sorted(range(len(posteriors)), key=lambda index: -posteriors[index].log_odds)


def logistic(log_odds: float) -> float:
    """Return the probability of natural log odds, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)


def missing_term(
    name: str, *, inputs: frozenset[str], reason: str, worst: float, best: float
) -> Term:
    """Return a factor that is not known: ratio 1, between its worst and best natural logs."""
    return Term(name, 0.0, worst, best, inputs, reason, missing=True)


def _refuse_shared_inputs(terms: tuple[Term, ...]) -> None:
    owner: dict[str, str] = {}
    for term in terms:
        for datum in sorted(term.inputs):
            if datum in owner:
                message = f"terms {owner[datum]!r} and {term.name!r} both rest on {datum!r}"
                raise DuplicateInputError(message)
            owner[datum] = term.name
