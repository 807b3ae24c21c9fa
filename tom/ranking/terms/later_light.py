"""What was seen since the merger besides the first detection: magnitudes and limits."""

from typing import Final

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, unknown, weighed

NAME = "later light"
INPUTS = frozenset({"lightcurve.further_looks"})
# What scorers call this datum: a scorer of it would count the same points twice.
IS_SAME_DATUM: Final = "lightcurve"
# Chance that the counterpart's light follows no kilonova of the family. Then it is no evidence.
OUTLIERS = Share(0.02, 0.005, 0.1)
# The most that an unknown light curve could count in favour: natural log.
BEST_UNSEEN = float(np.log(100))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, shape (n,)."""
    return {
        "ratio": columns.later_ratio,
        "low": columns.later_ratio_low,
        "high": columns.later_ratio_high,
        "looks": columns.further_looks,
        "seen": columns.further_detections,
    }


def weigh(
    *, ratio: FloatArray, low: FloatArray, high: FloatArray, looks: FloatArray, seen: FloatArray
) -> Weighed:
    """Return the log likelihood ratios of the further looks since the merger.

    Parameters
    ----------
    ratio, low, high
        The density of what the looks saw for a kilonova, over that for a source of the list, and
        its range, shape (n,), 0 or more. NaN: a missing term.
    looks, seen
        The number of further looks, and of detections among them, shape (n,).
    """
    none = unknown(
        np.isnan(ratio),
        "no further look since the merger",
        worst=float(np.log(OUTLIERS.value)),
        best=BEST_UNSEEN,
    )
    logs = [
        np.log((1 - outliers) * of + outliers)
        for of, outliers in [
            (ratio, OUTLIERS.value),
            *((of, outliers) for of in (low, high) for outliers in OUTLIERS[1:]),
        ]
    ]
    known = Side(
        ~none.where,
        np.stack(logs),
        lambda row: (
            f"seen in {seen[row]:.0f} of {looks[row]:.0f} further looks at its part of the sky: as"
            f" bright each time, or as dark, {ratio[row]:.2g} times as usual for a kilonova as for"
            " the list"
        ),
    )
    return weighed(NAME, INPUTS, seen, [none, known])
