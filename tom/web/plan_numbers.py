"""The numbers that a plan's form asks for: their labels, and within which limits each lies."""

from dataclasses import dataclass
from typing import Final

WIDEST_DEG: Final = 60.0
NARROWEST_DEG: Final = 0.02


@dataclass(frozen=True)
class Number:
    """A number of the form: its label, and the least and the largest that it may be."""

    name: str
    label: str
    least: float
    largest: float
    default: str = ""
    required: bool = True


SITE: Final = (
    Number("latitude", "Latitude, degrees", -90, 90),
    Number("longitude", "Longitude, degrees (east positive)", -180, 360),
    Number("elevation_m", "Elevation, m", -500, 9000, "0"),
)
FIELD: Final = (
    Number("radius_deg", "Radius, degrees (circle)", NARROWEST_DEG, 30, required=False),
    Number("width_deg", "Width, degrees (rectangle)", NARROWEST_DEG, WIDEST_DEG, required=False),
    Number("height_deg", "Height, degrees (rectangle)", NARROWEST_DEG, WIDEST_DEG, required=False),
    Number("position_angle_deg", "Position angle, degrees (north to east)", -360, 360, "0"),
)
LIMITS: Final = (
    Number("airmass_max", "Largest airmass", 1.01, 10, "2"),
    Number("altitude_min_deg", "Least altitude, degrees", 0, 89, "0"),
    Number("moon_separation_min_deg", "Least angle to the Moon, degrees", 0, 180, "20"),
    Number("sun_altitude_max_deg", "Highest Sun, degrees", -30, 0, "-12"),
)
MOVES: Final = (
    Number("exposure_s", "Exposure, s", 1, 7200),
    Number("overhead_s", "Read-out and other overhead, s", 0, 3600, "0"),
    Number("slew_deg_s", "Speed of moves, degrees/s", 0.01, 100, "1"),
    Number("settle_s", "Settling after a move, s", 0, 600, "0"),
    Number("filter_change_s", "Change of filter, s", 0, 3600, "0"),
)
ASKED: Final = (
    Number("most", "Most pointings (empty: all that fit)", 1, 1000, required=False),
    Number("overlap", "Overlap of fields, 0 to 0.9", 0, 0.9, "0"),
    Number("source_magnitude", "Absolute magnitude of the source", -30, 0, required=False),
)
VISITS: Final = (
    Number("visits", "Visits of each field", 1, 5, "1"),
    Number("visits_apart", "Least time between two visits, minutes", 0, 720, "30"),
)
DEPTH: Final = Number("depth", "Depth, AB mag", 5, 32, required=False)
DEEP_ENOUGH: Final = Number(
    "deep_enough", "At least so deep, AB mag (empty: any depth)", 5, 32, required=False
)
NUMBERS: Final = (*SITE, *FIELD, *LIMITS, *MOVES, *ASKED, *VISITS, DEPTH, DEEP_ENOUGH)
