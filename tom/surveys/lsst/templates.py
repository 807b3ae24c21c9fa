"""Where the template changed that images are subtracted from, and with it a light curve's zero.

No version of the packets names a template. But a forced point has the source's flux on the image
and that on the difference, at one place: what lies between is the template's own flux there. Where
it stood still for nights and then stands at another level, the template is another one.

Learnt from real packets: it is steady within 3% from night to night, and changed by 60% where the
first visits had another template. Of saturated stars it moves all the time, which says nothing.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any, Final

from tom.formats.times import time_of_tai_mjd
from tom.formats.values import finite
from tom.records.alert import TemplateChange
from tom.surveys.lsst.points import PROGRAM, band_of, value_of

Fields = Mapping[str, Any]
# TAI in days, its time, the template's flux and the error of it, nJy.
_Level = tuple[float, datetime, float, float]

LEVEL_FIELDS: Final = frozenset(
    {"midpointMjdTai", "midPointTai", "band", "filterName", "psfFlux", "psFlux"}
    | {"scienceFlux", "scienceFluxErr"}
)
"""What is read of a forced point."""
_STEADY: Final = 0.05  # of the level
_STEP: Final = 0.2  # of the greater level
_SIGMA: Final = 5.0
_LEAST_NIGHTS: Final = 2  # at the new level
_NIGHTS_A_LEVEL: Final = 4  # more levels than one in so many nights: it is not steady
_NOON: Final = 0.5  # of the days of UTC, where no night of the site is


@dataclass(frozen=True, slots=True)
class _Night:
    time: datetime
    level: float
    error: float


def template_changes(record: Fields) -> tuple[TemplateChange, ...]:
    """Find the changes in each band, at the first forced point on the new template."""
    rows = record.get("prvDiaForcedSources")
    by_night: dict[tuple[str, int], list[_Level]] = defaultdict(list)
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            continue
        band, level = band_of(row), _read_level(row)
        if band is not None and level is not None:
            by_night[band, int(level[0] - _NOON)].append(level)
    found: list[TemplateChange] = []
    for band in sorted({band for band, _ in by_night}):
        nights = [_night(by_night[key]) for key in sorted(by_night) if key[0] == band]
        found += _changes(band, nights)
    return tuple(found)


def _read_level(row: Fields) -> _Level | None:
    whole, difference = finite(row.get("scienceFlux")), finite(value_of(row, "psfFlux"))
    mjd, error = finite(value_of(row, "midpointMjdTai")), finite(row.get("scienceFluxErr"))
    if whole is None or difference is None or mjd is None or error is None:
        return None
    time = time_of_tai_mjd(mjd)
    return None if time is None else (mjd, time, whole - difference, error)


def _night(rows: list[_Level]) -> _Night:
    return _Night(
        min(time for _, time, *_ in rows),
        median(level for *_, level, _ in rows),
        median(error for *_, error in rows),
    )


def _changes(band: str, nights: list[_Night]) -> Iterator[TemplateChange]:
    levels = _levels(nights)
    if len(levels) > 1 + len(nights) // _NIGHTS_A_LEVEL:
        return
    for before, after in pairwise(levels):
        old, new = (median(night.level for night in level) for level in (before, after))
        step = abs(new - old)
        error = max(night.error for night in (*before, *after))
        is_step = step > _STEP * max(abs(old), abs(new)) and step > _SIGMA * error
        if is_step and len(after) >= _LEAST_NIGHTS:
            yield TemplateChange(
                band=band, time=after[0].time, before_njy=old, after_njy=new, program=PROGRAM
            )


def _levels(nights: list[_Night]) -> list[list[_Night]]:
    """Cut the nights where one does not lie at the level of those before."""
    levels: list[list[_Night]] = []
    fluxes: list[float] = []  # of the last level, in order: a history may have thousands of nights
    for night in nights:
        level = (fluxes[(len(fluxes) - 1) // 2] + fluxes[len(fluxes) // 2]) / 2 if levels else 0.0
        near = max(_STEADY * abs(level), _SIGMA * night.error)
        if levels and abs(night.level - level) <= near:
            levels[-1].append(night)
            insort(fluxes, night.level)
        else:
            levels.append([night])
            fluxes = [night.level]
    return levels
