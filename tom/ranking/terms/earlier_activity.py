"""Detections at the candidate's place before the event's window."""

from collections.abc import Mapping
from typing import Final, TypeVar

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, over, unknown, weighed

Chance = TypeVar("Chance", float, FloatArray)

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
    }


def weigh(
    *,
    epochs: FloatArray,
    age_days: FloatArray,
    sight_age_days: FloatArray,
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
    source
        The share of unrelated sources that shone before.
    """
    n = len(epochs)
    not_searched = unknown(
        np.isnan(epochs),
        "no history at this place",
        worst=float(np.log(OLD_FLOOR.value)),
        best=float(-np.log(1 - source.value)),
    )
    sight = over(SIGHT_BY_CHANCE, source, _seen_ratio, n)
    dark = over(EPOCH_BY_CHANCE, source, lambda chance, old: 1 / (1 - old), n)
    first_sight = Side(
        (epochs == 0) & ~np.isnan(sight_age_days),
        _memory(sight_age_days) * sight,
        lambda row: (
            "no earlier epoch of 5 sigma, but the survey's first sight"
            f" {sight_age_days[row]:.3g} d before"
        ),
    )
    quiet = Side(epochs == 0, dark, lambda row: "dark here before the event")
    seen = Side(
        epochs > 0,
        _seen(epochs, age_days, source),
        lambda row: _told(epochs[row], age_days[row]),
    )
    return weighed(NAME, INPUTS, epochs, [not_searched, first_sight, quiet, seen])


def _seen(epochs: FloatArray, age_days: FloatArray, source: Share) -> FloatArray:
    rarer = NEXT_EPOCH_BY_CHANCE ** np.maximum(np.nan_to_num(epochs) - 1, 0)
    ratios = [
        np.log(_seen_ratio(np.maximum(chance * rarer, floor), old))
        for chance, floor, old in zip(EPOCH_BY_CHANCE, OLD_FLOOR, source, strict=True)
    ]
    return np.asarray(_memory(age_days) * np.stack(ratios))


def _seen_ratio(chance: Chance, old: float) -> Chance:
    """Return P(seen before | counterpart) / P(the same | unrelated)."""
    return chance / (old + (1 - old) * chance)


def _told(epochs: float, age_days: float) -> str:
    plural = "" if epochs == 1 else "s"
    return f"{epochs:.0f} earlier epoch{plural}, the newest about {age_days:.3g} d before"


def _memory(age_days: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-np.maximum(np.nan_to_num(age_days), 0.0) / MEMORY_DAYS))
