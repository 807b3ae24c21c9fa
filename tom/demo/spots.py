"""The places and times from which a builder draws its source."""

from dataclasses import dataclass
from enum import StrEnum, auto

import numpy as np

from tom.demo.light import Light, behind_dust
from tom.demo.survey import Exposures
from tom.sky.arrays import FloatArray

ALERT_DAYS_BEFORE = 20.0


class Group(StrEnum):
    """The part of the night's population to which a source belongs."""

    NEW = auto()  # inside the 90% region, first seen after the merger
    KNOWN = auto()  # inside it, seen before
    ELSEWHERE = auto()  # anywhere in the survey


@dataclass(frozen=True, eq=False)
class Spot:
    """A place on the sky (ICRS degrees) with its dust and the exposures that cover it."""

    ra: float
    dec: float
    ebv: float
    group: Group
    merger_jd: float
    exposures: Exposures

    @property
    def is_new(self) -> bool:
        """Whether the source must not have been seen before the merger."""
        return self.group is Group.NEW

    @property
    def alert_span(self) -> tuple[float, float]:
        """First and last Julian date at which the source's alerts may come."""
        first = self.merger_jd + (0.0 if self.is_new else -ALERT_DAYS_BEFORE)
        return first, float(self.exposures.jd[-1])

    def dim(self, light: Light) -> Light:
        """Dim a light by the dust of the Milky Way."""
        return behind_dust(light, self.ebv)

    def draw_moments(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw the middles of n exposures in which the source may give an alert."""
        first, last = self.alert_span
        middles = self.exposures.jd + self.exposures.seconds / 2 / 86400
        allowed = np.flatnonzero((self.exposures.jd >= first) & (self.exposures.jd <= last))
        chosen = rng.choice(allowed, size=min(n, len(allowed)), replace=False)
        return np.asarray(middles[np.sort(chosen)])


def draw_magnitude(
    bright: float, faint: float, rng: np.random.Generator, *, slope: float = 0.6
) -> float:
    """Draw a magnitude from counts that grow as 10^(slope m); 0.6 for a uniform space."""
    low, high = 10 ** (slope * bright), 10 ** (slope * faint)
    return float(np.log10(rng.uniform(low, high)) / slope)
