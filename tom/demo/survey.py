"""The survey's exposures: field, band, time and depth."""

from dataclasses import dataclass, fields, replace

import numpy as np

from tom.demo.ephemeris import altitude, equatorial, moonlight, sun_longitude
from tom.demo.fields import field_centre
from tom.sky.arrays import BoolArray, FloatArray, IntArray

G, R, I = 1, 2, 3  # noqa: E741 the survey's filter numbers
NIGHTS_BEFORE = 51  # thirty nights of history for the first alerts, which come 20 days early
NIGHTS_AFTER = 5
CLEAR_SHARE = 0.75
FOLLOW_UP_NIGHTS = 3
PUBLIC_EXPOSURE_S = 30.0
FOLLOW_UP_EXPOSURE_S = 180.0
REACTION_DAYS = 0.05
OVERHEAD_S = 10.0
LOWEST_ALTITUDE = 30.0

# Five-sigma depth of 30 s in a dark, clear sky; Bellm et al. 2019, doi 10.1088/1538-3873/aaecbe.
DARK_LIMIT = np.array([np.nan, 20.8, 20.6, 19.9])
MOON_LOSS = np.array([np.nan, 1.6, 1.1, 0.6])  # magnitudes lost near a full Moon
ZERO_POINT = np.array([np.nan, 26.3, 26.3, 25.7])


@dataclass(frozen=True, eq=False)
class Exposures:
    """Exposures in the order of time; every column has shape (n,).

    `jd` is the UTC Julian date at the start, `fid` 1, 2, 3 for g, r, i, `limit` the
    5-sigma magnitude, `seeing` the FWHM in arcsec, `zero_point` the magnitude of 1 DN.
    """

    jd: FloatArray
    field: IntArray
    fid: IntArray
    seconds: FloatArray
    limit: FloatArray
    seeing: FloatArray
    zero_point: FloatArray

    def take(self, rows: IntArray) -> "Exposures":
        """Return the named rows."""
        return Exposures(*(getattr(self, column.name)[rows] for column in fields(self)))

    def of_field(self, field: int) -> "Exposures":
        """Return one field's exposures."""
        return self.take(np.flatnonzero(self.field == field))


def plan_survey(
    *,
    public: IntArray,
    follow_up: IntArray,
    merger_jd: float,
    rng: np.random.Generator,
) -> Exposures:
    """Plan the exposures of some fields around a merger.

    The public survey sees each field every second night, once in g and once in r; a
    quarter of the nights is lost to weather, but never the three after the merger, on
    which the follow-up fields are seen longer, in g and r and on the second night in i.
    """
    first = int(np.floor(merger_jd)) - NIGHTS_BEFORE
    nights = np.arange(first, int(np.floor(merger_jd)) + NIGHTS_AFTER + 1)
    visits: list[tuple[float, int, int, float]] = []
    after = 0
    for night, clear in zip(nights, _clear_nights(nights, merger_jd, rng), strict=True):
        times = dark_times(int(night))
        if after < FOLLOW_UP_NIGHTS:
            late = times[times > merger_jd + REACTION_DAYS]
            bands = (G, R, I) if after == 1 else (G, R)
            follow_ups = plan_visits(follow_up, late, bands, FOLLOW_UP_EXPOSURE_S, rng)
            after += bool(follow_ups)
            visits += follow_ups
        if clear:
            due = public[(public + night) % 2 == 0]
            visits += plan_visits(due, times, (G, R), PUBLIC_EXPOSURE_S, rng)
    return with_depth(queue(visits), rng)


def _clear_nights(nights: IntArray, merger_jd: float, rng: np.random.Generator) -> BoolArray:
    # A fixed share of clear nights, without chance: the number of alerts depends on it.
    clear = np.arange(len(nights)) < CLEAR_SHARE * len(nights)
    rng.shuffle(clear)
    since = nights + 0.82 - merger_jd
    return clear | ((since > -0.5) & (since < FOLLOW_UP_NIGHTS + 0.5))


def dark_times(night: int) -> FloatArray:
    """Return times every five minutes with the Sun 12 degrees down in a night at Palomar."""
    times = night + 0.825 + np.arange(-0.3, 0.3, 5 / 1440)
    return times[altitude(times, *equatorial(sun_longitude(times))) < -12]


def plan_visits(
    public: IntArray,
    times: FloatArray,
    bands: tuple[int, ...],
    seconds: float,
    rng: np.random.Generator,
) -> list[tuple[float, int, int, float]]:
    """Choose for each field the time at which it is highest; other bands follow within 2 hours."""
    if not len(public) or not len(times):
        return []
    ra, dec = field_centre(public)
    heights = altitude(times[None, :], ra[:, None], dec[:, None])
    best = np.argmax(heights, axis=1)
    up = heights[np.arange(len(public)), best] > LOWEST_ALTITUDE
    visits = []
    for field, start in zip(public[up], times[best[up]], strict=True):
        order = rng.permutation(bands)
        gaps = np.cumsum(rng.uniform(0.02, 0.06, size=len(bands)))
        # Toward the end of the night the visits come before the best time, not after it.
        sign = 1.0 if start + gaps[-1] < times[-1] else -1.0
        moments = np.maximum(start + sign * gaps, times[0] + gaps - gaps[0])
        visits += [
            (float(moment), int(field), int(band), seconds)
            for moment, band in zip(moments, order, strict=True)
        ]
    return visits


def queue(visits: list[tuple[float, int, int, float]]) -> Exposures:
    """Set visits one after another: one camera, no two exposures at once."""
    visits = sorted(visits)
    jd = np.array([visit[0] for visit in visits])
    seconds = np.array([visit[3] for visit in visits])
    for row in range(1, len(visits)):
        jd[row] = max(jd[row], jd[row - 1] + (seconds[row - 1] + OVERHEAD_S) / 86400)
    blank = np.zeros(len(visits))
    return Exposures(
        jd=jd,
        field=np.array([visit[1] for visit in visits]),
        fid=np.array([visit[2] for visit in visits]),
        seconds=seconds,
        limit=blank,
        seeing=blank,
        zero_point=blank,
    )


def with_depth(exposures: Exposures, rng: np.random.Generator) -> Exposures:
    """Give each exposure its seeing, its limit and its zero point."""
    n = len(exposures.jd)
    ra, dec = field_centre(exposures.field)
    height = np.deg2rad(np.maximum(altitude(exposures.jd, ra, dec), 20))
    airmass = 1 / np.sin(height)
    seeing = 1.9 * airmass**0.6 * rng.lognormal(0, 0.12, n)
    haze = rng.exponential(0.12, n)
    limit = (
        DARK_LIMIT[exposures.fid]
        + 1.25 * np.log10(exposures.seconds / PUBLIC_EXPOSURE_S)
        - MOON_LOSS[exposures.fid] * moonlight(exposures.jd, ra, dec)
        - 2.5 * np.log10(seeing / 1.9)
        - haze
    )
    # A pixel's count is per exposure: a longer one has the higher zero point.
    zero_point = (
        ZERO_POINT[exposures.fid]
        + 2.5 * np.log10(exposures.seconds / PUBLIC_EXPOSURE_S)
        - haze
        + rng.normal(0, 0.03, n)
    )
    return replace(exposures, limit=limit, seeing=seeing, zero_point=zero_point)
