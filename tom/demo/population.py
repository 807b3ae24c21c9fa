"""The night's population: how many sources of each kind, where, and which draws are kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tom.demo.builders import (
    Builder,
    build_artefact,
    build_asteroid,
    build_eclipsing,
    build_explosion,
    build_flare,
    build_kilonova,
    build_nucleus,
    build_outburst,
    build_pulsator,
    build_young_explosion,
)
from tom.demo.ephemeris import altitude, ecliptic_latitude, equatorial, sun_longitude
from tom.demo.fields import N_FIELDS, draw_in_field, field_at, field_centre
from tom.demo.localization import draw_distance, draw_position
from tom.demo.observing import Epochs, observe
from tom.demo.sources import Source
from tom.demo.spots import ALERT_DAYS_BEFORE, Group, Spot
from tom.demo.survey import plan_survey
from tom.sky import SkyMap, credible_levels, galactic, milky_way_ebv
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.quick_healpy import healpy

SURVEY_FIELDS = 45
TRIES = 3000
DUST_SCATTER = 0.4  # of the logarithm of E(B-V) about the estimate

BUILDERS: Mapping[str, Builder] = {
    "SN Ia": build_explosion("SN Ia"),
    "SN Ibc": build_explosion("SN Ibc"),
    "SN IIb": build_explosion("SN IIb"),
    "SN II": build_explosion("SN II"),
    "SN IIn": build_explosion("SN IIn"),
    "SLSN": build_explosion("SLSN"),
    "TDE": build_explosion("TDE"),
    "young SN II": build_young_explosion("SN II"),
    "young SN IIb": build_young_explosion("SN IIb"),
    "AGN": build_nucleus,
    "RR Lyrae": build_pulsator,
    "eclipsing binary": build_eclipsing,
    "CV": build_outburst,
    "flare": build_flare,
    "asteroid": build_asteroid,
    "bogus": build_artefact,
}

# How many of each: new in the region, known there, elsewhere. With the kilonova, 600.
COUNTS: Mapping[str, tuple[int, int, int]] = {
    "SN Ia": (20, 10, 36),
    "SN Ibc": (6, 2, 9),
    "SN IIb": (1, 1, 3),
    "SN II": (11, 5, 19),
    "SN IIn": (3, 1, 5),
    "SLSN": (1, 1, 4),
    "TDE": (2, 1, 4),
    "young SN II": (4, 0, 0),
    "young SN IIb": (3, 0, 0),
    "AGN": (14, 12, 45),
    "RR Lyrae": (0, 8, 25),
    "eclipsing binary": (12, 8, 28),
    "CV": (8, 3, 25),
    "flare": (12, 0, 28),
    "asteroid": (44, 8, 74),
    "bogus": (38, 8, 47),
}


@dataclass(frozen=True, eq=False)
class Observed:
    """A source and the survey's measurements of it."""

    source: Source
    epochs: Epochs
    group: Group
    distance_mpc: float | None = None

    @property
    def first_jd(self) -> float:
        """When the survey first saw it."""
        past = self.source.past
        return past.first_jd if past else float(self.epochs.detection_jd[0])


@dataclass(frozen=True, eq=False)
class Region:
    """The part of the sky the merger may lie in: its map, and the rows of the 90% region."""

    skymap: SkyMap
    inside: FloatArray  # weights of the rows, uniform over the region's area, sum one


def region_of(skymap: SkyMap) -> Region:
    """Find the 90% region without its rim, so that rounding moves no source out of it."""
    inside = skymap.area_sr * (credible_levels(skymap) < 0.895)
    return Region(skymap, inside / inside.sum())


class Population:
    """Draws the sources of a night, and simulates the survey's observations of them."""

    def __init__(self, region: Region, merger_jd: float, rng: np.random.Generator) -> None:
        self.region = region
        self.merger_jd = merger_jd
        self.rng = rng
        follow_up = _fields_of(region)
        self.public = np.union1d(_survey_fields(merger_jd, rng), follow_up)
        self.exposures = plan_survey(
            public=self.public, follow_up=follow_up, merger_jd=merger_jd, rng=rng
        )

    def draw(self) -> Iterator[Observed]:
        """Draw all sources, the kilonova first."""
        yield self.draw_kilonova()
        for kind, counts in COUNTS.items():
            for group, count in zip(Group, counts, strict=True):
                for _ in range(count):
                    yield self.draw_one(kind, group)

    def draw_kilonova(self) -> Observed:
        """Draw the kilonova from the map's own posterior, until the survey sees it twice.

        Without two detections there is nothing to demonstrate. A figure of completeness from these
        nights would have to correct for this choice.
        """
        for _ in range(TRIES):
            skymap = self.region.skymap
            ra, dec, row = draw_position(skymap, skymap.probability, self.rng)
            distance = draw_distance(skymap, row, self.rng)
            spot = self._spot(ra, dec, Group.NEW)
            if spot is None:
                continue
            source = build_kilonova(spot, distance_mpc=distance, rng=self.rng)
            epochs = observe(source, spot.exposures, self.rng)
            if _fits(source, epochs, spot) and epochs.detected.sum() >= 2:
                return Observed(source, epochs, Group.NEW, distance)
        message = "the survey cannot see this merger twice"
        raise RuntimeError(message)

    def draw_one(self, kind: str, group: Group) -> Observed:
        """Draw a source of a kind until it belongs to its group."""
        for _ in range(TRIES):
            spot = self._spot(*self._place(kind, group), group)
            if spot is None:
                continue
            source = BUILDERS[kind](spot, self.rng)
            epochs = observe(source, spot.exposures, self.rng)
            if _fits(source, epochs, spot):
                return Observed(source, epochs, group)
        message = f"no {kind} can be {group} this night"
        raise RuntimeError(message)

    def _place(self, kind: str, group: Group) -> tuple[float, float]:
        while True:
            if group is Group.ELSEWHERE:
                ra, dec = draw_in_field(int(self.rng.choice(self.public)), self.rng)
            else:
                ra, dec, _ = draw_position(self.region.skymap, self.region.inside, self.rng)
            # Asteroids keep to the ecliptic; a few are found anywhere.
            away = abs(float(ecliptic_latitude(np.array(ra), np.array(dec))))
            if kind != "asteroid" or self.rng.uniform() < 0.05 + np.exp(-away / 15):
                return ra, dec

    def _spot(self, ra: float, dec: float, group: Group) -> Spot | None:
        """Return a place with its dust and its exposures; None if it has too few exposures."""
        field = int(field_at(np.array([ra]), np.array([dec]))[0][0])
        exposures = self.exposures.of_field(field)
        if (exposures.jd > self.merger_jd).sum() < 2 or (exposures.jd < self.merger_jd).sum() < 2:
            return None
        estimate, _ = milky_way_ebv(np.array([ra]), np.array([dec]))
        ebv = float(estimate[0]) * float(self.rng.lognormal(0, DUST_SCATTER))
        return Spot(ra, dec, ebv, group, self.merger_jd, exposures)


def _fits(source: Source, epochs: Epochs, spot: Spot) -> bool:
    """Whether a source gives an alert in its span and has the past that its group needs."""
    seen = epochs.detection_jd
    first, last = spot.alert_span
    if not np.any((seen >= first) & (seen <= last)):
        return False
    seen_before = source.past is not None or bool(seen[0] < spot.merger_jd)
    wanted = {Group.NEW: False, Group.KNOWN: True}.get(spot.group, seen_before)
    return seen_before == wanted


def _fields_of(region: Region) -> IntArray:
    rows = np.flatnonzero(region.inside)
    level = region.skymap.level[rows].astype(np.int64)
    ra, dec = healpy.pix2ang(2**level, region.skymap.ipix[rows], nest=True, lonlat=True)
    return np.unique(field_at(ra, dec)[0])


def _survey_fields(merger_jd: float, rng: np.random.Generator) -> IntArray:
    """Choose fields that are high for hours of the night and outside the Milky Way's plane."""
    every = np.arange(1, N_FIELDS + 1)
    ra, dec = field_centre(every)
    times = np.floor(merger_jd) + 0.825 + np.arange(-0.4, 0.4, 20 / 1440)
    times = times[altitude(times, *equatorial(sun_longitude(times))) < -12]
    high = altitude(times[None, :], ra[:, None], dec[:, None]) > 45
    _, latitude = galactic(ra, dec)
    good = every[(high.sum(axis=1) > 4) & (np.abs(latitude) > 12)]
    return np.sort(rng.choice(good, size=min(SURVEY_FIELDS, len(good)), replace=False))


def alert_rows(observed: Observed, merger_jd: float) -> IntArray:
    """List the rows of the epochs that give alerts: detections since 20 days before."""
    jd = observed.epochs.exposures.jd
    return np.flatnonzero(observed.epochs.detected & (jd >= merger_jd - ALERT_DAYS_BEFORE))
