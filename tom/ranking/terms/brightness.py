"""How bright a member was when it was first seen, at the map's distance and the merger's time."""

import numpy as np

from tom.ranking import weighing
from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, unknown, weighed

NAME = "brightness"
INPUTS = frozenset({"lightcurve.first_magnitude"})
# Chance that the counterpart's first detection is unlike the family: another kind of light, a
# measurement that is wrong. Then its brightness is no evidence.
OUTLIERS = Share(0.02, 0.005, 0.1)
# The most that an unknown brightness could count in favour: natural log.
BEST_UNSEEN = float(np.log(10))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, shape (n,)."""
    return {
        "ratio": columns.brightness_ratio,
        "low": columns.brightness_ratio_low,
        "high": columns.brightness_ratio_high,
        "magnitude": columns.first_magnitude,
        "days": columns.first_days,
        "distance_mpc": columns.map_distance_mpc,
    }


def weigh(
    *,
    ratio: FloatArray,
    low: FloatArray,
    high: FloatArray,
    magnitude: FloatArray,
    days: FloatArray,
    distance_mpc: FloatArray,
) -> Weighed:
    """Return the log likelihood ratios of the first magnitudes since the merger.

    Parameters
    ----------
    ratio, low, high
        The density of this magnitude for a kilonova at the map's distance and this time, over that
        for a source of the list, and its range, shape (n,), 0 or more. NaN: a missing term.
    magnitude
        AB, as measured, shape (n,); NaN: no detection since the merger.
    days
        After the merger, shape (n,).
    distance_mpc
        The map's distance in this direction, Mpc, shape (n,); NaN: it has none there.
    """
    worst = float(np.log(OUTLIERS.value))
    undetected = unknown(
        np.isnan(magnitude), "no detection since the merger", worst=worst, best=BEST_UNSEEN
    )
    no_distance = unknown(
        np.isnan(ratio), weighing.NO_DISTANCE_IN_MAP, worst=worst, best=BEST_UNSEEN
    )
    logs = [
        np.log((1 - outliers) * of + outliers)
        for of, outliers in [
            (ratio, OUTLIERS.value),
            *((of, outliers) for of in (low, high) for outliers in OUTLIERS[1:]),
        ]
    ]
    known = Side(
        ~undetected.where & ~no_distance.where,
        np.stack(logs),
        lambda row: (
            f"{magnitude[row]:.1f} mag {days[row]:.2g} days after the merger is {ratio[row]:.2g}"
            f" times as usual for a kilonova at {distance_mpc[row]:.3g} Mpc as for the list"
        ),
    )
    return weighed(NAME, INPUTS, magnitude, [undetected, no_distance, known])
