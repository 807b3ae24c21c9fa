"""The report of a benchmark: one line for each ranking, and the paired differences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.stats import beta

from tom.benchmark.scores import WHEN_HOURS, Outcome

BINS: Final = (0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 1.0)
CALIBRATED_AT: Final = 48
QUIET: Final = 0.1  # the most that the chances may add up to where there is no counterpart
DRAWS: Final = 4000
LEVELS: Final = (0.025, 0.975)


def summarise(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the figures of one ranking; null is what it does not say or what no night tells."""
    seen = [each for each in outcomes if each.has_counterpart]
    return {
        "ranking": name,
        "nights": len(outcomes),
        "with_counterpart": len(seen),
        "hours_to_top_3": _mean([each.hours for each in seen]),
        "soonest_hours": _mean([each.soonest for each in seen]),
        "never": sum(not each.found for each in seen),
        "minutes_on_others": _mean([each.minutes for each in seen]),
        "median_rank": {str(hour): _median_rank(seen, hour) for hour in WHEN_HOURS},
        "log_loss": {str(hour): _log_loss(outcomes, hour) for hour in WHEN_HOURS},
        "without_counterpart": _without(outcomes),
        "calibration": calibration([pair for each in outcomes for pair in each.said]),
    }


def compare(
    ours: Sequence[Outcome], rivals: Mapping[str, Sequence[Outcome]]
) -> dict[str, dict[str, Any]]:
    """Return what each rival needs more than ours, night by night, with 95% bootstrap intervals.

    Each value is [mean, low, high]; above 0 ours is better. Nights without a counterpart count for
    neither hours nor minutes.
    """
    return {name: _differences(ours, theirs) for name, theirs in rivals.items()}


def calibration(said: Sequence[tuple[float, bool]]) -> list[dict[str, Any]]:
    """Sort what was said into bins; each has how often it was true, with a 95% interval.

    The interval is Jeffreys': the quantiles of Beta(k + 1/2, n - k + 1/2). `within`: the mean that
    was said lies in it.
    """
    if not said:
        return []
    chance, true = (np.array(column, float) for column in zip(*said, strict=True))
    of_bin = np.clip(np.digitize(chance, BINS) - 1, 0, len(BINS) - 2)
    rows = []
    for number in np.unique(of_bin).tolist():
        chosen = of_bin == number
        n, k = int(chosen.sum()), float(true[chosen].sum())
        low, high = _jeffreys(k, n)
        mean = float(chance[chosen].mean())
        rows.append(
            {
                "from": BINS[number], "to": BINS[number + 1], "n": n, "said": _rounded(mean),
                "true": _rounded(k / n), "interval": [_rounded(low), _rounded(high)],
                "within": bool(low <= mean <= high),
            }
        )  # fmt: skip
    return rows


def paired(differences: Sequence[float]) -> list[float] | None:
    """Return the mean of paired differences and its 95% bootstrap interval; None: there are none.

    The draws are the same at each call.
    """
    if not differences:
        return None
    values = np.array(differences)
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(DRAWS, len(values)))].mean(axis=1)
    return [_rounded(float(each)) for each in (values.mean(), *np.quantile(means, LEVELS))]


def _differences(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> dict[str, Any]:
    pairs = [
        (mine, other) for mine, other in zip(ours, theirs, strict=True) if mine.has_counterpart
    ]
    return {
        "hours": paired([other.hours - mine.hours for mine, other in pairs]),
        "minutes": paired([other.minutes - mine.minutes for mine, other in pairs]),
    }


def _without(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    sums = [
        value
        for each in outcomes
        if not each.has_counterpart and (value := each.sums[CALIBRATED_AT]) is not None
    ]
    quiet = sum(value < QUIET for value in sums)
    return {
        "nights": sum(not each.has_counterpart for each in outcomes),
        "sum": _mean(sums),
        "largest": _rounded(max(sums)) if sums else None,
        "below_0.1": _rounded(quiet / len(sums)) if sums else None,
        "interval": [_rounded(end) for end in _jeffreys(quiet, len(sums))] if sums else None,
    }


def _jeffreys(k: float, n: int) -> tuple[float, float]:
    """Return the 95% interval of a share of which k of n were seen."""
    low, high = beta.ppf(LEVELS, k + 0.5, n - k + 0.5)
    return float(low), float(high)


def _median_rank(outcomes: Sequence[Outcome], hour: int) -> float | None:
    """Return the median place; a candidate that is not listed comes after all others."""
    ranks = [rank if (rank := each.ranks[hour]) else math.inf for each in outcomes]
    median = float(np.median(ranks)) if ranks else math.inf
    return median if math.isfinite(median) else None


def _log_loss(outcomes: Sequence[Outcome], hour: int) -> float | None:
    return _mean([loss for each in outcomes if (loss := each.log_loss[hour]) is not None])


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(sum(values) / len(values)) if values else None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
