"""How a scorer's trees are fitted; without scikit-learn, so that a scorer can name it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from tom.scoring.contract import FloatArray


class Look(Protocol):
    """What is read of one object: its points' times (MJD), and the same as it was earlier."""

    @property
    def time(self) -> FloatArray:
        """Days, shape (k,)."""

    def until(self, time: float) -> Self:
        """Return what was there at a time."""


Moments = Callable[[Any, np.random.Generator], Iterator[tuple[Any, bool]]]
"""Yields a look and looks at earlier moments, those that can be judged, and which is the last."""


@dataclass(frozen=True)
class Recipe:
    """How a scorer's trees are fitted.

    Attributes
    ----------
    classes : tuple of str
    parameters : mapping
        Of `HistGradientBoostingClassifier`.
    ages : sequence of float
        Days by which it is told how far the odds still moved.
    moments : callable
        At which moments each object is seen.
    seed : int
        Of the moments that are drawn.
    end_weight : float
        The weight of a light curve's end, of 1 for each object; its earlier moments share the rest.
    balance : float
        A class weighs as its number to this power less: rare classes would never be named.
    held_out : int
        One object of this many is left out of the fit on which the temper is found.
    """

    classes: tuple[str, ...]
    parameters: Mapping[str, Any]
    ages: Sequence[float]
    moments: Moments
    seed: int = 20261127
    end_weight: float = 0.5
    balance: float = 0.5
    held_out: int = 4
