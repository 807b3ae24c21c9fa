"""What pointings cover of an event's map, when, with which telescope, and what is left."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from django.core.cache import cache
from django.db.models import QuerySet

from tom.events.localizations import skymap_of
from tom.pointings.models import DepthUnit, Footprint, Pointing
from tom.pointings.packing import unpack_ranges
from tom.sky import Growth, SkyMap, follow_coverage, probability_left
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.healpix import pixel_centre

# More pointings than these, the earliest, are not counted.
MOST_COUNTED: Final = 5_000
# Cells in which the page says what is left: 3.7 degrees wide.
CELL_LEVEL: Final = 4
CELLS_SHOWN: Final = 10
# The least probability that is worth a line.
LEAST_LEFT: Final = 1e-4
KEPT_SECONDS: Final = 600
AB_OF_JANSKY: Final = 8.9  # of 1 Jy: -2.5 log10(1 / 3631)


class Look(NamedTuple):
    """A pointing as far as coverage needs it; `depth`: a limiting AB magnitude, NaN: not known."""

    pk: int
    footprint: int
    facility: str
    instrument: str
    band: str
    time: datetime
    depth: float

    @property
    def telescope(self) -> str:
        """The camera, with where it stands if its own name does not say so."""
        if not self.facility or self.facility == self.instrument:
            return self.instrument
        return f"{self.instrument} ({self.facility})"


@dataclass(frozen=True)
class Step:
    """The probability covered when a pointing began and all before it, in 2D and within reach."""

    time: datetime
    telescope: str
    probability: float
    within_reach: float


@dataclass(frozen=True)
class Share:
    """What one telescope covers by itself, or all together; the deepest limit in AB magnitudes."""

    telescope: str
    pointings: int
    area_deg2: float
    probability: float
    within_reach: float
    first: datetime
    last: datetime
    bands: str
    deepest: float


@dataclass(frozen=True)
class Gap:
    """A cell of the sky of which not all is covered: its middle, its probability, what is left."""

    ra: float
    dec: float
    probability: float
    left: float


@dataclass(frozen=True)
class Coverage:
    """What pointings cover together; `waiting` of them have footprints not computed yet."""

    whole: Share | None
    steps: Sequence[Step]
    telescopes: Sequence[Share]
    gaps: Sequence[Gap]
    waiting: int


def looks_of(rows: QuerySet[Pointing]) -> list[Look]:
    """Read pointings in the order of their times, at most `MOST_COUNTED`."""
    names = ("pk", "footprint", "facility", "instrument", "band", "time", "depth", "depth_unit")
    read = rows.order_by("time", "pk").values_list(*names)[:MOST_COUNTED]
    return [
        Look(pk, footprint, facility, instrument, band, time, limit_ab(depth, unit))
        for pk, footprint, facility, instrument, band, time, depth, unit in read
    ]


def limit_ab(depth: float | None, unit: str) -> float:
    """Return a depth as a limiting AB magnitude; NaN: none is known.

    A magnitude in Vega's system has another zero in each band: it stays unknown.
    """
    if depth is None:
        return math.nan
    if unit == DepthUnit.AB:
        return depth
    if unit == DepthUnit.JANSKY and depth > 0:
        return AB_OF_JANSKY - 2.5 * math.log10(depth)
    return math.nan


def reach_of(depth: float | FloatArray, magnitude: float) -> FloatArray:
    """How far (Mpc) a source of an absolute magnitude is seen at a depth, without extinction."""
    return np.asarray(10 ** ((np.asarray(depth) - magnitude - 25) / 5), dtype=np.float64)


def ranges_of(footprints: Iterable[int]) -> dict[int, IntArray]:
    """Read the ranges of footprints in one query; one that is not computed yet is not there."""
    rows = Footprint.objects.filter(pk__in=set(footprints), ranges__isnull=False)
    packed = rows.values_list("pk", "ranges")
    return {pk: unpack_ranges(known) for pk, known in packed if known is not None}


def cover(localization: int, looks: Sequence[Look], magnitude: float) -> Coverage:
    """Find what pointings cover of a stored map; the same question is answered from memory.

    `magnitude` is the source's absolute one, in AB, of every band.
    """
    key = _key(localization, looks, magnitude)
    known = cache.get(key)
    if isinstance(known, Coverage):
        return known
    found = _cover(skymap_of(localization), looks, magnitude)
    if not found.waiting:
        cache.set(key, found, KEPT_SECONDS)
    return found


def _key(localization: int, looks: Sequence[Look], magnitude: float) -> str:
    told = repr((localization, magnitude, looks)).encode()
    return f"coverage:{hashlib.sha256(told).hexdigest()}"


def _cover(skymap: SkyMap, looks: Sequence[Look], magnitude: float) -> Coverage:
    ranges = ranges_of(look.footprint for look in looks)
    known = [look for look in looks if look.footprint in ranges]
    waiting = len(looks) - len(known)
    if not known:
        return Coverage(None, [], [], _gaps(skymap, None), waiting)
    growth = _grow(skymap, known, ranges, magnitude)
    steps = [
        Step(look.time, look.telescope, flat, deep)
        for look, flat, deep in zip(
            known, growth.probability.tolist(), growth.within_reach.tolist(), strict=True
        )
    ]
    whole = _share("All together", known, growth)
    telescopes = _telescopes(skymap, known, ranges, magnitude, growth)
    return Coverage(whole, steps, telescopes, _gaps(skymap, growth), waiting)


def _grow(
    skymap: SkyMap, looks: Sequence[Look], ranges: Mapping[int, IntArray], magnitude: float
) -> Growth:
    depths = np.array([look.depth for look in looks], dtype=np.float64)
    footprints = [ranges[look.footprint] for look in looks]
    return follow_coverage(skymap, footprints, reach_of(depths, magnitude))


def _telescopes(
    skymap: SkyMap,
    looks: Sequence[Look],
    ranges: Mapping[int, IntArray],
    magnitude: float,
    together: Growth,
) -> list[Share]:
    groups: dict[str, list[Look]] = {}
    for look in looks:
        groups.setdefault(look.telescope, []).append(look)
    shares = [
        _share(
            name,
            own,
            together if len(groups) == 1 else _grow(skymap, own, ranges, magnitude),
        )
        for name, own in groups.items()
    ]
    return sorted(shares, key=lambda share: -share.probability)


def _share(name: str, looks: Sequence[Look], growth: Growth) -> Share:
    depths = [look.depth for look in looks if not math.isnan(look.depth)]
    return Share(
        telescope=name,
        pointings=len(looks),
        area_deg2=growth.area_deg2,
        probability=float(growth.probability[-1]),
        within_reach=float(growth.within_reach[-1]),
        first=looks[0].time,
        last=looks[-1].time,
        bands=", ".join(sorted({look.band for look in looks if look.band})),
        deepest=max(depths, default=math.nan),
    )


def _gaps(skymap: SkyMap, growth: Growth | None) -> list[Gap]:
    """The cells of the sky with most probability left."""
    nothing = np.empty(0, dtype=np.int64)
    empty = Growth(np.empty(0), np.empty(0), np.empty(0), 0.0, nothing, nothing, nothing)
    whole, left = probability_left(skymap, growth or empty, level=CELL_LEVEL)
    cells = np.argsort(-left)[:CELLS_SHOWN]
    ra, dec = pixel_centre(level=CELL_LEVEL, ipix=cells)
    rows = zip(ra.tolist(), dec.tolist(), whole[cells].tolist(), left[cells].tolist(), strict=True)
    return [Gap(*row) for row in rows if row[3] > LEAST_LEFT]
