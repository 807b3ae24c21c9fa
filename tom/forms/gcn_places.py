"""The errors of positions in GCN's notices: radii, ellipses and corners."""

import math
from typing import Any, Final, NamedTuple

from tom.sky.cone import LONGEST_SHAPE

_LARGEST_RADIUS_DEG: Final = 180.0
_MOST_AXES: Final = 3
_CORNERS: Final = 4


def read_axes(value: object) -> tuple[float, ...]:
    """Read a radius, or the axes of an ellipse and its angle: one bad value spoils them all."""
    given = [each for each in (value if isinstance(value, list) else [value]) if each is not None]
    axes = tuple(map(_number, given))
    if not axes or len(axes) > _MOST_AXES or not 0 < axes[0] <= _LARGEST_RADIUS_DEG:
        reason = f"no radius of 0 to {_LARGEST_RADIUS_DEG:g} degrees"
        raise ValueError(reason)
    if isinstance(value, list) and None in value[: len(given)]:
        reason = "an axis is missing"
        raise ValueError(reason)
    return axes


def _number(value: Any) -> float:
    """Read a number or its text; NaN for anything else."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def read_corners(value: object) -> tuple[tuple[float, float], ...]:
    pairs = value if isinstance(value, list) else []
    corners = tuple(
        (_number(pair[0]) % 360, _number(pair[1]))
        for pair in pairs
        if isinstance(pair, list) and len(pair) == len("xy")
    )
    if len(corners) != _CORNERS or not all(
        math.isfinite(ra) and -90 <= dec <= 90 for ra, dec in corners
    ):
        reason = "no four corners"
        raise ValueError(reason)
    return corners


class Ellipse(NamedTuple):
    """Semi-axes and the position angle of the major one, degrees; what was doubtful about them.

    A circle has no minor axis.
    """

    major: float
    minor: float | None = None
    angle: float = 0.0
    doubt: str = ""

    @classmethod
    def of(cls, axes: tuple[float, ...]) -> "Ellipse":
        """Put the axes of a notice in order."""
        first, second, angle = (*axes, axes[0], 0.0)[:3] if len(axes) == 1 else (*axes, 0.0)[:3]
        if not 0 < second <= _LARGEST_RADIUS_DEG:
            return cls(first, doubt="its second axis is none: its first is taken as a radius")
        if first == second:
            return cls(first)
        if not math.isfinite(angle):
            return cls(max(first, second), doubt="its angle is none: a circle is taken about it")
        doubt = ""
        if second > first:
            first, second, angle = second, first, angle + 90
            doubt = "its semi-minor axis is the longer: swapped, and turned by 90 degrees"
        if first / second > LONGEST_SHAPE:
            second = first / LONGEST_SHAPE
            doubt = f"it is widened to a {LONGEST_SHAPE:g}th of its length"
        return cls(first, second, angle % 180, doubt)
