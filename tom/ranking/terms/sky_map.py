"""The candidate's place on the map: 4 pi times the probability density there."""

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, unknown, weighed

NAME = "sky map"
INPUTS = frozenset({"event.probdensity"})
# Chance that the map is wrong: then the true position may lie anywhere.
MAP_FAILS = Share(0.02, 0.005, 0.05)
# The most that an unknown map could count in favour: natural log.
BEST_UNSEEN = float(np.log(1000))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the argument of `weigh`, shape (n,): 0 outside the map, NaN without a map."""
    reached = np.nan_to_num(columns.probdensity, nan=0.0)
    return {"probdensity": np.where(columns.has_map, reached, np.nan)}


def weigh(*, probdensity: FloatArray) -> Weighed:
    """Return the log likelihood ratios of the positions.

    Unrelated sources are assumed to be uniform over the sky.

    Parameters
    ----------
    probdensity
        1/sr, shape (n,); 0 outside the map; NaN: the event has no map, a missing term.
    """
    isotropic = 4 * np.pi * probdensity
    logs = np.stack([np.log((1 - fails) * isotropic + fails) for fails in MAP_FAILS])
    no_map = unknown(
        np.isnan(probdensity),
        "the event has no sky map",
        worst=float(np.log(MAP_FAILS.value)),
        best=BEST_UNSEEN,
    )
    mapped = Side(
        ~no_map.where,
        logs,
        lambda row: f"the map holds {isotropic[row]:.3g} times the sky's average here",
    )
    return weighed(NAME, INPUTS, probdensity, [no_map, mapped])
