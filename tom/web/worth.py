"""What an observation of a candidate would tell of its event's list, for one reader."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tom.candidates.models import EventCandidate
from tom.ranking.chances import Scale
from tom.ranking.information import Open, information_of, moderated, most_open


@dataclass(frozen=True)
class Worth:
    """How many bits it tells to settle a candidate, and the missing term that could move it most.

    `opened` is None where no term is missing.
    """

    bits: float
    opened: Open | None


def worth_of(
    candidate: EventCandidate, terms: Iterable[Mapping[str, Any]], scale: Scale
) -> Worth | None:
    """Return what an observation would tell; None: it is not ranked, or nothing can be it.

    The candidate bears its reader's own figures, and `scale` is theirs.
    """
    weights = (candidate.log_weight, candidate.log_weight_low, candidate.log_weight_high)
    weight, low, high = weights
    if weight is None or low is None or high is None:
        return None
    odds = weight - scale.log_rest(weight)
    if not math.isfinite(odds):
        return None
    return Worth(information_of(moderated(odds, low, high)), most_open(terms, odds))
