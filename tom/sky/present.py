"""Where on the sky a site can observe at one moment, in limits that a database can compare."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tom.sky.visibility import (
    Constraints,
    Site,
    airmass,
    altitudes,
    mjd_of,
    moon_radec,
    sun_altitude,
    zenith_radec,
)

# Halvings of 90 degrees: to a hundred-thousandth of an arcsecond.
HALVINGS = 45


@dataclass(frozen=True)
class PresentSky:
    """The limits of the sky that a site can observe at a moment; a target must meet all of them.

    Attributes
    ----------
    zenith_ra, zenith_dec
        Position of the zenith, ICRS degrees.
    altitude_min_deg
        Least altitude of a target: it is at most 90 degrees minus this from the zenith.
    hour_angle_max_deg
        Largest difference in right ascension from the zenith, degrees; 180: no limit.
    moon
        Position of the Moon, ICRS degrees; None: it is below the horizon, and does not matter.
    moon_separation_min_deg
        Least distance of a target from the Moon, degrees.
    """

    zenith_ra: float
    zenith_dec: float
    altitude_min_deg: float
    hour_angle_max_deg: float
    moon: tuple[float, float] | None
    moon_separation_min_deg: float


def present_sky(site: Site, *, when: datetime, constraints: Constraints) -> PresentSky | None:
    """Find the limits of a site at an aware time; None if the Sun is too high to observe."""
    now = mjd_of(when)
    if sun_altitude(site, now)[0] > constraints.sun_altitude_max_deg:
        return None
    zenith_ra, zenith_dec = (float(angle[0]) for angle in zenith_radec(site, now))
    moon_ra, moon_dec = (float(angle[0]) for angle in moon_radec(site, now))
    is_moon_up = altitudes([site], ra=moon_ra, dec=moon_dec, mjd=now)[0, 0, 0] >= 0
    return PresentSky(
        zenith_ra=zenith_ra,
        zenith_dec=zenith_dec,
        altitude_min_deg=max(
            constraints.altitude_min_deg, lowest_altitude(constraints.airmass_max)
        ),
        hour_angle_max_deg=min(15 * constraints.hour_angle_max_hours, 180.0),
        moon=(moon_ra, moon_dec) if is_moon_up else None,
        moon_separation_min_deg=constraints.moon_separation_min_deg,
    )


def lowest_altitude(airmass_max: float) -> float:
    """Find the altitude in degrees below which the airmass is larger; 90: it always is."""
    low, high = 0.0, 90.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if airmass(middle) <= airmass_max else (middle, high)
    return high if np.isfinite(airmass_max) else 0.0
