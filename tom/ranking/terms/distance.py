"""The galaxies at the candidate's place: how well they fit the map's distance, and how dense.

A counterpart lies where the light of galaxies is at the map's distance. Of unrelated sources those
of some kinds lie where the light of all galaxies is, the others anywhere.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np

from tom.ranking import weighing
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
# The share of unrelated sources that lie as galaxies' light does, by their kind
# (`tom.ranking.curves`); of those whose kind is not known all of them. Stated assumptions: flares
# and most outbursts are of our own Galaxy, variables are stars as often as nuclei, some artefacts
# are remnants of bright nuclei.
OF_KIND: Final[Mapping[str, float]] = {
    "asteroid": 0.0,
    "artefact": 0.1,
    "flare": 0.0,
    "outburst": 0.3,
    "variable": 0.4,
    "slow": 0.98,
}
ALL_IN_GALAXIES: Final = Share(1.0, 1.0, 1.0)
# The most that an unknown distance could count in favour: natural log.
BEST_UNSEEN = float(np.log(10))


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, shape (n,)."""
    return {
        "overlap": columns.distance_overlap,
        "host_share": columns.host_share,
        "elsewhere": columns.elsewhere_overlap,
        "light": columns.galaxy_light,
        "in_3d": columns.map_in_3d,
    }


def weigh(
    *,
    overlap: FloatArray,
    host_share: FloatArray,
    elsewhere: FloatArray,
    light: FloatArray,
    in_3d: FloatArray,
    source: Share = ALL_IN_GALAXIES,
) -> Weighed:
    """Return the log likelihood ratios of the galaxies at each place.

    Parameters
    ----------
    overlap
        The integral of p_GW(d | direction) p_host(d) / p_background(d), shape (n,), no unit; 1
        for a host no more likely than a background galaxy. NaN: no distance, a missing term.
    host_share
        The chance that the host is the right one, 0 to 1, shape (n,); NaN: `HOST_IS_WRONG` counts.
    elsewhere
        The overlap if it is not: that of galaxies which no catalogue lists, shape (n,); NaN: 1.
    light
        The light of galaxies at the place over its mean, as far as the survey sees, shape (n,);
        NaN: not known. Then all unrelated sources count as those in galaxies.
    in_3d
        1 where the map has a distance, 0 where it has none, shape (n,).
    source
        The share of unrelated sources that lie as this light does, 0 to 1; the rest lie anywhere.
    """
    other = np.where(np.isnan(elsewhere), 1.0, elsewhere)
    denser = np.where(np.isnan(light), 1.0, light)
    against = denser / (source.value * denser + 1 - source.value)
    logs = np.stack(
        [np.log(((1 - wrong) * overlap + wrong * other) * against) for wrong in _wrong(host_share)]
    )
    unseen = partial(unknown, worst=float(np.log(HOST_IS_WRONG.value)), best=BEST_UNSEEN)
    not_known = np.isnan(overlap)
    known = Side(
        ~not_known,
        logs,
        lambda row: (
            _fit(float(overlap[row]))
            if np.isnan(light[row]) or host_share[row] > 0
            else f"no listed galaxy is near: {other[row]:.3g} times as usual as in the background"
        ),
    )
    no_map = unseen(not_known & (in_3d == 0), weighing.NO_DISTANCE_IN_MAP)
    no_host = unseen(not_known, "no distance of the host")
    return weighed(NAME, INPUTS, overlap, [no_map, no_host, known])


def _wrong(host_share: FloatArray) -> FloatArray:
    """Return the chance that the host is wrong, and the ends of its range, shape (3, n)."""
    wrong = 1 - host_share
    searched = [wrong / (wrong + factor * host_share) for factor in (1.0, ODDS_OFF, 1 / ODDS_OFF)]
    untold = np.isnan(host_share)
    return np.stack(
        [np.where(untold, least, one) for one, least in zip(searched, HOST_IS_WRONG, strict=True)]
    )


def _fit(overlap: float) -> str:
    """Say how well the host's distance fits the map's: a ratio of 1e-165 is no number to read."""
    if overlap < 0.001:  # in words alone: no constant of the weights
        return "the host's distance does not fit the map's"
    return f"the host's distance fits {overlap:.3g} times as well as a background galaxy's"
