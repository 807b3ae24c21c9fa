"""A scorer's opinions as a term of the ranking."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from tom.ranking.weighing import FloatArray, Side, Weighed, weighed
from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.scoring.opinions import SOUGHT, ranked_class

INTERVAL_SIGMAS = 1.6448536269514722  # the central 90%
CLIP = 1e-6
# No end of an interval goes further, natural log: nothing is changed by what lies beyond.
FURTHEST = 30.0
# How far a scorer that abstains could have moved the log odds.
UNSEEN = float(np.log(20))


class UnrelatedClassesError(ValueError):
    """No class of the scorer says anything of the class that is sought."""


def weigh(
    spec: ScorerSpec,
    value: FloatArray,
    sigma: FloatArray,
    silence: Sequence[str],
    *,
    sought: str = SOUGHT,
    weight: float = 1.0,
) -> Weighed:
    """Return weight times the log likelihood ratio of the sought class to the other sources.

    Of a probability it is the odds over those of the prior; of a likelihood ratio itself. Where
    the scorer knows the class itself, the ratio is to its complement; where it knows only a wider
    class that holds it (real, against bogus), the ratio is to the scorer's whole training mix, so
    being real is necessary and never more than that. A scorer that knows nothing (its probability
    is its prior, or the ratio is 1) moves nothing.

    Parameters
    ----------
    spec : ScorerSpec
        Its `prior` is the one it was trained under.
    value, sigma : array, shape (n,)
        What it says of its `ranked_class`, and one standard deviation in log odds; NaN where it
        abstains, which is a missing term.
    silence : sequence of str, length n
        Why it abstains, where it does.
    weight : float
        0 to 1: less where the scorer repeats in part what other terms say.

    Raises
    ------
    UnrelatedClassesError
        If neither the class nor a wider one is among the scorer's, or it weighs none.
    ValueError
        If the weight is outside 0 to 1.
    """
    if not 0 <= weight <= 1:
        message = f"a scorer's weight must lie in 0 to 1, not {weight}"
        raise ValueError(message)
    label = ranked_class(spec, sought)
    if label is None:
        message = f"scorer {spec.name!r} weighs no class that holds {sought!r}"
        raise UnrelatedClassesError(message)
    abstains = np.isnan(value) | np.isnan(sigma)
    most = _most(spec, label, sought)
    silent = Side(
        abstains,
        np.array([0.0, -weight * UNSEEN, weight * most]),
        lambda row: silence[row],
        missing=True,
    )
    logs = weight * _logs(spec, label, sought, value, sigma)
    says = Side(~abstains, logs, _told(spec, label, value))
    name, inputs = f"{spec.name} {spec.version}", frozenset(spec.input_names)
    term = weighed(name, inputs, value, [silent, says])
    why = {text: zlib.crc32(text.encode()) for text in set(silence)}
    term.mark[:] = np.where(abstains, [why[text] for text in silence], 0)
    return term


def _logs(
    spec: ScorerSpec, label: str, sought: str, value: FloatArray, sigma: FloatArray
) -> FloatArray:
    """The log ratio and the ends of its interval, shape (3, n)."""
    prior = spec.prior_of(label)
    if spec.kind == ScorerKind.LIKELIHOOD_RATIO:
        central = np.log(np.clip(value, CLIP, 1 / CLIP))
    else:
        chance = np.clip(value, CLIP, 1 - CLIP)
        central = np.log(chance) - np.log1p(-chance) - float(np.log(prior) - np.log1p(-prior))
    reach = INTERVAL_SIGMAS * sigma
    logs = np.clip(np.stack([central, central - reach, central + reach]), -FURTHEST, FURTHEST)
    if label == sought:
        return np.asarray(logs)
    # Against a mix that holds the class with its prior.
    return np.asarray(-np.log(prior + (1 - prior) * np.exp(-logs)))


def _told(spec: ScorerSpec, label: str, value: FloatArray) -> Callable[[int], str]:
    if spec.kind == ScorerKind.LIKELIHOOD_RATIO:
        return lambda row: f"{label} {value[row]:.2g} times as likely as any other to look so"
    prior = spec.prior_of(label)
    return lambda row: f"{label} with chance {value[row]:.2g} where {prior:.2g} is usual"


def _most(spec: ScorerSpec, label: str, sought: str) -> float:
    return UNSEEN if label == sought else min(UNSEEN, -float(np.log(spec.prior_of(label))))
