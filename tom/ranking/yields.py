"""What strategies would have found on past nights, from what was known then, before they are used.

A night's list is weighed again from the facts of that moment, for everybody's points. What an
object turned out to be is known today. Yield@k is how many of a list's first k turned out to be of
a sought class. Beside it stand the same targets brightest first, and in no order at all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from django.db import connection

from tom.moments import Moment, known
from tom.photometry import shines
from tom.ranking.basis import Basis
from tom.ranking.case import HIDDEN_TARGETS, Case, read_case
from tom.ranking.models import Listing
from tom.ranking.services import weigh
from tom.ranking.weighing import FloatArray
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


class Shown(NamedTuple):
    """One of the first of a list: the key of the target, and its class; "": nobody typed it."""

    target: int
    label: str


@dataclass(frozen=True)
class Judged:
    """A night of which it is known what its targets turned out to be.

    `n_members` counts the whole list, `n_sought` those of it that are of a sought class.
    """

    when: datetime
    n_members: int
    n_sought: int
    best: Sequence[Shown]
    brightest: Sequence[Shown]


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
    """A strategy on past nights: its own order, brightest first, and the mean of all orders.

    `gain` is how many more it found a night than brightest first, `gain_over_random` than the mean
    of all orders; both paired, night by night.
    """

    best: Yield
    brightest: Yield
    random: Measured
    gain: Measured
    gain_over_random: Measured


def list_then(strategy: Strategy, when: datetime, *, k: int) -> Night:
    """Make a strategy's list again as of a moment, with its present settings and scorers.

    Only the public's knowledge of public targets counts. Nothing is stored.
    """
    basis = Basis.present(strategy, None)
    case = read_case(Listing(None, strategy), Moment(when), None, basis.rule)
    if not len(case):
        return Night(when, (), (), ())
    case, posterior = weigh(case, basis)
    order = posterior.order().tolist()
    rows = [row for row in order if case.audiences[row] == ()]
    members = [int(case.targets[row]) for row in rows if int(case.targets[row]) not in case.owned]
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
) -> tuple[list[Judged], Trial]:
    """Try a strategy at these moments; `labels` has the class of each target that has one."""
    nights = [judge(list_then(strategy, when, k=k), strategy, labels) for when in moments]
    return nights, sum_up(nights, strategy, k=k, rng=rng)


def judge(night: Night, strategy: Strategy, labels: Mapping[int, str]) -> Judged:
    """Tell what a night's targets turned out to be; `labels` as in `try_strategy`."""
    sought = sought_by(strategy)
    return Judged(
        when=night.when,
        n_members=len(night.members),
        n_sought=sum(labels.get(target, "") in sought for target in night.members),
        best=[Shown(target, labels.get(target, "")) for target in night.best],
        brightest=[Shown(target, labels.get(target, "")) for target in night.brightest],
    )


def sought_by(strategy: Strategy) -> frozenset[str]:
    """The classes that a strategy seeks, and all within them."""
    return frozenset().union(*(within(label) for label in strategy.sought))


def sum_up(
    nights: Sequence[Judged], strategy: Strategy, *, k: int, rng: np.random.Generator
) -> Trial:
    """Sum up what a strategy found in the first k of each night, beside the two other orders."""
    sought = sought_by(strategy)
    best, bright = found_in(nights, strategy), _counts([n.brightest for n in nights], sought)
    chance = np.array([_mean_of_orders(night, k=k) for night in nights], float)
    return Trial(
        best=_yield(best, [night.best for night in nights], sought, rng),
        brightest=_yield(bright, [night.brightest for night in nights], sought, rng),
        random=over_nights(chance, rng),
        gain=over_nights(best - bright, rng),
        gain_over_random=over_nights(best - chance, rng),
    )


def found_in(nights: Sequence[Judged], strategy: Strategy) -> FloatArray:
    """How many sought ones a strategy had in the first k of each night, shape (n,)."""
    return _counts([night.best for night in nights], sought_by(strategy))


def _counts(shown: Sequence[Sequence[Shown]], sought: Collection[str]) -> FloatArray:
    return np.array([sum(each.label in sought for each in night) for night in shown], float)


def _mean_of_orders(night: Judged, *, k: int) -> float:
    """How many sought ones the first k of a list in random order have in the mean."""
    return min(k, night.n_members) * night.n_sought / max(night.n_members, 1)


def _yield(
    counts: FloatArray,
    shown: Sequence[Sequence[Shown]],
    sought: Collection[str],
    rng: np.random.Generator,
) -> Yield:
    seen = {each.target: each.label for night in shown for each in night}
    return Yield(
        per_night=over_nights(counts, rng),
        found=sum(label in sought for label in seen.values()),
        typed=sum(label != "" for label in seen.values()),
        shown=len(seen),
    )


def over_nights(values: FloatArray, rng: np.random.Generator) -> Measured:
    """The mean over nights, and the central 95% of nights drawn with replacement; NaN: no night."""
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
