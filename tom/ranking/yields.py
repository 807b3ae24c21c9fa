"""What strategies would have found on past nights, from what was known then, before they are used.

A night's list is weighed again from the facts of that moment, for everybody's points. What an
object turned out to be is known today. Yield@k is how many of a list's first k turned out to be of
a sought class. Beside it stand the same targets brightest first, and in no order at all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from django.db import connection

from tom.moments import Moment, known
from tom.photometry import shines
from tom.ranking.basis import Basis
from tom.ranking.case import HIDDEN_TARGETS, Case, read_case
from tom.ranking.lights import look
from tom.ranking.models import Listing
from tom.ranking.services import weigh
from tom.scoring.evaluation.bootstrap import Measured
from tom.strategies.models import Strategy
from tom.targets.copy import array_of
from tom.taxonomy import within

DRAWS: Final = 2_000


@dataclass(frozen=True)
class Night:
    """A strategy's list at a moment: the keys of its targets, in three orders' worth of numbers.

    `best` are the first k of the list, `brightest` the first k by magnitude; `members` all of it.
    """

    when: datetime
    members: Sequence[int]
    best: Sequence[int]
    brightest: Sequence[int]


@dataclass(frozen=True)
class Yield:
    """What one order of a list gave: per night, with the 95% interval over nights; NaN: no night.

    `found` counts the different sought objects among the first k of all nights, `typed` those of
    any class, and `shown` all of them: of whoever was not typed nobody knows.
    """

    per_night: Measured
    found: int
    typed: int
    shown: int


@dataclass(frozen=True)
class Trial:
    """A strategy on past nights: its own order, brightest first, and the mean of all orders."""

    strategy: Strategy
    nights: Sequence[Night]
    best: Yield
    brightest: Yield
    random_per_night: float
    gain: Measured


def list_then(strategy: Strategy, when: datetime, *, k: int) -> Night:
    """Make a strategy's list again as of a moment, with its present settings and scorers.

    Only the public's knowledge counts. Nothing is stored.
    """
    basis = Basis.present(strategy, None)
    case = read_case(Listing(None, strategy), Moment(when), None, basis.rule)
    if not len(case):
        return Night(when, (), (), ())
    order = weigh(case, basis, look(case, None)).order().tolist()
    rows = [row for row in order if case.audiences[row] == ()]
    members = [int(case.targets[row]) for row in rows]
    flux = _peaks(case, members)
    brightest = sorted(members, key=lambda target: -flux.get(target, 0.0))
    return Night(when, members, members[:k], brightest[:k])


def try_strategy(
    strategy: Strategy,
    moments: Sequence[datetime],
    labels: Mapping[int, str],
    *,
    k: int,
    rng: np.random.Generator,
) -> Trial:
    """Try a strategy at these moments; `labels` has the class of each target that has one."""
    nights = [list_then(strategy, when, k=k) for when in moments]
    sought = frozenset().union(*(within(label) for label in strategy.sought))
    is_sought = {target for target, label in labels.items() if label in sought}
    best = np.array([len(is_sought.intersection(night.best)) for night in nights], float)
    bright = np.array([len(is_sought.intersection(night.brightest)) for night in nights], float)
    chance = [_mean_of_orders(night, is_sought, k=k) for night in nights]
    return Trial(
        strategy=strategy,
        nights=nights,
        best=_yield(best, [night.best for night in nights], is_sought, labels, rng),
        brightest=_yield(bright, [night.brightest for night in nights], is_sought, labels, rng),
        random_per_night=float(np.mean(chance)) if chance else float("nan"),
        gain=_over_nights(best - bright, rng),
    )


def _mean_of_orders(night: Night, sought: Collection[int], *, k: int) -> float:
    """How many sought ones the first k of a list in random order have in the mean."""
    n = len(night.members)
    share = sum(target in sought for target in night.members) / n if n else 0.0
    return min(k, n) * share


def _yield(
    counts: np.ndarray[tuple[int], np.dtype[np.float64]],
    shown: Sequence[Sequence[int]],
    sought: Collection[int],
    labels: Mapping[int, str],
    rng: np.random.Generator,
) -> Yield:
    seen = {target for night in shown for target in night}
    return Yield(
        per_night=_over_nights(counts, rng),
        found=len(seen.intersection(sought)),
        typed=len(seen.intersection(labels)),
        shown=len(seen),
    )


def _over_nights(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], rng: np.random.Generator
) -> Measured:
    """The mean over nights, and the central 95% of nights drawn with replacement."""
    if not len(values):
        return Measured(*[float("nan")] * 3)
    drawn = rng.choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Measured(float(values.mean()), float(low), float(high))


def _peaks(case: Case, targets: Sequence[int]) -> dict[int, float]:
    """The largest public flux (nJy) of each target that was known at a case's moment."""
    parameters = {"targets": array_of(targets), **case.moment.parameters()}
    with connection.cursor() as cursor:
        cursor.execute(PEAKS, parameters)
        return dict(cursor.fetchall())


PEAKS = f"""
    SELECT p.target_id, max(p.flux)
    FROM targets_lightcurvepoint p JOIN targets_program g ON g.id = p.program_id
    WHERE p.target_id = ANY({HIDDEN_TARGETS}) AND g.public AND p.time <= %(at)s
        AND {shines("p")} AND {known("p")}
    GROUP BY p.target_id
"""  # noqa: S608  of our own text alone
