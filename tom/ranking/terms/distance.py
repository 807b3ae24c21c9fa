"""How well the host's distance fits the map's."""

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, unknown, weighed

NAME = "distance"
INPUTS = frozenset({"event.distance", "host"})
# The galaxy taken for the host is a chance neighbour, so that its distance says nothing.
HOST_IS_WRONG = Share(0.1, 0.03, 0.3)
# Where no distance is known, how far one could go in favour: natural log.
BEST_UNSEEN = float(np.log(10))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Take the overlap."""
    return {"overlap": columns.distance_overlap}


def weigh(*, overlap: FloatArray) -> Weighed:
    """Weigh the distance.

    Parameters
    ----------
    overlap
        The integral of p_GW(d | direction) p_host(d) / p_background(d), shape (n,), no unit; 1
        where the host's distance is what background galaxies have. NaN: no distance.
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
