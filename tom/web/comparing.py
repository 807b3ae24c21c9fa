"""What a comparison of strategies found, as its page shows it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from django.contrib.auth.models import User
from tom_targets.base_models import BaseTarget

from tom.ranking.compared import Compared, Comparison
from tom.ranking.comparisons import basis_of, read_night
from tom.ranking.yields import Judged, Shown, Trial, found_in, over_nights, sought_by, sum_up
from tom.scoring.evaluation.bootstrap import Measured
from tom.strategies.models import Strategy
from tom.targets.visible import visible_targets

SEED: Final = 1
"""Of the draws behind the intervals: the same page shows the same figures."""


@dataclass(frozen=True)
class Column:
    """One strategy: its nights so far, what they sum up to, and how it differs from the first.

    `n_empty` nights had no target that was known then. `is_changed`: its settings or a scorer are
    others today.
    """

    strategy: Strategy
    trial: Trial
    n_nights: int
    n_empty: int
    median_members: float
    than_first: Measured | None
    is_changed: bool


@dataclass(frozen=True)
class Cell:
    """A target in one place of one list; `shared` says how many of the lists have it.

    `target` is None where the reader may not see it, or where it is gone.
    """

    target: BaseTarget | None
    label: str
    is_sought: bool
    shared: int


@dataclass(frozen=True)
class Overlap:
    """The first of each list at one moment, place by place; None: that list is shorter.

    `in_all` counts the targets that all lists have, `alone` those that only this strategy has.
    """

    when: datetime
    places: list[list[Cell | None]]
    in_all: int
    alone: list[tuple[Strategy, int]]


def read_columns(comparison: Comparison, parts: Sequence[Compared]) -> list[Column]:
    """Sum up each strategy's past nights; the moment when it was asked for is not over."""
    nights = [[read_night(kept) for kept in part.nights[1:]] for part in parts]
    return [
        _column(comparison, part, own, _difference(parts, nights, at))
        for at, (part, own) in enumerate(zip(parts, nights, strict=True))
    ]


def _column(
    comparison: Comparison, part: Compared, nights: Sequence[Judged], than_first: Measured | None
) -> Column:
    rng = np.random.default_rng(SEED)
    members = [night.n_members for night in nights]
    return Column(
        strategy=part.strategy,
        trial=sum_up(nights, part.strategy, k=comparison.k, rng=rng),
        n_nights=len(nights),
        n_empty=members.count(0),
        median_members=float(np.median(members)) if members else 0.0,
        than_first=than_first,
        is_changed=basis_of(part.strategy) != part.basis,
    )


def _difference(
    parts: Sequence[Compared], nights: Sequence[Sequence[Judged]], at: int
) -> Measured | None:
    """How many more a strategy found a night than the first one; None: it is the first."""
    n = min(len(nights[0]), len(nights[at]))
    if at == 0:
        return None
    mine, first = (found_in(nights[each][:n], parts[each].strategy) for each in (at, 0))
    return over_nights(mine - first, np.random.default_rng(SEED))


def read_overlap(parts: Sequence[Compared], at: int, user: User) -> Overlap | None:
    """The first of each list at a moment, by its place among them; None: not all are made yet."""
    if not parts or any(len(part.nights) <= at for part in parts):
        return None
    nights = [read_night(part.nights[at]) for part in parts]
    lists = [night.best for night in nights]
    counts = Counter(shown.target for best in lists for shown in best)
    targets = visible_targets(user).in_bulk(list(counts))
    sought = [sought_by(part.strategy) for part in parts]
    longest = max(len(best) for best in lists)
    return Overlap(
        when=nights[0].when,
        places=[
            [
                _cell(best, rank, classes, counts, targets)
                for best, classes in zip(lists, sought, strict=True)
            ]
            for rank in range(longest)
        ],
        in_all=sum(count == len(parts) for count in counts.values()),
        alone=[
            (part.strategy, sum(counts[shown.target] == 1 for shown in best))
            for part, best in zip(parts, lists, strict=True)
        ],
    )


def _cell(
    best: Sequence[Shown],
    rank: int,
    sought: frozenset[str],
    counts: Counter[int],
    targets: dict[int, BaseTarget],
) -> Cell | None:
    if rank >= len(best):
        return None
    shown = best[rank]
    target = targets.get(shown.target)
    label = shown.label if target is not None else ""
    return Cell(target, label, label in sought, counts[shown.target])
