"""The place on the map: 4 pi times the sky map's probability density there."""

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, unknown, weighed

NAME = "sky map"
INPUTS = frozenset({"event.probdensity"})
# The true position lies where the map does not say, by the map's own error.
MAP_FAILS = Share(0.02, 0.005, 0.05)
# Where there is no map, how far one could go in favour: natural log.
BEST_UNSEEN = float(np.log(1000))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Outside a map its density is 0; without a map nothing is known."""
    reached = np.nan_to_num(columns.probdensity, nan=0.0)
    return {"probdensity": np.where(columns.has_map, reached, np.nan)}


def weigh(*, probdensity: FloatArray) -> Weighed:
    """Weigh the position; the unrelated sources are taken as uniform over the sky.

    Parameters
    ----------
    probdensity
        1/sr, shape (n,); 0 where the map does not reach; NaN: the event has no map.
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
