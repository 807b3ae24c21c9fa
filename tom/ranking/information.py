"""What an observation of one candidate would tell of the whole list: its value of information.

A list is one distribution over {each candidate, none of these}. An observation that settles whether
candidate i is the counterpart answers yes with chance P_i: then nothing is left to ask. It answers
no with chance 1 - P_i: then the others keep their shares. By the chain rule of entropy

    H = h(P_i) + (1 - P_i) H(others | not i),    h(p) = -p ln p - (1 - p) ln (1 - p),

so the entropy falls by h(P_i) on average, whatever the others are: the information of an experiment
in the sense of Lindley (1956, https://doi.org/10.1214/aoms/1177728069). It is 0 at chances 0 and 1,
and largest at 1/2. In a list without an event each target is a question of its own, and h(P_i) is
the same fall.

The chance itself is not sure: terms are missing. Its log odds are taken as normal with the mean and
the central 90% that the ranking gives. The chance that such odds mean on average is

    P_i = 1 / (1 + exp(-m / sqrt(1 + pi s^2 / 8)))

for the mean m and the standard deviation s of the log odds, to a few hundredths (MacKay 1992,
https://doi.org/10.1162/neco.1992.4.5.720, equation 10). So a candidate of which little is known
stands above one that is as unlikely and well known. An interval that is not symmetric counts by its
width. The weights of the others stay as they are.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from tom.ranking.terms import (
    brightness,
    distance,
    earlier_activity,
    later_light,
    minor_planet,
    sky_map,
    star,
)
from tom.ranking.weighing import NO_DISTANCE_IN_MAP, logistic
from tom.sky.arrays import FloatArray

CENTRAL_90: Final = 2 * 1.6448536269514722
"""The width of the central 90% of a normal distribution, in standard deviations."""
# What supplies a term that is missing; a scorer says itself what it lacks.
SUPPLIED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        sky_map.NAME: "a sky map of the event",
        distance.NAME: "a redshift",
        brightness.NAME: "a magnitude since the event",
        later_light.NAME: "one more look",
        star.NAME: "a look into catalogues of stars",
        earlier_activity.NAME: "older images of its place",
        minor_planet.NAME: "a look for minor planets",
    }
)


@dataclass(frozen=True)
class Open:
    """A missing term: what supplies it, and between which chances (0 to 1) it could put the row."""

    name: str
    supplied_by: str
    low: float
    high: float


def moderated(log_odds: float, low: float, high: float) -> float:
    """Return log odds drawn towards 0 by their uncertainty; `low` and `high` end their 90%."""
    sigma = (high - low) / CENTRAL_90
    return log_odds / math.sqrt(1 + math.pi * sigma**2 / 8)


def information_of(log_odds: float) -> float:
    """Return how many bits the entropy falls by, on average, if these log odds are settled.

    0 to 1 bit; symmetric about log odds 0, where it is 1.
    """
    chance = logistic(-abs(log_odds))
    if chance == 0:
        return 0.0
    return -(chance * math.log2(chance) + (1 - chance) * math.log1p(-chance) / math.log(2))


def log_information(log_odds: ArrayLike) -> FloatArray:
    """Return the natural log of the same information in nats; NaN gives NaN.

    It is finite where the information itself rounds to 0.
    """
    size = np.abs(np.asarray(log_odds, dtype=float))
    rare = np.exp(-size)
    # Both sides of the entropy over e^-size; ln(1 + y) / y tends to 1.
    no = np.divide(np.log1p(rare), rare, out=np.ones_like(rare), where=rare != 0)
    grown: FloatArray = np.log(size / (1 + rare) + no) - size
    return grown


def most_open(terms: Iterable[Mapping[str, Any]], log_odds: float) -> Open | None:
    """Return the missing term that could move the chance most; None: no term is missing.

    `terms` are those of a place (`RankedCandidate.read_terms`), `log_odds` those of the row against
    all others.
    """
    found = [_open(term, log_odds) for term in terms if term["missing"]]
    return max(found, key=lambda each: each.high - each.low, default=None)


def _open(term: Mapping[str, Any], log_odds: float) -> Open:
    # A missing term counts 0: its ends are what it could count.
    low, high = (logistic(log_odds + term[end]) for end in ("log_lr_low", "log_lr_high"))
    name = str(term["name"])
    if term["reason"] == NO_DISTANCE_IN_MAP:
        return Open(name, "a map with distances", low, high)
    of_scorer = f"what {name.replace('_', ' ')} lacks ({term['reason']})"
    return Open(name, SUPPLIED_BY.get(name, of_scorer), low, high)
