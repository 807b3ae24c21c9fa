"""The contaminants of a hard night: drawn by their rates, and seen by the survey."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tom.benchmark.conditions import Conditions
from tom.benchmark.places import Ground, Places
from tom.benchmark.rates import (
    DAYS_AFTER,
    FAINTEST,
    RATES,
    Per,
    Rate,
    draw_distances,
    thinned,
    window_days,
)
from tom.demo.builders import explode
from tom.demo.ephemeris import ecliptic_latitude
from tom.demo.explosions import TEMPLATES
from tom.demo.observing import observe
from tom.demo.population import BUILDERS, DUST_SCATTER, Observed
from tom.demo.sources import Source
from tom.demo.spots import Group, Spot
from tom.sky import milky_way_ebv
from tom.sky.arrays import FloatArray, IntArray

ALERTS_FROM_DAYS: Final = 1.0  # before the merger: a list's window begins there
# The templates' peaks are those of samples to a limit. In a volume, the mean of a Gaussian of sigma
# s is fainter by this times s^2 (Malmquist 1922).
FAINTER_IN_VOLUME: Final = 0.6 * float(np.log(10))


@dataclass(frozen=True, eq=False)
class Explosion:
    """What makes one explosion: its distance, its age at the merger, and how bright it is."""

    distance_mpc: float
    age_days: float
    brighter: float


class Sampler:
    """Draws the sources of a night, and their light curves in its exposures."""

    def __init__(self, ground: Ground, conditions: Conditions, rng: np.random.Generator) -> None:
        self.ground = ground
        self.conditions = conditions
        self.rng = rng

    def draw(self, *, outside: float, rates: Sequence[Rate] = RATES) -> Iterator[Observed]:
        """Draw all contaminants that give an alert: in the region, then beyond it.

        `outside` is the area beyond the region that has sources too, over that of the region.
        """
        for rate in rates:
            number = self._count(rate, self.ground.area_deg2)
            yield from self.observe_all(rate, self.ground.draw_inside(number, self.rng))
        for rate in rates:
            number = self._count(rate, self.ground.area_deg2 * outside)
            yield from self.observe_all(rate, self.ground.draw_outside(number, self.rng))

    def observe_all(self, rate: Rate, places: Places) -> Iterator[Observed]:
        """Yield those of a kind that give an alert."""
        ra, dec = self._kept(rate, places)
        dust = milky_way_ebv(ra, dec)[0] * self.rng.lognormal(0, DUST_SCATTER, len(ra))
        if rate.per is not Per.VOLUME:
            for row in range(len(ra)):
                spot = self.spot(ra[row], dec[row], dust[row], rate.group)
                if spot is not None:
                    yield from self._seen(BUILDERS[rate.kind](spot, self.rng), spot, None)
            return
        explosions = draw_explosions(rate.kind, len(ra), self.rng)
        for row, explosion in explosions:
            spot = self.spot(ra[row], dec[row], dust[row], rate.group)
            if spot is not None:
                source = build_explosion(rate.kind, explosion, spot, self.rng)
                yield from self._seen(source, spot, explosion.distance_mpc)

    def spot(self, ra: float, dec: float, ebv: float, group: Group) -> Spot | None:
        """Return a place with its exposures; None if it has none after the merger."""
        exposures = self.conditions.over(ra, dec)
        if not len(exposures.jd) or exposures.jd[-1] <= self.conditions.merger_jd:
            return None
        return Spot(float(ra), float(dec), float(ebv), group, self.conditions.merger_jd, exposures)

    def _count(self, rate: Rate, area_deg2: float) -> int:
        visits = self.conditions.most_visits
        return draw_count(rate, area_deg2=area_deg2, visits=visits, rng=self.rng)

    def _kept(self, rate: Rate, places: Places) -> Places:
        """Leave out by chance what the rate is lower for: fewer exposures, off the ecliptic."""
        ra, dec = places
        visits = self.conditions.visits_of(ra, dec)
        share = visits / max(self.conditions.most_visits, 1)
        chance = thinned(rate, ecliptic_latitude(ra, dec), share)
        kept = (self.rng.uniform(size=len(ra)) < chance) & (visits > 0)
        return ra[kept], dec[kept]

    def _seen(self, source: Source, spot: Spot, distance_mpc: float | None) -> Iterator[Observed]:
        epochs = observe(source, spot.exposures, self.rng)
        observed = Observed(source, epochs, spot.group, distance_mpc)
        if len(alert_rows(observed, spot.merger_jd)):
            yield observed


def draw_count(rate: Rate, *, area_deg2: float, visits: float, rng: np.random.Generator) -> int:
    """Draw how many of a kind there are in an area, before their places are thinned."""
    return int(rng.poisson(rate.most(area_deg2, visits)))


def alert_rows(observed: Observed, merger_jd: float) -> IntArray:
    """List the rows of the epochs that give alerts: detections since a day before the merger."""
    jd = observed.epochs.exposures.jd
    return np.flatnonzero(observed.epochs.detected & (jd >= merger_jd - ALERTS_FROM_DAYS))


def draw_explosions(kind: str, n: int, rng: np.random.Generator) -> Iterator[tuple[int, Explosion]]:
    """Draw n explosions of a kind; yield the number and the nature of those bright enough."""
    template = TEMPLATES[kind]
    distance = draw_distances(kind, n, rng)
    age = rng.uniform(-DAYS_AFTER, window_days(kind) - DAYS_AFTER, n)
    mean = -FAINTER_IN_VOLUME * template.scatter**2
    brighter = rng.normal(mean, template.scatter, n)
    peak: FloatArray = template.magnitudes.min() - brighter + 5 * np.log10(distance) + 25
    for row in np.flatnonzero(peak < FAINTEST).tolist():
        yield row, Explosion(float(distance[row]), float(age[row]), float(brighter[row]))


def build_explosion(
    kind: str, explosion: Explosion, spot: Spot, rng: np.random.Generator
) -> Source:
    """Build a supernova or a tidal disruption, in its host."""
    return explode(
        kind,
        spot,
        age_days=explosion.age_days,
        distance_mpc=explosion.distance_mpc,
        brighter=explosion.brighter,
        rng=rng,
    )
