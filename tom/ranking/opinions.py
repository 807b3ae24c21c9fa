"""A scorer's opinions as a term of the ranking."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from tom.ranking.weighing import BoolArray, FloatArray, Side, Weighed, weighed
from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.scoring.opinions import ranked_classes

INTERVAL_SIGMAS = 1.6448536269514722  # the central 90%
CLIP = 1e-6
# The largest end of an interval, natural log: larger values would change nothing.
FURTHEST = 30.0
# Said where another term weighs a scorer's data.
LEFT: Final = "; not weighed: “later light” weighs the same points"
# The class of a scorer that tells artefacts apart (`tom.ranking.kinds`).
REALITY: Final = ("real",)
# How far a scorer that abstains could have moved the natural log odds.
UNSEEN = float(np.log(20))


class UnrelatedClassesError(ValueError):
    """The scorer has no class that contains each of the sought classes."""


def weigh(
    spec: ScorerSpec,
    value: FloatArray,
    sigma: FloatArray,
    silence: Sequence[str],
    *,
    sought: Sequence[str],
    weight: float = 1.0,
) -> Weighed:
    """Return weight times the log likelihood ratio of the sought classes to the other sources.

    For a probability, the ratio is its odds over the odds of the prior. A likelihood ratio is used
    as it is. If the scorer has the sought classes themselves, the ratio is to all other classes. If
    it has only a wider class (such as real, against bogus), the ratio is to the scorer's whole
    training mix: an object must be real, but being real is no more evidence than that. A scorer
    without information (its probability is its prior, or its ratio is 1) changes nothing.

    Parameters
    ----------
    spec : ScorerSpec
        Its `prior` is the prior of its training.
    value, sigma : array, shape (n,)
        Its opinion on its `ranked_classes` together (`either`), and one standard deviation in
        natural log odds; NaN: it abstains, and the term is missing.
    silence : sequence of str, length n
        Why it abstains; used only for rows where it does.
    sought : sequence of str
        Classes of the taxonomy: a source of any of these classes is sought.
    weight : float
        0 to 1; below 1 if the scorer repeats part of the evidence of other terms.

    Raises
    ------
    UnrelatedClassesError
        If the scorer lacks one of the sought classes and every wider class of it, or is a rank or
        an anomaly.
    ValueError
        If the weight is outside 0 to 1.
    """
    if not 0 <= weight <= 1:
        message = f"a scorer's weight must lie in 0 to 1, not {weight}"
        raise ValueError(message)
    labels = ranked_classes(spec, sought)
    if not labels:
        message = f"scorer {spec.name!r} weighs no class that holds {' or '.join(sought)!r}"
        raise UnrelatedClassesError(message)
    prior, exact = prior_of(spec, labels), set(labels) <= set(sought)
    abstains = np.isnan(value) | np.isnan(sigma)
    most = UNSEEN if exact else min(UNSEEN, -float(np.log(prior)))
    silent = Side(
        abstains,
        np.array([0.0, -weight * UNSEEN, weight * most]),
        lambda row: silence[row],
        missing=True,
    )
    logs = weight * _logs(spec, prior, value, sigma, exact=exact)
    says = Side(~abstains, logs, _told(spec, labels, prior, value))
    name, inputs = term_name(spec), frozenset(spec.input_names)
    term = weighed(name, inputs, value, [silent, says])
    why = {text: zlib.crc32(text.encode()) for text in set(silence)}
    term.mark[:] = np.where(abstains, [why[text] for text in silence], 0)
    return term


def leave_to(term: Weighed, others: BoolArray) -> Weighed:
    """Return a scorer's term without the candidates whose same data another term weighs.

    Of these it is missing, and says nothing either way. What it thinks stays in its words.
    """
    taken = others & ~term.missing
    log_lr, low, high = (np.where(taken, 0.0, of) for of in (term.log_lr, term.low, term.high))
    return replace(
        term,
        log_lr=log_lr,
        low=low,
        high=high,
        missing=term.missing | taken,
        mark=np.where(taken, -1 - np.arange(len(term)), term.mark),
        reason=lambda row: f"{term.reason(row)}{LEFT if taken[row] else ''}",
    )


def term_name(spec: ScorerSpec) -> str:
    """The name of a scorer's term."""
    return f"{spec.name} {spec.version}"


def either(spec: ScorerSpec, labels: Sequence[str], values: FloatArray) -> FloatArray:
    """Return a scorer's opinion on several of its classes together.

    Parameters
    ----------
    values : array, shape (k, n)
        One row for each class: probabilities, or likelihood ratios of the class to all others.

    Returns
    -------
    array, shape (n,)
        The probability or likelihood ratio of a source of any of these classes; NaN: it abstains.
    """
    if len(labels) == 1:
        return np.asarray(values[0])
    if spec.kind != ScorerKind.LIKELIHOOD_RATIO:
        return np.asarray(np.minimum(values.sum(0), 1.0))
    odds = np.array([_odds(spec.prior_of(label)) for label in labels])[:, None] * values
    chance = np.clip((odds / (1 + odds)).sum(0), CLIP, 1 - CLIP)
    return np.asarray(_odds(chance) / _odds(prior_of(spec, labels)))


def prior_of(spec: ScorerSpec, labels: Sequence[str]) -> float:
    """Return a scorer's prior for a source of any of these classes, above 0 and below 1."""
    return min(sum(spec.prior_of(label) for label in labels), 1 - CLIP)


def log_ratio(spec: ScorerSpec, labels: Sequence[str], value: FloatArray) -> FloatArray:
    """Return the natural log ratio of these classes to a scorer's other classes, shape (n,).

    `value` as in `weigh`; NaN where it abstains.
    """
    logs = _logs(spec, prior_of(spec, labels), value, np.zeros(len(value)), exact=True)
    return np.asarray(logs[0])


def _odds(chance: Any) -> Any:
    return chance / (1 - chance)


def _logs(
    spec: ScorerSpec, prior: float, value: FloatArray, sigma: FloatArray, *, exact: bool
) -> FloatArray:
    """Return the natural log ratio and the two ends of its central 90%, shape (3, n)."""
    if spec.kind == ScorerKind.LIKELIHOOD_RATIO:
        central = np.log(np.clip(value, CLIP, 1 / CLIP))
    else:
        chance = np.clip(value, CLIP, 1 - CLIP)
        central = np.log(chance) - np.log1p(-chance) - float(np.log(prior) - np.log1p(-prior))
    reach = INTERVAL_SIGMAS * sigma
    logs = np.clip(np.stack([central, central - reach, central + reach]), -FURTHEST, FURTHEST)
    if exact:
        return np.asarray(logs)
    # The ratio to a mix that contains the classes with their prior.
    return np.asarray(-np.log(prior + (1 - prior) * np.exp(-logs)))


def _told(
    spec: ScorerSpec, labels: Sequence[str], prior: float, value: FloatArray
) -> Callable[[int], str]:
    label = " or ".join(labels)
    if spec.kind == ScorerKind.LIKELIHOOD_RATIO:
        return lambda row: f"{label} {value[row]:.2g} times as likely as any other to look so"
    return lambda row: f"{label} with chance {value[row]:.2g} where {prior:.2g} is usual"
