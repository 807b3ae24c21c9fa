"""How well the host's distance fits the map's."""

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, unknown, weighed

NAME = "distance"
INPUTS = frozenset({"event.distance", "host"})
# Chance that the assumed host is an unrelated neighbour: then its distance is no evidence.
HOST_IS_WRONG = Share(0.1, 0.03, 0.3)
# The most that an unknown distance could count in favour: natural log.
BEST_UNSEEN = float(np.log(10))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the argument of `weigh`, shape (n,)."""
    return {"overlap": columns.distance_overlap}


def weigh(*, overlap: FloatArray) -> Weighed:
    """Return the log likelihood ratios of the hosts' distances.

    Parameters
    ----------
    overlap
        The integral of p_GW(d | direction) p_host(d) / p_background(d), shape (n,), no unit; 1
        for a host no more likely than a background galaxy. NaN: no distance, a missing term.
    """
    logs = np.stack([np.log((1 - wrong) * overlap + wrong) for wrong in HOST_IS_WRONG])
    no_distance = unknown(
        np.isnan(overlap),
        "no distance of the host, or none in the map here",
        worst=float(np.log(HOST_IS_WRONG.value)),
        best=BEST_UNSEEN,
    )
    known = Side(
        ~no_distance.where,
        logs,
        lambda row: (
            f"the host's distance fits {overlap[row]:.3g} times as well as a background galaxy's"
        ),
    )
    return weighed(NAME, INPUTS, overlap, [no_distance, known])
