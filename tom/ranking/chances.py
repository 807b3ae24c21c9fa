"""Chances from weights: at most one candidate is the counterpart, or none of them is.

The chance of candidate i is w_i / (w_none + sum of all w_j). The weights are the same for all
readers, and so is their order. The sum is over what a reader sees: a candidate that others cannot
see moves nothing of theirs. A list without an event has no such sum: its targets are independent
of each other.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.ranking.case import Case
from tom.ranking.models import Ranking
from tom.ranking.weighing import FloatArray, logistic
from tom.targets.audiences import reader_sets
from tom.targets.models import Audience

# A natural logarithm: what is smaller adds nothing to a sum, and PostgreSQL refuses its power.
LEAST_LOG = -600.0


class Scale(NamedTuple):
    """What turns weights of one ranking into chances for one reader. Natural logarithms.

    `log_none` is the weight of “none of these” (infinite: nothing can be it), `log_sum` that of all
    candidates that the reader sees. None: the chances do not depend on each other.
    """

    log_none: float | None = None
    log_sum: float = -math.inf

    @property
    def log_total(self) -> float:
        """The weight of everything that the reader can see, “none of these” included."""
        none = -math.inf if self.log_none is None else self.log_none
        return float(np.logaddexp(none, self.log_sum))

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be the counterpart: each chance is 0."""
        return self.log_none == math.inf

    @property
    def none(self) -> float | None:
        """The chance that none of the candidates is the counterpart, 0 to 1."""
        if self.log_none is None:
            return None
        return 1.0 if self.is_empty else math.exp(self.log_none - self.log_total)

    def chance(self, log_weight: float | None) -> float | None:
        """The chance of a candidate with this weight; None: it is not ranked."""
        if log_weight is None:
            return None
        if self.log_none is None:
            return logistic(log_weight)
        if self.is_empty:
            return 0.0
        return min(math.exp(min(log_weight - self.log_total, 0.0)), 1.0)

    def log_chance(self, log_weight: float) -> float:
        """The logarithm of a chance, to compare candidates of several events."""
        if self.log_none is None:
            return -float(np.logaddexp(0.0, -log_weight))
        return -math.inf if self.is_empty else log_weight - self.log_total

    def end(self, log_weight: float | None, log_end: float | None) -> float | None:
        """An end of the interval of a chance: the weights of the others stay as they are."""
        if log_weight is None or log_end is None:
            return None
        if self.is_empty:
            return 0.0
        return logistic(log_end - self.log_rest(log_weight))

    def log_rest(self, log_weight: float) -> float:
        """The weight of all but a candidate: at least that of “none of these”."""
        if self.log_none is None:
            return 0.0
        share = math.exp(min(log_weight - self.log_total, 0.0))
        rest = self.log_total + math.log1p(-share) if share < 1 else -math.inf
        return max(rest, self.log_none)


INDEPENDENT = Scale()


def show_chances(rows: Iterable[EventCandidate], scales: Mapping[int, Scale]) -> None:
    """Set on candidates their chance and its interval, by the scale of each event."""
    for row in rows:
        scale, weight = scales.get(row.event_id, INDEPENDENT), row.log_weight
        row.posterior = scale.chance(weight)
        row.posterior_low = scale.end(weight, row.log_weight_low)
        row.posterior_high = scale.end(weight, row.log_weight_high)


def show_public_chances(event: NonLocalizedEvent, rows: Iterable[EventCandidate]) -> None:
    """Set on an event's candidates the chance that everybody reads."""
    newest = Ranking.objects.filter(event=event).order_by("-created", "-pk").first()
    show_chances(rows, {event.pk: public_scale(newest)})


class Sums(NamedTuple):
    """The `Ranking.log_sums` of a list, and the candidates that are in none of them."""

    log_sums: list[list[Any]]
    owned: list[int]


def sum_weights(case: Case, log_weight: FloatArray) -> Sums:
    """Sum the weights that each set of readers sees.

    Of each candidate a reader sees the entry of the largest audience that they belong to. Private
    targets that no program's points made are in no sum: who may see them is asked at each reading.
    """
    if case.listing.event is None:
        return Sums([], [])
    owned = sorted(case.owned.intersection(case.members.tolist()))
    return Sums(_sum_by_readers(case, log_weight), owned)


def _sum_by_readers(case: Case, log_weight: FloatArray) -> list[list[Any]]:
    narrower = sorted({program for audience in set(case.audiences) for program in audience})
    if not narrower:
        shown = ~np.isin(case.members, list(case.owned))
        return [[[], _log_sum(log_weight[shown].tolist())]]
    known: dict[int, list[tuple[Audience, float]]] = {}
    for member, audience, weight in zip(
        case.members.tolist(), case.audiences, log_weight.tolist(), strict=True
    ):
        if audience or member not in case.owned:
            known.setdefault(member, []).append((audience, weight))
    sets = {tuple(sorted(theirs.intersection(narrower))) for theirs in reader_sets()}
    return [
        [list(programs), _log_sum([_read_by(entries, programs) for entries in known.values()])]
        for programs in sorted({(), *sets, *((program,) for program in narrower)})
    ]


def _read_by(entries: Sequence[tuple[Audience, float]], programs: Collection[int]) -> float:
    """The weight that a reader of these programs sees; minus infinity: they see none."""
    mine = [entry for entry in entries if set(entry[0]) <= set(programs)]
    return max(mine, key=lambda entry: (len(entry[0]), entry[0]), default=((), -math.inf))[1]


def _log_sum(logs: Sequence[float]) -> float:
    return float(max(np.logaddexp.reduce(logs), LEAST_LOG)) if logs else LEAST_LOG


def sum_for(ranking: Ranking, programs: Collection[int]) -> float | None:
    """The sum stored for the readers of these programs; None: nobody read them then."""
    sums = {tuple(kept): log_sum for kept, log_sum in ranking.log_sums}
    named = {program for kept in sums for program in kept}
    return sums.get(tuple(sorted(named.intersection(programs))))


def public_scale(ranking: Ranking | None) -> Scale:
    """What turns weights into chances for everybody."""
    if ranking is None or ranking.log_none is None:
        return INDEPENDENT
    found = sum_for(ranking, ())
    return Scale(ranking.log_none, -math.inf if found is None else found)
