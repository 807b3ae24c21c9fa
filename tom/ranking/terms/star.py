"""The nearest catalogued source: a star at the same place is the more likely cause."""

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Share, Side, Weighed, over, unknown, weighed

NAME = "star"
INPUTS = frozenset({"alert.star"})
RADIUS_ARCSEC = 1.0
# Chance of an unrelated star within 1 arcsec of a counterpart: 1e3 to 3e4 stars per square degree
# to the catalogue's depth, times pi arcsec2.
STAR_BY_CHANCE = Share(0.002, 0.0005, 0.01)
# Share of unrelated sources that are variable stars.
SOURCE_IS_STAR = Share(0.4, 0.25, 0.6)


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, shape (n,): infinity if an alert names no source."""
    none_near = columns.was_looked_up & np.isnan(columns.star_separation_arcsec)
    return {
        "separation_arcsec": np.where(none_near, np.inf, columns.star_separation_arcsec),
        "star_score": columns.star_score,
    }


def weigh(*, separation_arcsec: FloatArray, star_score: FloatArray) -> Weighed:
    """Return the log likelihood ratios of the nearest catalogued source.

    Parameters
    ----------
    separation_arcsec
        Arcsec to the nearest source, shape (n,); infinity: the catalogue has none near; NaN: not
        looked up, a missing term.
    star_score
        Chance that the source is a star (PS1's sgscore), 0 to 1, shape (n,); NaN: not known, and
        0.5 is used.
    """
    n, is_star = len(separation_arcsec), np.nan_to_num(star_score, nan=0.5)
    by_chance, source = STAR_BY_CHANCE.value, SOURCE_IS_STAR.value
    not_asked = unknown(
        np.isnan(separation_arcsec),
        "no star catalogue was asked",
        worst=float(np.log(by_chance / source)),
        best=float(np.log((1 - by_chance) / (1 - source))),
    )
    no_star = Side(
        separation_arcsec > RADIUS_ARCSEC,
        over(STAR_BY_CHANCE, SOURCE_IS_STAR, lambda c, s: (1 - c) / (1 - s), n),
        lambda row: "no star within 1 arcsec",
    )
    near = Side(
        separation_arcsec <= RADIUS_ARCSEC,
        over(
            STAR_BY_CHANCE,
            SOURCE_IS_STAR,
            lambda c, s: is_star * c / s + (1 - is_star) * (1 - c) / (1 - s),
            n,
        ),
        lambda row: (
            f"a source {separation_arcsec[row]:.2f} arcsec away"
            f" is a star with chance {is_star[row]:.2f}"
        ),
    )
    return weighed(NAME, INPUTS, separation_arcsec, [not_asked, no_star, near])
