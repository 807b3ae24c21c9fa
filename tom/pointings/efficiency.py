"""The efficiency of an event's pointings: the chance that they would have caught a kilonova."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from tom.events.localizations import skymap_of
from tom.pointings.coverage import Look, ranges_of
from tom.sky import Patches, Series, SkyMap, chance_caught, margins, milky_way_ebv, patches_of
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.at2017gfo import CURVES, FIRST_SEEN_DAYS, absolute_magnitude
from tom.sky.extinction import COEFFICIENTS
from tom.targets.places import dust_map

METHOD: Final = 1  # another number makes what is stored outdated
DECLINES: Final = np.arange(-0.5, 2.01, 0.25)  # magnitudes a day; above 0 it fades
MAGNITUDES: Final = np.arange(-20, -9.9, 0.25)  # absolute, AB, at the event's time
LEVELS: Final = (0.9, 0.95)
USUAL_BAND: Final = "r"
DAY_SECONDS: Final = 86400.0
FIRST_SEEN_HOURS: Final = round(24 * FIRST_SEEN_DAYS)
"""Before this AT2017gfo counts as bright as it was then."""


@dataclass(frozen=True)
class BandChance:
    """The chance to have caught AT2017gfo in one band ("": in any), once and at least twice."""

    band: str
    pointings: int
    once: float
    twice: float


@dataclass(frozen=True)
class Found:
    """The efficiency of pointings: chances of 0 to 1 of the probability that has a distance.

    `once` and `twice` have a row for each of `declines` and a column for each of `magnitudes`.
    """

    covered: float
    pointings: int
    without_depth: int
    other_bands: list[str]
    declines: list[float]
    magnitudes: list[float]
    once: list[list[float]]
    twice: list[list[float]]
    bands: list[BandChance]


@dataclass(frozen=True)
class UpperLimit:
    """The faintest absolute magnitude at the event's time that is excluded; None: none is.

    `over_map` of the whole map, `within_fields` of what the fields hold of it; one of each level.
    """

    decline: float
    over_map: Sequence[float | None]
    within_fields: Sequence[float | None]


def key_of(localization: int, looks: Sequence[Look], event_time: datetime, dust: str) -> str:
    """Name an efficiency by all that it follows from."""
    told = repr((METHOD, localization, event_time.timestamp(), dust, looks)).encode()
    return hashlib.sha256(told).hexdigest()


def estimate(localization: int, looks: Sequence[Look], event_time: datetime) -> Found:
    """Estimate the efficiency of pointings from the event's time on, with a map that is stored."""
    return estimate_with(
        skymap_of(localization), looks, event_time, ranges_of(look.footprint for look in looks)
    )


def estimate_with(
    skymap: SkyMap, looks: Sequence[Look], event_time: datetime, ranges: dict[int, IntArray]
) -> Found:
    """Estimate the efficiency with a map and the ranges of footprints by their keys."""
    counted = [look for look in looks if not math.isnan(look.depth) and look.footprint in ranges]
    keys = sorted({look.footprint for look in counted})
    patches = patches_of(skymap, [ranges[key] for key in keys])
    ebv, _ = milky_way_ebv(patches.ra, patches.dec, dust=dust_map())
    place = {key: at for at, key in enumerate(keys)}
    days = np.array([(look.time - event_time).total_seconds() for look in counted]) / DAY_SECONDS
    fading = _series(counted, place, DECLINES[:, np.newaxis] * days)
    once, twice = margins(patches, fading, ebv)
    return Found(
        covered=float(patches.probability.sum()),
        pointings=len(counted),
        without_depth=sum(math.isnan(look.depth) for look in looks),
        other_bands=sorted({look.band for look in counted if look.band not in COEFFICIENTS}),
        declines=DECLINES.tolist(),
        magnitudes=MAGNITUDES.tolist(),
        once=_grid(patches, once),
        twice=_grid(patches, twice),
        bands=_bands(patches, counted, place, days, ebv),
    )


def upper_limits(found: Found, levels: Sequence[float] = LEVELS) -> list[UpperLimit]:
    """For each decline, what is excluded if nothing was found: what was caught at those chances."""
    magnitudes = np.array(found.magnitudes)
    return [
        UpperLimit(
            decline,
            [_faintest(magnitudes, np.array(row), level) for level in levels],
            [_faintest(magnitudes, np.array(row), level * found.covered) for level in levels],
        )
        for decline, row in zip(found.declines, found.once, strict=True)
    ]


def faintest_at(found: Found, level: float) -> list[float | None]:
    """For each decline the faintest absolute magnitude that is caught with a chance."""
    magnitudes = np.array(found.magnitudes)
    return [_faintest(magnitudes, np.array(row), level) for row in found.once]


def as_stored(found: Found) -> dict[str, Any]:
    """Return what `read_stored` reads again, for a JSON column."""
    return asdict(found)


def read_stored(stored: dict[str, Any]) -> Found:
    """Rebuild what `as_stored` returned."""
    bands = [BandChance(**each) for each in stored["bands"]]
    return Found(**{**stored, "bands": bands})


def _series(looks: Sequence[Look], place: dict[int, int], magnitude: FloatArray) -> Series:
    return Series(
        np.array([place[look.footprint] for look in looks], dtype=np.int64),
        np.array([look.depth for look in looks], dtype=np.float64),
        np.array([_reddening(look.band) for look in looks], dtype=np.float64),
        magnitude,
    )


def _reddening(band: str) -> float:
    """Extinction over E(B-V); of a band that is not known, that of the usual one."""
    return COEFFICIENTS.get(band, COEFFICIENTS[USUAL_BAND])


def _grid(patches: Patches, margin: FloatArray) -> list[list[float]]:
    return [np.round(chance_caught(patches, row, MAGNITUDES), 6).tolist() for row in margin]


def _bands(
    patches: Patches,
    looks: Sequence[Look],
    place: dict[int, int],
    days: FloatArray,
    ebv: FloatArray,
) -> list[BandChance]:
    """The chance to have caught AT2017gfo in each band in which it is known, and in any."""
    bands = [look.band for look in looks]
    bright = np.array(
        [
            absolute_magnitude(band, day) if band in CURVES else math.inf
            for band, day in zip(bands, days, strict=True)
        ],
        dtype=np.float64,
    )
    names = [*(name for name in CURVES if name in bands), ""]
    counts = [np.array([name in ("", band) for band in bands], dtype=np.bool_) for name in names]
    sources = np.array([np.where(own, bright, np.inf) for own in counts]).reshape(len(names), -1)
    once, twice = margins(patches, _series(looks, place, sources), ebv)
    as_it_was = np.zeros(1)
    return [
        BandChance(
            name,
            int(np.isfinite(shining).sum()),
            float(chance_caught(patches, one, as_it_was)[0]),
            float(chance_caught(patches, two, as_it_was)[0]),
        )
        for name, shining, one, two in zip(names, sources, once, twice, strict=True)
    ]


def _faintest(magnitudes: FloatArray, chances: FloatArray, level: float) -> float | None:
    """Where a chance that falls with the magnitude crosses a level; None: it never reaches it."""
    enough = np.flatnonzero(chances >= level)
    if not len(enough) or level <= 0:
        return None
    at = int(enough[-1])
    if at + 1 == len(magnitudes):
        return float(magnitudes[at])
    fall = chances[at] - chances[at + 1]
    step = (magnitudes[at + 1] - magnitudes[at]) * (chances[at] - level) / fall
    return float(magnitudes[at] + step)
