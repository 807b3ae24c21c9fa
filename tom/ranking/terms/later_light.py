"""What was seen since the merger besides the first detection: magnitudes and limits."""

from typing import Final

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Side, Weighed, unknown, weighed

NAME = "later light"
INPUTS = frozenset({"lightcurve.further_looks"})
# What scorers call this datum: a scorer of it would count the same points twice.
IS_SAME_DATUM: Final = "lightcurve"
# The most that an unknown light curve could count against and in favour: natural log.
WORST_UNSEEN = float(np.log(0.02))
BEST_UNSEEN = float(np.log(100))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, shape (n,)."""
    return {
        "ratio": columns.later_ratio,
        "low": columns.later_ratio_low,
        "high": columns.later_ratio_high,
        "looks": columns.further_looks,
        "seen": columns.further_detections,
        "risen": columns.risen_again,
    }


def weigh(
    *,
    ratio: FloatArray,
    low: FloatArray,
    high: FloatArray,
    looks: FloatArray,
    seen: FloatArray,
    risen: FloatArray,
) -> Weighed:
    """Return the log likelihood ratios of the further looks since the merger.

    Parameters
    ----------
    ratio, low, high
        The density of what the looks saw for a counterpart, over that for a source of the list,
        and its range, shape (n,), above 0. NaN: a missing term.
    looks, seen
        The number of further looks, and of detections among them, shape (n,).
    risen
        Magnitudes by which it rose after it was fainter, shape (n,); said where it is more than 0.
    """
    none = unknown(
        np.isnan(ratio),
        "no further look since the merger",
        worst=WORST_UNSEEN,
        best=BEST_UNSEEN,
    )
    known = Side(
        ~none.where,
        np.log(np.stack([ratio, low, high])),
        lambda row: (
            f"seen in {seen[row]:.0f} of {looks[row]:.0f} further looks at its part of the sky: as"
            f" bright each time, or as dark, {ratio[row]:.2g} times as usual for a counterpart as"
            f" for the list{_risen(risen[row])}"
        ),
    )
    return weighed(NAME, INPUTS, seen, [none, known])


def _risen(magnitudes: float) -> str:
    return f"; it rose again by {magnitudes:.1f} mag" if magnitudes > 0 else ""
