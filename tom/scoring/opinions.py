"""Turn a scorer's outcome into a term of the ranking."""

import math

from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.scoring.fusion import Term, missing_term
from tom.scoring.runner import Opinion, Outcome
from tom.taxonomy import lineage

SOUGHT = "kilonova"
# The kinds whose numbers weigh one class against the others.
WEIGHING = (ScorerKind.PROBABILITY, ScorerKind.LIKELIHOOD_RATIO)
INTERVAL_SIGMAS = 1.6448536269514722  # the central 90%
CLIP = 1e-6
# No end of an interval goes further, natural log: nothing is changed by what lies beyond.
FURTHEST = 30.0
# How far a scorer that abstains could have moved the log odds.
UNSEEN = math.log(20)


class UnrelatedClassesError(ValueError):
    """No class of the scorer says anything of the class that is sought."""


def ranked_class(spec: ScorerSpec, sought: str = SOUGHT) -> str | None:
    """Return the narrowest class of a scorer that holds the sought one; None: it has none.

    A rank or an anomaly says how an object compares, not what it is: such a scorer is shown, and
    never ranked by.
    """
    if spec.kind not in WEIGHING:
        return None
    return next((label for label in lineage(sought) if label in spec.classes), None)


def opinion_term(
    spec: ScorerSpec, outcome: Outcome, *, sought: str = SOUGHT, weight: float = 1.0
) -> Term:
    """Return weight times the log likelihood ratio of the sought class to the other sources.

    Of a probability it is the odds over those of the prior; of a likelihood ratio itself. Where
    the scorer knows the class itself, the ratio is to its complement; where it knows only a wider
    class that holds it (real, against bogus), the ratio is to the scorer's whole training mix, so
    being real is necessary and never more than that. A scorer that knows nothing (p is its prior,
    or the ratio is 1) moves nothing.

    Parameters
    ----------
    spec : ScorerSpec
        Its `prior` is the one it was trained under.
    outcome : Opinion or Abstention
        An abstention becomes a missing term.
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
    inputs = frozenset(spec.input_names)
    name = f"{spec.name} {spec.version}"
    if not isinstance(outcome, Opinion):
        worst, best = -weight * UNSEEN, weight * _most(spec, label, sought)
        reason = outcome.detail or outcome.reason.text
        return missing_term(name, inputs=inputs, reason=reason, worst=worst, best=best)
    value, prior = _value_of(spec, outcome, label), spec.prior_of(label)
    log_lr, reason = _weigh(spec, label, value, prior)
    reach = INTERVAL_SIGMAS * outcome.sigma
    ratios = [_bounded(log_lr + off) for off in (-reach, 0.0, reach)]
    if label != sought:
        ratios = [_ratio_to_mix(ratio, prior) for ratio in ratios]
    low, central, high = (weight * ratio for ratio in ratios)
    return Term(name, central, low, high, inputs, reason, value)


def _value_of(spec: ScorerSpec, opinion: Opinion, label: str) -> float:
    return dict(zip(spec.classes, opinion.probability, strict=True))[label]


def _weigh(spec: ScorerSpec, label: str, value: float, prior: float) -> tuple[float, str]:
    """Return the log likelihood ratio of a class to all others, and what a person reads."""
    if spec.kind == ScorerKind.LIKELIHOOD_RATIO:
        reason = f"{label} {value:.2g} times as likely as any other to look so"
        return math.log(min(max(value, CLIP), 1 / CLIP)), reason
    reason = f"{label} with chance {value:.2g} where {prior:.2g} is usual"
    return _logit(min(max(value, CLIP), 1 - CLIP)) - _logit(prior), reason


def _ratio_to_mix(log_lr: float, prior: float) -> float:
    """Return the log ratio to a mix that holds the class with its prior."""
    return -math.log(prior + (1 - prior) * math.exp(-log_lr))


def _bounded(log_lr: float) -> float:
    return min(max(log_lr, -FURTHEST), FURTHEST)


def _most(spec: ScorerSpec, label: str, sought: str) -> float:
    return UNSEEN if label == sought else min(UNSEEN, -math.log(spec.prior_of(label)))


def _logit(chance: float) -> float:
    return math.log(chance) - math.log1p(-chance)
