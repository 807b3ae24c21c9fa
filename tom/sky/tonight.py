"""How much of a map a site can observe tonight, and which of many places, and when.

The same conditions hold as in `observable_tonight`, but only cosines are compared: a thousand
places through a night cost a millisecond.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tom.sky.arrays import BoolArray, FloatArray
from tom.sky.bodies import moon_vectors, sun_vectors
from tom.sky.present import lowest_altitude
from tom.sky.visibility import (
    Constraints,
    Site,
    datetime_of,
    hour_angles,
    mjd_of,
    noon_before,
    zenith_vectors,
)

STEP_MINUTES = 10.0


@dataclass(frozen=True, eq=False)
class DarkHours:
    """The dark times of a night that are still to come, and which places can be observed then.

    Attributes
    ----------
    mjd
        UTC, shape `(t,)`; empty: no dark time is left.
    observable
        Shape `(m, t)`.
    """

    mjd: FloatArray
    observable: BoolArray

    @property
    def hours(self) -> FloatArray:
        """Hours that each place can be observed, shape `(m,)`."""
        return np.asarray(self.observable.sum(axis=1) * STEP_MINUTES / 60, dtype=np.float64)


@dataclass(frozen=True)
class ShareTonight:
    """The probability that a site can observe tonight, 0 to 1, and when; None: never.

    `probability` is that of all cells that can be observed at some time, `first` to `last` the time
    during which any can, and `most` the largest part that can be observed at one time, `best`.
    """

    probability: float
    first: datetime | None
    last: datetime | None
    most: float
    best: datetime | None


def dark_hours(
    site: Site, vectors: FloatArray, *, when: datetime, constraints: Constraints
) -> DarkHours:
    """Follow places through what is left of the night that is under way, or through the next one.

    Parameters
    ----------
    vectors
        Unit vectors to the places, shape `(m, 3)`.
    when
        The moment from which time counts; aware.
    """
    now = mjd_of(when)
    sky = _dark_sky(site, noon_before(site, now), constraints.sun_altitude_max_deg)
    left = sky.mjd >= now
    times, zenith, moon = sky.mjd[left], sky.zenith[left], sky.moon[left]
    lowest = max(constraints.altitude_min_deg, lowest_altitude(constraints.airmass_max))
    observable = vectors @ zenith.T >= np.sin(np.radians(lowest))
    if constraints.hour_angle_max_hours < 12:
        observable &= np.abs(hour_angles(vectors, zenith)) <= constraints.hour_angle_max_hours
    is_far = vectors @ moon.T <= np.cos(np.radians(constraints.moon_separation_min_deg))
    observable &= is_far | (np.sum(zenith * moon, axis=1) < 0)
    return DarkHours(times, observable)


class _DarkSky(NamedTuple):
    """The dark times of a night, MJD UTC, shape `(t,)`; unit vectors to zenith and Moon."""

    mjd: FloatArray
    zenith: FloatArray
    moon: FloatArray


# A night of a site is asked for again and again, and costs 4 ms.
@lru_cache(maxsize=256)
def _dark_sky(site: Site, noon: float, sun_altitude_max_deg: float) -> _DarkSky:
    times = noon + np.arange(0, 1440, STEP_MINUTES) / 1440
    zenith = zenith_vectors(site, times)
    sun_height = np.sum(zenith * sun_vectors(times), axis=1)
    dark = sun_height <= np.sin(np.radians(sun_altitude_max_deg))
    return _DarkSky(times[dark], zenith[dark], moon_vectors(times[dark], zenith[dark]))


def share_tonight(
    site: Site,
    vectors: FloatArray,
    probability: FloatArray,
    *,
    when: datetime,
    constraints: Constraints,
) -> ShareTonight:
    """Sum the probability of places, shape `(m,)`, that a site can observe tonight."""
    dark = dark_hours(site, vectors, when=when, constraints=constraints)
    at_once = probability @ dark.observable
    used = np.flatnonzero(at_once > 0)
    if not len(used):
        return ShareTonight(0.0, None, None, 0.0, None)
    first, last, best = used[0], used[-1], int(np.argmax(at_once))
    return ShareTonight(
        probability=min(1.0, float(np.sum(probability[dark.observable.any(axis=1)]))),
        first=datetime_of(float(dark.mjd[first])),
        last=datetime_of(float(dark.mjd[last])),
        most=min(1.0, float(at_once[best])),  # a sum of shares may exceed one by rounding
        best=datetime_of(float(dark.mjd[best])),
    )
