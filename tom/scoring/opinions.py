"""Turn a scorer's outcome into a term of the ranking."""

import math

from tom.scoring.contract import ScorerSpec
from tom.scoring.fusion import Term, logistic, missing_term
from tom.scoring.runner import Opinion, Outcome

# Each class and the wider one that holds it.
TAXONOMY = {
    "kilonova": "explosive",
    "supernova": "explosive",
    "explosive": "transient",
    "tde": "transient",
    "transient": "real",
    "variable": "real",
    "agn": "real",
    "asteroid": "real",
}
INTERVAL_SIGMAS = 1.6448536269514722  # the central 90%
CLIP = 1e-6
# How far a scorer that abstains could have moved the log odds.
UNSEEN = math.log(20)


class UnrelatedClassesError(ValueError):
    """No class of the scorer says anything of the class that is sought."""


def lineage(label: str) -> tuple[str, ...]:
    """Return a class and every wider class that holds it."""
    found = [label]
    while found[-1] in TAXONOMY:
        found.append(TAXONOMY[found[-1]])
    return tuple(found)


def opinion_term(
    spec: ScorerSpec, outcome: Outcome, *, sought: str = "kilonova", weight: float = 1.0
) -> Term:
    """Return weight times (log p - log prior) of the sought class, against the other sources.

    Where the scorer knows the class itself, the ratio is to its complement; where it knows only a
    wider class that holds it (real, against bogus), the ratio is to the scorer's whole training
    mix, so being real is necessary and never more than that. A scorer that knows nothing (p is
    its prior) moves nothing.

    Parameters
    ----------
    spec : ScorerSpec
        Its `prior` is the one it was trained under.
    outcome : Opinion or Abstention
        An abstention becomes a missing term.
    weight : float
        0 to 1: less where scorers share inputs.

    Raises
    ------
    UnrelatedClassesError
        If neither the class nor a wider one is among the scorer's.
    ValueError
        If the weight is outside 0 to 1.
    """
    if not 0 <= weight <= 1:
        message = f"a scorer's weight must lie in 0 to 1, not {weight}"
        raise ValueError(message)
    label = _known_class(spec, sought)
    inputs = frozenset(spec.input_names)
    name = f"{spec.name} {spec.version}"
    if not isinstance(outcome, Opinion):
        worst, best = -weight * UNSEEN, weight * _most(spec, label, sought)
        reason = outcome.detail or outcome.reason.text
        return missing_term(name, inputs=inputs, reason=reason, worst=worst, best=best)
    chance = dict(zip(spec.classes, outcome.probability, strict=True))[label]
    ratio = _ratio_to_complement if label == sought else _ratio_to_mix
    log_odds = _logit(_inside(chance))
    reach = INTERVAL_SIGMAS * outcome.sigma
    low, central, high = (
        weight * ratio(_inside(logistic(odds)), spec.prior_of(label))
        for odds in (log_odds - reach, log_odds, log_odds + reach)
    )
    reason = f"{label} with chance {chance:.2g} where {spec.prior_of(label):.2g} is usual"
    return Term(name, central, low, high, inputs, reason, chance)


def _known_class(spec: ScorerSpec, sought: str) -> str:
    for label in lineage(sought):
        if label in spec.classes:
            return label
    message = f"scorer {spec.name!r} knows no class that holds {sought!r}"
    raise UnrelatedClassesError(message)


def _ratio_to_complement(chance: float, prior: float) -> float:
    return _logit(chance) - _logit(prior)


def _ratio_to_mix(chance: float, prior: float) -> float:
    return math.log(chance) - math.log(prior)


def _most(spec: ScorerSpec, label: str, sought: str) -> float:
    return UNSEEN if label == sought else min(UNSEEN, -math.log(spec.prior_of(label)))


def _inside(chance: float) -> float:
    return min(max(chance, CLIP), 1 - CLIP)


def _logit(chance: float) -> float:
    return math.log(chance) - math.log1p(-chance)
