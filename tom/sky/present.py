"""Where on the sky a site can observe at one moment, told so simply that a database can ask it."""

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
    """What a site can observe at a moment: all of ICRS where these hold.

    Attributes
    ----------
    zenith_ra, zenith_dec
        Where the zenith stands, degrees.
    altitude_min_deg
        A target stands at least so high: not farther than the rest to 90 from the zenith.
    hour_angle_max_deg
        And not farther than this in right ascension from the zenith; 180: anywhere.
    moon
        Where the Moon stands, degrees; None where it is below the horizon and disturbs nobody.
    moon_separation_min_deg
        A target stands at least so far from the Moon.
    """

    zenith_ra: float
    zenith_dec: float
    altitude_min_deg: float
    hour_angle_max_deg: float
    moon: tuple[float, float] | None
    moon_separation_min_deg: float


def present_sky(site: Site, *, when: datetime, constraints: Constraints) -> PresentSky | None:
    """Find what a site can observe at a moment; None where the Sun is too high for anything."""
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
    """Find the altitude in degrees below which the airmass is larger; 90 where it always is."""
    low, high = 0.0, 90.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if airmass(middle) <= airmass_max else (middle, high)
    return high if np.isfinite(airmass_max) else 0.0
