"""The exposures of a hard night: weather, Moon, limits, gaps, maps too wide for a night."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from tom.demo.ephemeris import altitude, equatorial, sun_longitude
from tom.demo.fields import QUADRANTS, field_at, field_centre, pixel_at
from tom.demo.survey import (
    OVERHEAD_S,
    PUBLIC_EXPOSURE_S,
    REACTION_DAYS,
    Exposures,
    G,
    I,
    R,
    dark_times,
    plan_visits,
    queue,
    with_depth,
)
from tom.sky.arrays import BoolArray, FloatArray, IntArray

NIGHTS_BEFORE: Final = 31
NIGHTS_AFTER: Final = 6
# Assumed: of Palomar's nights, the share without any exposure, and with thin cloud.
LOST_NIGHTS, CLOUDY_NIGHTS = 0.27, 0.2
CLOUD_MAG: Final = 0.6  # mean loss of a cloudy night
NOON: Final = 0.4  # day of Palomar's noon, about
FOLLOW_UP_NIGHTS: Final = 3  # the first after the merger, lost or not
# Seconds of an exposure of the map's fields, for up to so many fields.
DEPTHS: Final = ((12, 180.0), (30, 90.0), (10_000, 30.0))
USED: Final = 0.8  # of the dark time
LOWEST_DEG: Final = 25.0
# Gaps and dead chips take 13% of ZTF's field (Dekany et al. 2020, arXiv:2008.04923). Here they
# all lie between its CCDs, which are two quadrants wide.
FILL: Final = 0.87
QUADRANT_PIXELS: Final = 3072.0
JITTER_PIXELS: Final = 60.0  # assumed: how far two pointings of one field differ


@dataclass(frozen=True, eq=False)
class Conditions:
    """All exposures of a night's nights, and how far off each one points, pixels, shape (2, n)."""

    exposures: Exposures
    jitter: FloatArray
    merger_jd: float

    @cached_property
    def _rows(self) -> dict[int, IntArray]:
        fields = np.unique(self.exposures.field).tolist()
        return {field: np.flatnonzero(self.exposures.field == field) for field in fields}

    def over(self, ra: float, dec: float) -> Exposures:
        """Return the exposures in which a place (ICRS degrees) does not fall into a gap."""
        field = int(field_at(np.array([ra]), np.array([dec]))[0][0])
        rows = self._rows.get(field, np.empty(0, np.int64))
        return self.exposures.take(rows[~self._in_gap(ra, dec, rows)])

    def visits_of(self, ra: FloatArray, dec: FloatArray) -> IntArray:
        """Count the exposures of places after the merger, gaps aside, shape (n,)."""
        late = self.exposures.field[self.exposures.jd > self.merger_jd]
        fields = field_at(ra, dec)[0]
        counts = np.bincount(late, minlength=int(fields.max(initial=0)) + 1)
        return np.asarray(counts[fields])

    @property
    def most_visits(self) -> int:
        """The most exposures of any field after the merger."""
        late = self.exposures.field[self.exposures.jd > self.merger_jd]
        return int(np.bincount(late).max()) if len(late) else 0

    def _in_gap(self, ra: float, dec: float, rows: IntArray) -> BoolArray:
        quadrant = int(field_at(np.array(ra), np.array(dec))[1])
        x, y = pixel_at(np.array(ra), np.array(dec))
        half = (1 - np.sqrt(FILL)) * QUADRANT_PIXELS
        shifts = self.jitter[:, rows]
        across = _on_ccd(quadrant % QUADRANTS, float(x), shifts[0])
        up = _on_ccd(quadrant // QUADRANTS, float(y), shifts[1])
        return np.asarray((across < half) | (up < half))


def _on_ccd(quadrant: int, pixel: float, shifts: FloatArray) -> FloatArray:
    """Return the distance to the CCD's nearer edge, in pixels; a CCD is two quadrants wide."""
    place = ((quadrant % 2) * QUADRANT_PIXELS + pixel + shifts) % (2 * QUADRANT_PIXELS)
    return np.asarray(np.minimum(place, 2 * QUADRANT_PIXELS - place))


def draw_conditions(
    *,
    covered: IntArray,
    follow_up: IntArray,
    merger_jd: float,
    rng: np.random.Generator,
) -> Conditions:
    """Plan and draw the exposures about a merger.

    Parameters
    ----------
    covered
        The fields that the survey visits every second night in g and r, shape (n,).
    follow_up
        The fields of the map, the most probable first. The first three nights visit as many of
        them as there is time for, once in each band.
    """
    first = int(np.floor(merger_jd)) - NIGHTS_BEFORE
    nights = np.arange(first, int(np.floor(merger_jd)) + NIGHTS_AFTER + 1)
    visits: list[tuple[float, int, int, float]] = []
    after = 0
    for night in nights.tolist():
        lost = bool(rng.uniform() < LOST_NIGHTS)
        times = dark_times(night)
        late = times[times > merger_jd + REACTION_DAYS]
        if len(late) and after < FOLLOW_UP_NIGHTS:
            visits += [] if lost else _follow_up(follow_up, late, after, rng)
            after += 1
        if not lost:
            due = covered[(covered + night) % 2 == 0]
            visits += plan_visits(due, times, (G, R), PUBLIC_EXPOSURE_S, rng)
    exposures = _clouded(with_depth(_dark(queue(visits)), rng), nights, rng)
    jitter = rng.normal(0, JITTER_PIXELS, (2, len(exposures.jd)))
    return Conditions(exposures, jitter, merger_jd)


def _follow_up(
    fields: IntArray, times: FloatArray, night: int, rng: np.random.Generator
) -> list[tuple[float, int, int, float]]:
    bands: Sequence[int] = (G, R, I) if night == 1 else (G, R)
    seconds = next(each for most, each in DEPTHS if len(fields) <= most)
    dark_s = (times[-1] - times[0]) * 86400
    most = int(USED * dark_s / ((seconds + OVERHEAD_S) * len(bands)))
    return plan_visits(fields[:most], times, tuple(bands), seconds, rng)


def _dark(exposures: Exposures) -> Exposures:
    """Leave out what the queue pushed into the day, or below the lowest altitude."""
    ra, dec = field_centre(exposures.field)
    sun = altitude(exposures.jd, *equatorial(sun_longitude(exposures.jd)))
    high = altitude(exposures.jd, ra, dec)
    return exposures.take(np.flatnonzero((sun < -12) & (high > LOWEST_DEG)))


def _clouded(exposures: Exposures, nights: IntArray, rng: np.random.Generator) -> Exposures:
    cloudy = rng.uniform(size=len(nights)) < CLOUDY_NIGHTS
    loss = np.where(cloudy, rng.exponential(CLOUD_MAG, len(nights)), 0.0)
    # A Julian date's day begins at noon in Greenwich, within Palomar's night.
    night = np.floor(exposures.jd - NOON).astype(int) - nights[0]
    of_night = loss[np.clip(night, 0, len(nights) - 1)]
    return replace(
        exposures,
        limit=exposures.limit - of_night,
        zero_point=exposures.zero_point - of_night,
    )
