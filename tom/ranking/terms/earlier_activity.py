"""Light at the candidate's place before the event's window: single epochs, and many together.

An epoch of 5 sigma is seen alone. What shone more faintly is seen in the sum of the forced epochs
of the last days: of a source that was dark it is small, but for bad subtractions.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, over, unknown, weighed

NAME = "earlier activity"
INPUTS = frozenset({"lightcurve.before_window"})
# Chance of an earlier positive 5-sigma epoch due to a fault of the subtraction or an asteroid.
EPOCH_BY_CHANCE = Share(0.03, 0.01, 0.1)
# Chance of an earlier 3-sigma detection by noise. Of 53 real ZTF objects younger than 30 days, 12
# had one before their first 5-sigma detection.
SIGHT_BY_CHANCE = Share(0.2, 0.1, 0.35)
# Share of unrelated sources, new in the event's window, that shone before it. Others may have been
# seen by chance, as a counterpart may.
SOURCE_IS_OLD = Share(0.5, 0.3, 0.7)
EVERY_SOURCE: Final = Share(1.0, 1.0, 1.0)
# The same by their kind (`tom.ranking.curves`).
OF_KIND: Final[Mapping[str, float]] = {
    "asteroid": 0.0,
    "artefact": 0.4,
    "flare": 0.1,
    "outburst": 0.3,
    "variable": 0.9,
    "slow": 0.35,
}
# Each further epoch by chance is rarer than the one before by this factor.
NEXT_EPOCH_BY_CHANCE = 0.1
# The forced epochs of so many days, without those of 5 sigma, are added up; the largest sum counts.
STACK_DAYS: Final = (3.0, 6.0, 12.0)
# The largest of three such sums of noise is normal about .5, with .92 (drawn). Real errors are
# less sure, and with some chance a subtraction is bad.
STACK_USUAL = 0.5
STACK_SIGMA = 1.1
STACK_ODD = 0.03
# Of what shone, the sum is so large in the mean, in its errors, and rarely below 0.
STACK_SHONE = 10.0
STACK_NEGATIVE = 0.1
STACK_MOST = 300.0  # a larger sum says no more
SUM_TOLD: Final = 3.0  # a sum that the reason tells
# The smallest chance after many epochs: another transient in the same host, or a variable nucleus.
OLD_FLOOR = Share(1e-3, 1e-4, 1e-2)
# The weight of earlier activity falls by a factor e in this time: it may be another source there.
MEMORY_DAYS = 2000.0


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, each of shape (n,)."""
    return {
        "epochs": columns.epochs,
        "age_days": columns.epoch_age_days,
        "sight_age_days": columns.sight_age_days,
        "stacked": columns.stacked,
        "unseen": columns.unseen,
    }


def weigh(
    *,
    epochs: FloatArray,
    age_days: FloatArray,
    sight_age_days: FloatArray,
    stacked: FloatArray,
    unseen: FloatArray,
    source: Share = SOURCE_IS_OLD,
) -> Weighed:
    """Return the log likelihood ratios of the detections before the event's window.

    Parameters
    ----------
    epochs
        Number of positive 5-sigma epochs before the window, shape (n,); NaN: no history was
        searched, a missing term.
    age_days
        Days from the newest of these epochs to the window, shape (n,); NaN: there is none.
    sight_age_days
        Days from the survey's first detection (3 sigma, raw) to the window, shape (n,); NaN: it is
        not before the window. It counts only if there is no epoch, and less than an epoch: so weak
        a detection is often noise.
    stacked
        The sum of the forced epochs of the last days before the window that are no such epochs,
        each by its weight, in its own errors, shape (n,): the largest for the `STACK_DAYS`. NaN:
        there are none.
    unseen
        1 where nothing was detected since the event, shape (n,): then what was seen before is the
        source itself, if it is unrelated.
    source
        The share of unrelated sources that shone before: with an epoch of 5 sigma, and of those
        without one as many more faintly.
    """
    n, shone = len(epochs), _shone(stacked)
    not_searched = unknown(
        np.isnan(epochs),
        "no history at this place",
        worst=float(np.log(OLD_FLOOR.value)),
        best=float(-np.log(1 - source.value)),
    )
    sight = over(SIGHT_BY_CHANCE, source, _seen_ratio, n)
    dark = over(
        EPOCH_BY_CHANCE, source, lambda _, old: 1 / ((1 - old) * (1 - old + old * shone)), n
    )
    first_sight = Side(
        (epochs == 0) & ~np.isnan(sight_age_days),
        np.minimum(_memory(sight_age_days) * sight, dark),
        lambda row: (
            "no earlier epoch of 5 sigma, but the survey's first sight"
            f" {sight_age_days[row]:.3g} d before{_sum_of(stacked[row])}"
        ),
    )
    quiet = Side(epochs == 0, dark, lambda row: _said_of_dark(stacked[row]))
    seen = Side(
        epochs > 0,
        _seen(epochs, age_days, source, shone),
        lambda row: _told(epochs[row], age_days[row]) + _sum_of(stacked[row]),
    )
    before_alone = Side(
        (epochs > 0) & (unseen == 1),
        _seen(epochs, age_days, EVERY_SOURCE, np.ones(n)),
        lambda row: _told(epochs[row], age_days[row]) + ", and nothing since the event",
    )
    return weighed(NAME, INPUTS, epochs, [not_searched, first_sight, quiet, before_alone, seen])


def _shone(stacked: FloatArray) -> FloatArray:
    """Return how much likelier such a sum is of a place that shone than of a dark one; NaN: 1."""
    at = np.clip(stacked, -STACK_MOST, STACK_MOST)
    off = np.exp(-np.abs(at) / STACK_SHONE) / STACK_SHONE
    usual = np.exp(-0.5 * ((at - STACK_USUAL) / STACK_SIGMA) ** 2)
    usual /= STACK_SIGMA * np.sqrt(2 * np.pi)
    dark = (1 - STACK_ODD) * usual + STACK_ODD * off / 2
    shone = np.where(at > 0, 1 - STACK_NEGATIVE, STACK_NEGATIVE) * off
    return np.asarray(np.where(np.isnan(at), 1.0, shone / dark))


def _seen(epochs: FloatArray, age_days: FloatArray, source: Share, shone: FloatArray) -> FloatArray:
    rarer = NEXT_EPOCH_BY_CHANCE ** np.maximum(np.nan_to_num(epochs) - 1, 0)
    alone, together = (
        np.stack(
            [
                np.log(_seen_ratio(np.maximum(chance * rarer, floor * also), old, also))
                for chance, floor, old in zip(EPOCH_BY_CHANCE, OLD_FLOOR, source, strict=True)
            ]
        )
        for also in (np.ones(len(epochs)), shone)
    )
    return np.asarray(_memory(age_days) * alone + together - alone)


def _seen_ratio(
    chance: float | FloatArray, old: float, shone: float | FloatArray = 1.0
) -> FloatArray:
    """Return P(seen before | counterpart) / P(the same | unrelated)."""
    return np.asarray(chance / (old * shone + (1 - old) * chance))


def _said_of_dark(stacked: float) -> str:
    if np.isnan(stacked) or abs(stacked) < SUM_TOLD:
        return "dark here before the event"
    return f"no earlier epoch of 5 sigma{_sum_of(stacked)}"


def _sum_of(stacked: float) -> str:
    if np.isnan(stacked) or abs(stacked) < SUM_TOLD:
        return ""
    return f"; forced epochs of the last days before add up to {stacked:.2g} sigma"


def _told(epochs: float, age_days: float) -> str:
    plural = "" if epochs == 1 else "s"
    return f"{epochs:.0f} earlier epoch{plural}, the newest about {age_days:.3g} d before"


def _memory(age_days: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-np.maximum(np.nan_to_num(age_days), 0.0) / MEMORY_DAYS))
