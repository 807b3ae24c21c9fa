"""What an observation of a candidate would tell of its event's list, and its cost, for a reader."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tom.candidates.models import EventCandidate
from tom.events.models import EventKind, NonLocalizedEvent
from tom.ranking.chances import Scale
from tom.ranking.information import Open, information_of, moderated, most_open
from tom.ranking.weighing import NO_DISTANCE_IN_MAP
from tom.web.costs import Observer, faded


@dataclass(frozen=True)
class Cost:
    """The minutes of the quickest telescope, its name, and the AB magnitude that it must show."""

    minutes: float
    by: str
    magnitude: float


@dataclass(frozen=True)
class Worth:
    """How many bits it tells to settle a candidate, and the missing term that could move it most.

    `opened` is None where no term is missing. `cost` is None where no telescope is declared, or no
    magnitude of the candidate is known.
    """

    bits: float
    opened: Open | None
    cost: Cost | None

    @property
    def bits_an_hour(self) -> float:
        """What an hour of such observations would tell; 0 where the cost is not known."""
        return 60 * self.bits / self.cost.minutes if self.cost else 0.0


def worth_of(
    candidate: EventCandidate,
    terms: Iterable[Mapping[str, Any]],
    scale: Scale,
    *,
    observers: Sequence[Observer],
    now: datetime,
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
    bits = information_of(moderated(odds, low, high))
    opened = most_open(_to_come(terms, candidate.event), odds)
    return Worth(bits, opened, _cost(candidate, observers, now))


def _to_come(
    terms: Iterable[Mapping[str, Any]], event: NonLocalizedEvent
) -> Iterator[Mapping[str, Any]]:
    """Leave out what nothing supplies: of mergers alone there are maps with distances."""
    for term in terms:
        if event.kind == EventKind.GW or term["reason"] != NO_DISTANCE_IN_MAP:
            yield term


def _cost(candidate: EventCandidate, observers: Sequence[Observer], now: datetime) -> Cost | None:
    known = candidate.target.summary
    if not observers or known.last_magnitude is None or known.last_detection is None:
        return None
    (magnitude,) = faded([known.last_magnitude], [known.last_detection], now=now).tolist()
    costs = [Cost(float(each.minutes(magnitude)), each.label, magnitude) for each in observers]
    return min(costs, key=lambda cost: cost.minutes)
