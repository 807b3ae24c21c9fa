"""A scorer's opinions as a term of the ranking."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tom.ranking.weighing import FloatArray, Side, Weighed, weighed
from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.scoring.opinions import ranked_classes

INTERVAL_SIGMAS = 1.6448536269514722  # the central 90%
CLIP = 1e-6
# No end of an interval goes further, natural log: nothing is changed by what lies beyond.
FURTHEST = 30.0
# How far a scorer that abstains could have moved the log odds.
UNSEEN = float(np.log(20))


class UnrelatedClassesError(ValueError):
    """The scorer has no opinion on one of the sought classes."""


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

    Of a probability it is the odds over those of the prior; of a likelihood ratio itself. Where
    the scorer knows the classes themselves, the ratio is to their complement; where it knows only
    a wider class that holds one (real, against bogus), the ratio is to the scorer's whole training
    mix, so being real is necessary and never more than that. A scorer that knows nothing (its
    probability is its prior, or the ratio is 1) moves nothing.

    Parameters
    ----------
    spec : ScorerSpec
        Its `prior` is the one it was trained under.
    value, sigma : array, shape (n,)
        What it says of its `ranked_classes` together (`either`), and one standard deviation in
        log odds; NaN where it abstains, which is a missing term.
    silence : sequence of str, length n
        Why it abstains, where it does.
    sought : sequence of str
        Classes of the taxonomy: a source of any of them is what is looked for.
    weight : float
        0 to 1: less where the scorer repeats in part what other terms say.

    Raises
    ------
    UnrelatedClassesError
        If neither a sought class nor a wider one is among the scorer's, or it weighs none.
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
    name, inputs = f"{spec.name} {spec.version}", frozenset(spec.input_names)
    term = weighed(name, inputs, value, [silent, says])
    why = {text: zlib.crc32(text.encode()) for text in set(silence)}
    term.mark[:] = np.where(abstains, [why[text] for text in silence], 0)
    return term


def either(spec: ScorerSpec, labels: Sequence[str], values: FloatArray) -> FloatArray:
    """Return a scorer's opinion on several of its classes together.

    Parameters
    ----------
    values : array, shape (k, n)
        What it says of each: probabilities, or likelihood ratios of each class to all else.

    Returns
    -------
    array, shape (n,)
        The same of a source of any of them; NaN where it abstains.
    """
    if len(labels) == 1:
        return np.asarray(values[0])
    if spec.kind != ScorerKind.LIKELIHOOD_RATIO:
        return np.asarray(np.minimum(values.sum(0), 1.0))
    odds = np.array([_odds(spec.prior_of(label)) for label in labels])[:, None] * values
    chance = np.clip((odds / (1 + odds)).sum(0), CLIP, 1 - CLIP)
    return np.asarray(_odds(chance) / _odds(prior_of(spec, labels)))


def prior_of(spec: ScorerSpec, labels: Sequence[str]) -> float:
    """The prior of a scorer for a source of any of these classes, inside 0 to 1."""
    return min(sum(spec.prior_of(label) for label in labels), 1 - CLIP)


def _odds(chance: Any) -> Any:
    return chance / (1 - chance)


def _logs(
    spec: ScorerSpec, prior: float, value: FloatArray, sigma: FloatArray, *, exact: bool
) -> FloatArray:
    """The log ratio and the ends of its interval, shape (3, n)."""
    if spec.kind == ScorerKind.LIKELIHOOD_RATIO:
        central = np.log(np.clip(value, CLIP, 1 / CLIP))
    else:
        chance = np.clip(value, CLIP, 1 - CLIP)
        central = np.log(chance) - np.log1p(-chance) - float(np.log(prior) - np.log1p(-prior))
    reach = INTERVAL_SIGMAS * sigma
    logs = np.clip(np.stack([central, central - reach, central + reach]), -FURTHEST, FURTHEST)
    if exact:
        return np.asarray(logs)
    # Against a mix that holds the classes with their prior.
    return np.asarray(-np.log(prior + (1 - prior) * np.exp(-logs)))


def _told(
    spec: ScorerSpec, labels: Sequence[str], prior: float, value: FloatArray
) -> Callable[[int], str]:
    label = " or ".join(labels)
    if spec.kind == ScorerKind.LIKELIHOOD_RATIO:
        return lambda row: f"{label} {value[row]:.2g} times as likely as any other to look so"
    return lambda row: f"{label} with chance {value[row]:.2g} where {prior:.2g} is usual"
