"""What a list can know of its candidates at an hour: what the alerts so far say."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from tom.benchmark.nights import HardNight
from tom.benchmark.places import LIST_LEVEL
from tom.demo.light import to_magnitude
from tom.demo.packets import to_jd
from tom.demo.population import Observed
from tom.sky import SkyMap, healpix29, levels_2d, row_at
from tom.sky.arrays import BoolArray, FloatArray, IntArray

LEAST_SPAN_DAYS: Final = 0.3  # of two detections that tell a decline
NEAR_ARCSEC: Final = 1.5
STAR_SCORE: Final = 0.5
LEAST_REAL: Final = 0.5  # of the network's score
ACTIVITY_DAYS: Final = 5.0


@dataclass(frozen=True, eq=False)
class Sights:
    """The n candidates of a list at an hour; arrays have shape (n,), NaN is what nobody knows.

    Attributes
    ----------
    names
        Of the objects.
    level
        Credible level of the place on the map of the hour, 0 to 1.
    distance_mpc
        The map's mean distance there.
    magnitude, peak_magnitude
        AB, of the newest alert and of the brightest detection since the merger, any band. A peak
        and a decline are those of detections above the reference image.
    first_days
        Days from the merger to the first detection ever told, negative: before it.
    peak_days
        Days from the merger to the brightest detection since.
    decline
        Magnitudes a day from the brightest detection in a band to the newest, the fastest of all
        bands; negative: it rises. NaN: no band has two detections 0.3 days apart since the merger.
    n_before, n_after
        Detections within five days before the merger, and those after it that are above the
        reference image and that the survey's network calls real.
    on_star, on_planet
        A catalogued star, or a known minor planet, lies within 1.5 arcsec.
    """

    names: Sequence[str]
    level: FloatArray
    distance_mpc: FloatArray
    magnitude: FloatArray
    peak_magnitude: FloatArray
    first_days: FloatArray
    peak_days: FloatArray
    decline: FloatArray
    n_before: IntArray
    n_after: IntArray
    on_star: BoolArray
    on_planet: BoolArray

    @property
    def is_new(self) -> BoolArray:
        """Whether a candidate was first seen after the merger."""
        return np.asarray(self.first_days > 0)


class Watch:
    """Looks at a night hour by hour."""

    def __init__(self, night: HardNight) -> None:
        self.night = night
        self.merger_jd = to_jd(night.merger_time)
        ra = [observed.source.ra for observed in night.objects]
        dec = [observed.source.dec for observed in night.objects]
        self.hpx29 = healpix29(ra, dec)

    @cached_property
    def hours(self) -> list[int]:
        """The whole hours after the merger that follow some alert, in order."""
        every = np.concatenate([*self.night.sent, np.zeros(0)])
        return [int(hour) for hour in np.unique(np.ceil(every[every > 0]))]

    def at(self, hour: float) -> Sights:
        """Return the candidates of a list at an hour since the merger."""
        skymap = self.night.skymap_at(hour)
        level = levels_2d(skymap, self.hpx29)
        rows = np.flatnonzero(self._told_by(hour) & (level <= LIST_LEVEL))
        looks = [self._look(row, hour) for row in rows.tolist()]
        columns = np.array(looks, float).reshape(len(rows), 9).T
        magnitude, peak, first, peak_days, decline, before, after, star, planet = columns
        return Sights(
            names=[self.night.names[row] for row in rows.tolist()],
            level=level[rows],
            distance_mpc=_mean_distance(skymap, self.hpx29[rows]),
            magnitude=magnitude,
            peak_magnitude=peak,
            first_days=first,
            peak_days=peak_days,
            decline=decline,
            n_before=before.astype(np.int64),
            n_after=after.astype(np.int64),
            on_star=star > 0,
            on_planet=planet > 0,
        )

    def _told_by(self, hour: float) -> BoolArray:
        """Which objects have sent an alert by an hour."""
        return np.array([bool(len(sent)) and sent[0] <= hour for sent in self.night.sent], bool)

    def _look(self, number: int, hour: float) -> tuple[float, ...]:
        observed = self.night.objects[number]
        # An alert tells all detections before it.
        alerts = int(np.searchsorted(self.night.sent[number], hour, side="right"))
        detections = np.flatnonzero(observed.epochs.detected)
        known = detections[: len(detections) - len(self.night.sent[number]) + alerts]
        days = observed.epochs.exposures.jd[known] - self.merger_jd
        flux = observed.epochs.flux[known]
        magnitude, above = to_magnitude(flux), flux > 0
        peak, peak_days = _brightest(days[above], magnitude[above])
        past = observed.source.past
        first = past.first_jd - self.merger_jd if past else days[0]
        before = np.sum((days < 0) & (days > -ACTIVITY_DAYS))
        after = np.sum((days > 0) & above & (observed.epochs.drb[known] >= LEAST_REAL))
        bands = observed.epochs.exposures.fid[known]
        decline = steepest_decline(days[above], magnitude[above], bands[above])
        star, planet = _neighbours(observed)
        return magnitude[-1], peak, first, peak_days, decline, before, after, star, planet


def _mean_distance(skymap: SkyMap, hpx29: IntArray) -> FloatArray:
    if skymap.distmu is None:
        return np.full(len(hpx29), np.nan)
    return np.asarray(skymap.distmu[row_at(skymap, hpx29)])


def steepest_decline(days: FloatArray, magnitude: FloatArray, bands: IntArray) -> float:
    """Return the fastest decline of any band since day 0, mag a day; NaN: nothing tells it."""
    found = [
        _decline(days[chosen], magnitude[chosen])
        for band in np.unique(bands)
        if np.any(chosen := (bands == band) & (days > 0))
    ]
    told = [each for each in found if not np.isnan(each)]
    return max(told, default=np.nan)


def _decline(days: FloatArray, magnitude: FloatArray) -> float:
    brightest = int(np.argmin(magnitude))
    other = brightest if days[-1] - days[brightest] >= LEAST_SPAN_DAYS else 0
    span = float(days[-1] - days[other])
    if span < LEAST_SPAN_DAYS:
        return float("nan")
    return float(magnitude[-1] - magnitude[other]) / span


def _brightest(days: FloatArray, magnitude: FloatArray) -> tuple[float, float]:
    late = np.flatnonzero(days > 0)
    if not len(late):
        return float("nan"), float("nan")
    row = late[np.argmin(magnitude[late])]
    return float(magnitude[row]), float(days[row])


def _neighbours(observed: Observed) -> tuple[bool, bool]:
    neighbour, mover = observed.source.neighbour, observed.source.mover
    near_star = neighbour.separation_arcsec < NEAR_ARCSEC and neighbour.star_score > STAR_SCORE
    named = mover is not None and mover.name is not None
    near_planet = mover is not None and named and mover.separation_arcsec < NEAR_ARCSEC
    return near_star, near_planet
