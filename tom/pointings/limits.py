"""The deepest limits at the places of candidates, before and after an event."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from tom.pointings.coverage import Look, ranges_of
from tom.sky import healpix29
from tom.sky.arrays import BoolArray, IntArray


@dataclass(frozen=True)
class Limit:
    """The deepest look at a place: a limiting AB magnitude, and who looked when."""

    magnitude: float
    band: str
    telescope: str
    time: datetime


@dataclass(frozen=True)
class PlaceLimits:
    """What is known of one place; None: nobody looked there, or no depth is known."""

    before: Limit | None
    after: Limit | None
    looks: int


def limits_at(
    ra: npt.ArrayLike, dec: npt.ArrayLike, looks: Sequence[Look], *, since: datetime
) -> list[PlaceLimits]:
    """Find the deepest of looks at each place (ICRS degrees), before `since` and from it on."""
    places = np.atleast_1d(healpix29(ra, dec))
    ranges = ranges_of(look.footprint for look in looks)
    held = {pk: _held(places, own) for pk, own in ranges.items()}
    there: list[list[Look]] = [[] for _ in places]
    for look in looks:
        for at in np.flatnonzero(held[look.footprint]) if look.footprint in held else ():
            there[at].append(look)
    return [_of_place(own, since) for own in there]


def deeper(one: Limit | None, other: Limit | None) -> Limit | None:
    """Return the deeper of two limits; None: there is neither."""
    known = [each for each in (one, other) if each is not None]
    return max(known, key=lambda limit: limit.magnitude, default=None)


def _held(places: IntArray, ranges: IntArray) -> BoolArray:
    """Return which places lie in ranges."""
    if not len(ranges):
        return np.zeros(len(places), dtype=np.bool_)
    at = np.searchsorted(ranges[:, 0], places, side="right") - 1
    return np.asarray((at >= 0) & (places < ranges[at, 1]), dtype=np.bool_)


def _of_place(looks: Sequence[Look], since: datetime) -> PlaceLimits:
    return PlaceLimits(
        _deepest(look for look in looks if look.time < since),
        _deepest(look for look in looks if look.time >= since),
        len(looks),
    )


def _deepest(looks: Iterable[Look]) -> Limit | None:
    known = [look for look in looks if not math.isnan(look.depth)]
    best = max(known, key=lambda look: look.depth, default=None)
    return None if best is None else Limit(best.depth, best.band, best.telescope, best.time)
