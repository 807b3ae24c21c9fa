"""BTSbot's policies: an object is saved once so many of its alerts have scored high enough.

Rehemtulla et al. 2024, https://arxiv.org/abs/2401.15167
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tom.scoring.contract import FloatArray


@dataclass(frozen=True)
class Policy:
    """At least `alerts` alerts of an object with a score of `score` or more."""

    alerts: int
    score: float = 0.5

    def first(self, scores: FloatArray) -> int | None:
        """Return the alert at which an object is saved, of its scores in order of time, shape (k,).

        NaN: the alert was not judged. None: it is never saved.
        """
        high = np.flatnonzero(scores >= self.score)  # NaN is not
        return int(high[self.alerts - 1]) if len(high) >= self.alerts else None


POLICIES: Final = {"gt1": Policy(1), "gt3": Policy(3)}
