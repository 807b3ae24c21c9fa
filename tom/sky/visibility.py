"""When a site can see a target: altitude, airmass, Sun and Moon, through one night.

Many targets at many times are one matrix product: the zenith of a site at each time, turned into
the celestial frame, times the targets' unit vectors. Left out: refraction (0.1 degrees at airmass
2), annual aberration (21 arcsec), UT1 - UTC (13 arcsec at most), so nothing is ever downloaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import erfa
import numpy as np
import numpy.typing as npt

from tom.sky.arrays import BoolArray, FloatArray
from tom.sky.bodies import MJD_ZERO, TT_MINUS_UTC_DAYS, moon_vectors, radec_of_rows, sun_vectors
from tom.sky.healpix import unit_vectors

MJD_UNIX_EPOCH = 40587.0
TWILIGHT_DEG = -12.0
"""The Sun's altitude below which it is dark: nautical twilight, on pages and for requests."""


NIGHTS_KEPT = 200
"""Of the sky over a site a night takes 20 KB."""


@dataclass(frozen=True)
class Site:
    """The site of an observatory: geodetic degrees, east positive, and metres."""

    name: str
    latitude: float
    longitude: float
    elevation_m: float = 0.0


@dataclass(frozen=True)
class Constraints:
    """The conditions for observing a target."""

    airmass_max: float = 2.0
    sun_altitude_max_deg: float = TWILIGHT_DEG
    moon_separation_min_deg: float = 20.0
    altitude_min_deg: float = 0.0
    hour_angle_max_hours: float = 12.0


@dataclass(frozen=True, eq=False)
class Night:
    """A night, or another span, of m targets at a site, at t times.

    Attributes
    ----------
    mjd
        UTC, shape `(t,)`.
    altitude_deg, airmass, moon_separation_deg
        Shape `(m, t)`; the airmass is NaN below the horizon.
    sun_altitude_deg, moon_altitude_deg, moon_illumination
        Shape `(t,)`; the illuminated fraction is 0 to 1.
    observable
        Shape `(m, t)`: whether all constraints hold, within the given moments.
    tests
        The name of each constraint and whether it holds, shape `(m, t)`, in the order of display:
        "window", "dark", "high", "hour angle", "moon".
    """

    site: Site
    mjd: FloatArray
    altitude_deg: FloatArray
    airmass: FloatArray
    moon_separation_deg: FloatArray
    sun_altitude_deg: FloatArray
    moon_altitude_deg: FloatArray
    moon_illumination: FloatArray
    observable: BoolArray
    tests: tuple[tuple[str, BoolArray], ...]

    def limit(self, row: int = 0) -> str:
        """Return the constraint that makes a target unobservable all night; "" if none does."""
        left = np.ones(len(self.mjd), dtype=bool)
        for name, holds in self.tests:
            left = left & holds[row]
            if not left.any():
                return name
        return ""

    @property
    def hours(self) -> FloatArray:
        """Hours that each target is still observable, shape `(m,)`."""
        step_hours = float(self.mjd[1] - self.mjd[0]) * 24
        return np.asarray(self.observable.sum(axis=1) * step_hours, dtype=np.float64)

    @property
    def best_mjd(self) -> FloatArray:
        """MJD UTC at which each target is highest while observable, `(m,)`; NaN if never."""
        altitude = np.where(self.observable, self.altitude_deg, -np.inf)
        best = self.mjd[np.argmax(altitude, axis=1)]
        return np.where(self.observable.any(axis=1), best, np.nan)


def mjd_of(moment: datetime) -> float:
    """Turn an aware datetime into MJD UTC.

    Raises
    ------
    ValueError
        If the datetime has no time zone.
    """
    if moment.tzinfo is None:
        message = "a moment needs a time zone"
        raise ValueError(message)
    return moment.timestamp() / 86400 + MJD_UNIX_EPOCH


def datetime_of(mjd: float) -> datetime:
    """Turn MJD UTC into an aware datetime."""
    return datetime.fromtimestamp((mjd - MJD_UNIX_EPOCH) * 86400, tz=UTC)


def altitudes(
    sites: Sequence[Site], *, ra: npt.ArrayLike, dec: npt.ArrayLike, mjd: npt.ArrayLike
) -> FloatArray:
    """Find the altitude of m targets at k sites and t times.

    Parameters
    ----------
    ra, dec
        ICRS degrees, shape `(m,)`.
    mjd
        MJD UTC, shape `(t,)`.

    Returns
    -------
    numpy.ndarray
        Degrees without refraction, shape `(k, m, t)`.
    """
    targets = np.atleast_2d(unit_vectors(ra, dec))
    times = np.atleast_1d(np.asarray(mjd, dtype=np.float64))
    return np.stack([_altitude(targets @ zenith_vectors(site, times).T) for site in sites])


def airmass(altitude_deg: npt.ArrayLike) -> FloatArray:
    """Find the airmass at an altitude in degrees, in the same shape; NaN below the horizon.

    Kasten & Young 1989, https://doi.org/10.1364/AO.28.004735.
    """
    altitude = np.asarray(altitude_deg, dtype=np.float64)
    above = np.where(altitude >= 0, altitude, np.nan)
    return np.asarray(
        1 / (np.sin(np.radians(above)) + 0.50572 * (above + 6.07995) ** -1.6364), dtype=np.float64
    )


def sun_altitude(site: Site, mjd: npt.ArrayLike) -> FloatArray:
    """Find the altitude of the Sun's centre in degrees, shape `(t,)`."""
    times = np.atleast_1d(np.asarray(mjd, dtype=np.float64))
    return _altitude(np.sum(zenith_vectors(site, times) * sun_vectors(times), axis=1))


def moon_radec(site: Site, mjd: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Find the Moon's position as seen from a site: ICRS degrees, each of shape `(t,)`."""
    times = np.atleast_1d(np.asarray(mjd, dtype=np.float64))
    return radec_of_rows(moon_vectors(times, zenith_vectors(site, times)))


def zenith_radec(site: Site, mjd: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Find the position of a site's zenith: ICRS degrees, each of shape `(t,)`."""
    return radec_of_rows(zenith_vectors(site, np.atleast_1d(np.asarray(mjd, dtype=np.float64))))


def observable_tonight(
    site: Site,
    *,
    ra: npt.ArrayLike,
    dec: npt.ArrayLike,
    when: datetime,
    until: datetime | None = None,
    constraints: Constraints | None = None,
    step_minutes: float = 10.0,
) -> Night:
    """Follow targets through the night that is under way, or else the next one.

    Parameters
    ----------
    ra, dec
        ICRS degrees, shape `(m,)` or scalar.
    when
        The moment from which time counts; aware.
    until
        The moment until which time counts; aware, None for the end of the night.
    constraints
        The conditions for observing; None for the defaults. A Moon below the horizon does not
        matter.
    step_minutes
        Time between two steps.
    """
    now = mjd_of(when)
    sky = _sky_of_night(site, noon_before(site, now), step_minutes)
    end = np.inf if until is None else mjd_of(until)
    counts = (sky.mjd >= now) & (sky.mjd <= end)
    targets = np.atleast_2d(unit_vectors(ra, dec))
    return _follow(site, targets, sky, counts, constraints or Constraints())


def observable_between(
    site: Site,
    *,
    ra: npt.ArrayLike,
    dec: npt.ArrayLike,
    start: datetime,
    end: datetime,
    constraints: Constraints | None = None,
    step_minutes: float = 10.0,
) -> Night:
    """Follow targets from one moment to another, which are the first and the last time.

    Parameters
    ----------
    ra, dec, constraints
        As in `observable_tonight`.
    start, end
        Aware; the end is the later one.
    step_minutes
        Time between two steps, at most.
    """
    begin, stop = mjd_of(start), mjd_of(end)
    steps = max(int(np.ceil((stop - begin) * 1440 / step_minutes - 1e-6)), 1)
    times = np.linspace(begin, stop, steps + 1)
    targets = np.atleast_2d(unit_vectors(ra, dec))
    sky = _sky_at(site, times)
    return _follow(site, targets, sky, np.isfinite(times), constraints or Constraints())


def observable_now(
    site: Site,
    *,
    ra: npt.ArrayLike,
    dec: npt.ArrayLike,
    when: datetime,
    constraints: Constraints | None = None,
) -> Night:
    """Return the state of targets at one moment: a `Night` with this one time.

    Parameters
    ----------
    ra, dec, when, constraints
        As in `observable_tonight`.
    """
    sky = _sky_at(site, np.array([mjd_of(when)]))
    targets = np.atleast_2d(unit_vectors(ra, dec))
    return _follow(site, targets, sky, np.array([True]), constraints or Constraints())


class _Sky(NamedTuple):
    """The zenith of a site, the Sun and the Moon, unit vectors of shape `(t, 3)`, at t times."""

    mjd: FloatArray
    zenith: FloatArray
    sun: FloatArray
    moon: FloatArray


def _sky_at(site: Site, mjd: FloatArray) -> _Sky:
    zenith = zenith_vectors(site, mjd)
    return _Sky(mjd, zenith, sun_vectors(mjd), moon_vectors(mjd, zenith))


@lru_cache(maxsize=NIGHTS_KEPT)
def _sky_of_night(site: Site, noon: float, step_minutes: float) -> _Sky:
    """The sky from a noon to the next: it takes most of the time, and is that of all targets."""
    sky = _sky_at(site, noon + np.arange(0, 1440, step_minutes) / 1440)
    for kept in sky:
        kept.setflags(write=False)
    return sky


def _follow(
    site: Site, targets: FloatArray, sky: _Sky, counts: BoolArray, limits: Constraints
) -> Night:
    times, zenith, sun, moon = sky
    altitude = _altitude(targets @ zenith.T)
    sun_altitude_deg = _altitude(np.sum(zenith * sun, axis=1))
    moon_altitude_deg = _altitude(np.sum(zenith * moon, axis=1))
    moon_separation = np.degrees(np.arccos(np.clip(targets @ moon.T, -1, 1)))
    thickness = airmass(altitude)
    shape = altitude.shape
    is_high = (thickness <= limits.airmass_max) & (altitude >= limits.altitude_min_deg)
    tests = (
        ("window", np.broadcast_to(counts, shape)),
        ("dark", np.broadcast_to(sun_altitude_deg <= limits.sun_altitude_max_deg, shape)),
        ("high", is_high),
        ("hour angle", np.abs(hour_angles(targets, zenith)) <= limits.hour_angle_max_hours),
        (
            "moon",
            (moon_separation >= limits.moon_separation_min_deg) | (moon_altitude_deg < 0),
        ),
    )
    return Night(
        site=site,
        mjd=times,
        altitude_deg=altitude,
        airmass=thickness,
        moon_separation_deg=moon_separation,
        sun_altitude_deg=sun_altitude_deg,
        moon_altitude_deg=moon_altitude_deg,
        moon_illumination=(1 - np.sum(sun * moon, axis=1)) / 2,
        observable=np.logical_and.reduce([holds for _, holds in tests]),
        tests=tests,
    )


def hour_angles(targets: FloatArray, zenith: FloatArray) -> FloatArray:
    """Find how far m targets are past the meridian at t times, -12 to 12 hours, shape `(m, t)`."""
    meridian = np.arctan2(zenith[:, 1], zenith[:, 0])
    ascension = np.arctan2(targets[:, 1], targets[:, 0])
    hours = np.degrees(meridian[np.newaxis] - ascension[:, np.newaxis]) / 15
    return np.asarray((hours + 12) % 24 - 12, dtype=np.float64)


def noon_before(site: Site, now: float) -> float:
    """Find the mean noon that the night under way, or the next one, follows."""
    offset = site.longitude / 360
    noon = np.floor(now + offset - 0.5) + 0.5 - offset
    morning = now - noon > 0.5 and sun_altitude(site, now)[0] > 0
    return float(noon + 1 if morning else noon)


def zenith_vectors(site: Site, mjd: FloatArray) -> FloatArray:
    """Return unit vectors to a site's zenith in the celestial frame, shape `(t, 3)`."""
    sidereal = erfa.gst00b(MJD_ZERO, mjd)
    of_date = unit_vectors(np.degrees(sidereal) + site.longitude, site.latitude)
    rotation = erfa.pnm00b(MJD_ZERO, mjd + TT_MINUS_UTC_DAYS)  # celestial to true of date
    return np.asarray(np.einsum("tji,tj->ti", rotation, of_date), dtype=np.float64)


def _altitude(sine: FloatArray) -> FloatArray:
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1, 1))), dtype=np.float64)
