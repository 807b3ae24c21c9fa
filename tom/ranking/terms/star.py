"""The nearest catalogued source: a star at the same place is the more likely cause.

A galaxy's centre at the same place is a likelier one of an active nucleus or a supernova.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, Side, Weighed, unknown, weighed

NAME = "star"
INPUTS = frozenset({"alert.star"})
RADIUS_ARCSEC = 1.0


class Near(NamedTuple):
    """The shares of sources with a star within 1 arcsec, and with a galaxy's centre; 0 to 1."""

    star: float
    nucleus: float

    @property
    def neither(self) -> float:
        """The share of those with neither."""
        return 1 - self.star - self.nucleus


class Nears(NamedTuple):
    """Assumed shares, and the lower and upper end of their ranges."""

    value: Near
    low: Near
    high: Near


# Of counterparts, a star by chance: 1e3 to 3e4 stars per square degree to the catalogue's depth,
# times pi arcsec2. And the centre of their own galaxy.
COUNTERPART: Final = Nears(Near(0.002, 0.05), Near(0.0005, 0.02), Near(0.01, 0.15))
# Of unrelated sources whose kind is not known: variable stars, and nuclei and what is near them.
SOURCE: Final = Nears(Near(0.4, 0.15), Near(0.25, 0.1), Near(0.6, 0.25))
# Of unrelated sources by their kind (`tom.ranking.curves`).
OF_KIND: Final[Mapping[str, Near]] = {
    "asteroid": Near(0.002, 0.01),
    "artefact": Near(0.3, 0.2),
    "flare": Near(0.9, 0.01),
    "outburst": Near(0.6, 0.03),
    "variable": Near(0.55, 0.35),
    "slow": Near(0.02, 0.2),
}


def read(columns: Columns) -> dict[str, FloatArray]:
    """Return the arguments of `weigh`, shape (n,): infinity if an alert names no source."""
    none_near = columns.was_looked_up & np.isnan(columns.star_separation_arcsec)
    return {
        "separation_arcsec": np.where(none_near, np.inf, columns.star_separation_arcsec),
        "star_score": columns.star_score,
    }


def sure(near: Near) -> Nears:
    """Return shares without a range."""
    return Nears(near, near, near)


def weigh(
    *, separation_arcsec: FloatArray, star_score: FloatArray, source: Nears = SOURCE
) -> Weighed:
    """Return the log likelihood ratios of the nearest catalogued source.

    Parameters
    ----------
    separation_arcsec
        Arcsec to the nearest source, shape (n,); infinity: the catalogue has none near; NaN: not
        looked up, a missing term.
    star_score
        Chance that the source is a star (PS1's sgscore), 0 to 1, shape (n,); NaN: not known, and
        0.5 is used.
    source
        The shares of unrelated sources.
    """
    n, is_star = len(separation_arcsec), np.nan_to_num(star_score, nan=0.5)
    not_asked = unknown(
        np.isnan(separation_arcsec),
        "no star catalogue was asked",
        worst=float(np.log(COUNTERPART.value.star / source.value.star)),
        best=float(np.log(COUNTERPART.value.neither / source.value.neither)),
    )
    no_star = Side(
        separation_arcsec > RADIUS_ARCSEC,
        _over(source, lambda near: near.neither, n),
        lambda row: "no star within 1 arcsec",
    )
    near = Side(
        separation_arcsec <= RADIUS_ARCSEC,
        _over(source, lambda near: near.star * is_star + near.nucleus * (1 - is_star), n),
        lambda row: (
            f"a source {separation_arcsec[row]:.2f} arcsec away"
            f" is a star with chance {is_star[row]:.2f}"
        ),
    )
    return weighed(NAME, INPUTS, separation_arcsec, [not_asked, no_star, near])


def _over(source: Nears, chance: Callable[[Near], npt.ArrayLike], n: int) -> FloatArray:
    """Return the natural log ratio at the shares, and at the ends of their ranges, (5, n)."""
    ends = [(counterpart, other) for counterpart in COUNTERPART[1:] for other in source[1:]]
    ratios = [
        np.asarray(chance(counterpart)) / np.asarray(chance(other))
        for counterpart, other in [(COUNTERPART.value, source.value), *ends]
    ]
    return np.asarray(np.log(np.stack([np.broadcast_to(ratio, n) for ratio in ratios])))
