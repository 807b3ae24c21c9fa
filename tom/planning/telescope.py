"""A telescope as a plan needs it: field of view, limits, moves, exposure, depth, site."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tom.sky import Constraints, Shape, Site, circle, rectangle
from tom.sky.arrays import FloatArray

# By so much the plan keeps away from each limit: the quick positions of `tom.sky.visibility` differ
# by half an arcminute from astropy's, the Sun's and the Moon's by some more.
MARGIN_DEG = 0.05
MOON_MARGIN_DEG = 0.1
AIRMASS_MARGIN = 0.003  # a share of it: the formulas for an airmass differ by less


@dataclass(frozen=True, slots=True)
class Telescope:
    """A telescope with its camera, set up for one kind of exposure.

    Attributes
    ----------
    shape
        The field of view as plain data: `{"kind": "circle", "radius_deg"}`, `{"kind": "rectangle",
        "width_deg", "height_deg"}` or `{"kind": "polygons", "polygons"}` as in `tom.sky.Shape`.
    position_angle_deg
        By which the field is turned from north to east.
    exposure_s, overhead_s
        Of one pointing: from the first light to the last, and the time afterwards in which no light
        is taken, such as the reading. Seconds, above 0 and from 0.
    slew_deg_s, settle_s
        How fast it moves, degrees per second, and the time it needs after a move. It moves while
        the camera is read.
    filter_change_s
        The time from one exposure to the next one through another filter, if nothing else takes
        longer.
    depth
        The AB magnitude that an exposure reaches; NaN: not stated.
    instrument
        The name that the Treasure Map knows the instrument by; "": not stated.
    """

    name: str
    site: Site
    shape: Mapping[str, Any]
    exposure_s: float
    overhead_s: float = 0.0
    slew_deg_s: float = 1.0
    settle_s: float = 0.0
    filter_change_s: float = 0.0
    position_angle_deg: float = 0.0
    airmass_max: float = 2.0
    altitude_min_deg: float = 0.0
    moon_separation_min_deg: float = 20.0
    sun_altitude_max_deg: float = -12.0
    depth: float = float("nan")
    band: str = ""
    instrument: str = ""

    @property
    def field(self) -> Shape:
        """The field of view."""
        return shape_of(self.shape)

    @property
    def constraints(self) -> Constraints:
        """The limits of its observations, a little stricter than stated."""
        return Constraints(
            airmass_max=self.airmass_max * (1 - AIRMASS_MARGIN),
            sun_altitude_max_deg=self.sun_altitude_max_deg - MARGIN_DEG,
            moon_separation_min_deg=self.moon_separation_min_deg + MOON_MARGIN_DEG,
            altitude_min_deg=self.altitude_min_deg + MARGIN_DEG,
        )

    def gap_s(self, angle_deg: npt.ArrayLike, changes: npt.ArrayLike = False) -> FloatArray:
        """Find the seconds between two exposures whose fields lie an angle apart.

        `changes` says whether the filter is changed between them.
        """
        move = self.settle_s + np.asarray(angle_deg, dtype=np.float64) / self.slew_deg_s
        change = np.where(changes, self.filter_change_s, 0.0)
        return np.maximum(np.maximum(move, self.overhead_s), change)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        values = asdict(self)
        return values | {"depth": None if np.isnan(self.depth) else self.depth}


def telescope_of(values: Mapping[str, Any]) -> Telescope:
    """Make a telescope of what `as_dict` returned.

    Raises
    ------
    TypeError, ValueError
        If that is no telescope.
    """
    given = dict(values)
    given["site"] = Site(**given["site"])
    given["depth"] = float("nan") if given.get("depth") is None else float(given["depth"])
    return Telescope(**given)


def shape_of(values: Mapping[str, Any]) -> Shape:
    """Make a field of view of plain data.

    Raises
    ------
    ValueError
        If it is none.
    """
    match values:
        case {"kind": "circle", "radius_deg": radius}:
            return circle(radius)
        case {"kind": "rectangle", "width_deg": width, "height_deg": height}:
            return rectangle(width, height)
        case {"kind": "polygons", "polygons": polygons}:
            corners = tuple(tuple((float(x), float(y)) for x, y in each) for each in polygons)
            return Shape(polygons=corners)
    message = "a field of view is a circle, a rectangle or polygons"
    raise ValueError(message)


def reach_deg(shape: Shape) -> float:
    """Find how far a field of view reaches from where it points, degrees."""
    if shape.radius_deg:
        return shape.radius_deg
    corners = np.radians(np.concatenate([np.asarray(each) for each in shape.polygons]))
    along = np.cos(corners[:, 0]) * np.cos(corners[:, 1])
    return float(np.degrees(np.arccos(np.clip(along.min(), -1, 1))))
