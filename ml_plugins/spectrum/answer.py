"""What the matches of one spectrum say together: a type with a redshift, or `unknown` and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_plugins.spectrum.correlate import Match
from ml_plugins.spectrum.templates import CLASSES

UNKNOWN: Final = "unknown"
LEAST_WORTH: Final = 7.0
"""A best match that is worth less may be chance: the answer is `unknown`."""
MARGIN: Final = 1.1
"""The best type's worth must be so many times that of any other; else the answer is `unknown`."""
ALIKE: Final = 0.7
"""Templates of the type whose match is worth such a share of the best one's tell the redshift."""
NEAR: Final = 0.03
"""Those alone whose redshift is so near to the best one's."""


@dataclass(frozen=True)
class Answer:
    """What the templates say of one spectrum.

    `ranks` are what the best match of each class is worth, and last what a type must pass to be
    the answer: the rank of `unknown`. `matches` are those of all types, the best first. `why` says
    why the answer is `unknown`; empty: it is not. The redshift has its standard deviation; both are
    NaN where the answer is `unknown`.
    """

    ranks: tuple[float, ...]
    matches: tuple[Match, ...] = ()
    why: str = ""
    redshift: float = np.nan
    error: float = np.nan

    @property
    def label(self) -> str:
        """The type, or `unknown`."""
        return UNKNOWN if self.why else CLASSES[int(np.argmax(self.ranks[:-1]))]


def unknown(why: str) -> Answer:
    """Return the answer of a spectrum that cannot be correlated."""
    return Answer((*[0.0] * len(CLASSES), LEAST_WORTH), why=why)


def decide(
    matches: Sequence[Match],
    labels: Sequence[str],
    *,
    least: float = LEAST_WORTH,
    margin: float = MARGIN,
) -> Answer:
    """Return the answer of matches, the best first; `labels` are the classes of all templates."""
    best = [0.0] * len(CLASSES)
    for each in matches:
        column = CLASSES.index(labels[each.row])
        best[column] = max(best[column], each.worth)
    order = np.argsort(-np.asarray(best), kind="stable")
    first, second = (best[k] for k in order[:2])
    ranks = (*best, max(least, margin * second))
    if first < least:
        return Answer(ranks, tuple(matches), f"no template fits: {_below(first, least)}")
    if first <= margin * second:
        names = " and ".join(f"{CLASSES[k]} ({best[k]:.1f})" for k in order[:2])
        return Answer(ranks, tuple(matches), f"two types fit alike: {names}")
    own = [each for each in matches if labels[each.row] == CLASSES[order[0]]]
    return Answer(ranks, tuple(matches), "", *_redshift(own))


def _below(first: float, least: float) -> str:
    return f"the best is worth {first:.1f}, and {least:g} is the least that is more than chance"


def _redshift(matches: Sequence[Match]) -> tuple[float, float]:
    """Return the mean redshift of the matches as good as the best, and its standard deviation.

    The error is that of the best match's peak, and the scatter of the templates: shells of one
    type move at different speeds.
    """
    best = matches[0]
    good = [
        each
        for each in matches
        if each.worth >= ALIKE * best.worth and abs(each.redshift - best.redshift) < NEAR
    ]
    values = np.array([each.redshift for each in good])
    weights = np.array([each.worth for each in good])
    mean = float(np.average(values, weights=weights))
    scatter = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    return mean, float(np.hypot(scatter, best.error))
