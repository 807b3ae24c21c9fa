"""What speaks against two events being one, for the person who is about to join them."""

from dataclasses import dataclass
from typing import Final

from tom.events.models import NonLocalizedEvent
from tom.joining.agreeing import TOGETHER, share_in_common

LEVEL: Final = 0.99
LEAST_IN_COMMON: Final = 0.01
"""Of a true pair one in a hundred lies outside this region of the larger map."""


@dataclass(frozen=True)
class Doubts:
    """What speaks against a join.

    Attributes
    ----------
    seconds_apart
        From the earlier event to the later one; None: their times agree, or one has none.
    in_common
        How much of the smaller map lies in the larger one's 99% credible region, 0 to 1. None:
        enough, or one has no map.
    """

    seconds_apart: float | None
    in_common: float | None


def find_doubts(one: NonLocalizedEvent, two: NonLocalizedEvent) -> Doubts | None:
    """Compare the times and the maps of two events; None if nothing speaks against their join."""
    seconds = in_common = None
    if one.time is not None and two.time is not None:
        apart = abs(one.time - two.time)
        seconds = apart.total_seconds() if apart > TOGETHER else None
    if one.used_id is not None and two.used_id is not None:
        share = share_in_common(one, two, level=LEVEL)
        in_common = share if share < LEAST_IN_COMMON else None
    if seconds is None and in_common is None:
        return None
    return Doubts(seconds, in_common)
