"""How well the host's distance fits the map's."""

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, unknown, weighed

NAME = "distance"
INPUTS = frozenset({"event.distance", "host"})
# Of unrelated hosts: the shape of p(d), in `tom.sky.distance`. A ranking keeps its name.
BACKGROUND = "d^2 exp(-10 d / horizon)"
# Chance that the assumed host is an unrelated neighbour: then its distance is no evidence. It is
# used where no search gives this chance.
HOST_IS_WRONG = Share(0.1, 0.03, 0.3)
# How wrong the odds of a search may be, either way.
ODDS_OFF = 3.0
# The chance that a galaxy's distance is not within its error: then it is no evidence.
OUTLIERS = 0.02
PHOTOMETRIC_OUTLIERS = 0.1
# That a given redshift is the target's own.
GIVEN_SHARE = 0.98
# The most that an unknown distance could count in favour: natural log.
BEST_UNSEEN = float(np.log(10))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, shape (n,)."""
    return {"overlap": columns.distance_overlap, "host_share": columns.host_share}


def weigh(*, overlap: FloatArray, host_share: FloatArray) -> Weighed:
    """Return the log likelihood ratios of the hosts' distances.

    Parameters
    ----------
    overlap
        The integral of p_GW(d | direction) p_host(d) / p_background(d), shape (n,), no unit; 1
        for a host no more likely than a background galaxy. NaN: no distance, a missing term.
    host_share
        The chance that the host is the right one, 0 to 1, shape (n,); NaN: `HOST_IS_WRONG` counts.
    """
    logs = np.stack([np.log((1 - wrong) * overlap + wrong) for wrong in _wrong(host_share)])
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


def _wrong(host_share: FloatArray) -> FloatArray:
    """Return the chance that the host is wrong, and the ends of its range, shape (3, n)."""
    wrong = 1 - host_share
    searched = [wrong / (wrong + factor * host_share) for factor in (1.0, ODDS_OFF, 1 / ODDS_OFF)]
    untold = np.isnan(host_share)
    return np.stack(
        [np.where(untold, least, one) for one, least in zip(searched, HOST_IS_WRONG, strict=True)]
    )
