"""Fields of view on the sky: stored once for each shape and place, their ranges computed once."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction

from tom.events.services import note_changes
from tom.pointings.models import Footprint, Pointing
from tom.pointings.packing import pack_ranges
from tom.sky import Shape, covered_area, footprint_ranges, shape_outline

# An outline is followed to this share of its radius: pixels at the outline are in or out by chance,
# so that the area of a field is right to a thousandth or so.
FINENESS = 1 / 32
# Of more polygons than this the outer outline alone is drawn.
MOST_DRAWN = 4
COMPUTED_AT_ONCE = 50

# A shape, and where it is pointed: RA, dec and position angle in degrees.
Aim = tuple[Shape, float, float, float]


def keep_footprints(aims: Iterable[Aim]) -> dict[Aim, int]:
    """Return the keys of footprints; store those that are missing, without their ranges."""
    wanted = {aim: _hash(aim) for aim in aims}
    hashes = list(wanted.values())
    known = _known(hashes)
    missing = {key: aim for aim, key in wanted.items() if key not in known}
    Footprint.objects.bulk_create(
        [
            Footprint(sha256=key, rings=_rings(aim), shape=_described(aim))
            for key, aim in missing.items()
        ],
        ignore_conflicts=True,
        batch_size=500,
    )
    known = _known(hashes) if missing else known
    return {aim: known[key] for aim, key in wanted.items()}


def due_footprints() -> Collection[int]:
    """The keys of some footprints whose ranges are not computed yet."""
    due = Footprint.objects.filter(ranges__isnull=True).order_by("pk")
    return list(due.values_list("pk", flat=True)[:COMPUTED_AT_ONCE])


def compute_ranges(keys: Collection[int]) -> int:
    """Compute the ranges of footprints; return how many had none. Safe to run twice.

    They count in the chances of their events' candidates from now on.
    """
    rows = list(Footprint.objects.filter(pk__in=keys, ranges__isnull=True).order_by("pk"))
    for row in rows:
        shape, ra, dec, angle = _aim(row.shape)
        ranges = footprint_ranges(
            shape, ra=ra, dec=dec, position_angle_deg=angle, fineness=FINENESS
        )
        row.ranges, row.area_deg2 = pack_ranges(ranges), covered_area(ranges)
    pointings = Pointing.objects.filter(footprint__in=rows, group=None, event__isnull=False)
    with transaction.atomic():
        note_changes(pointings.values_list("event_id", flat=True).distinct())
        Footprint.objects.bulk_update(rows, ["ranges", "area_deg2"], batch_size=100)
    return len(rows)


def forget_footprints(before: datetime) -> None:
    """Delete the footprints of pointings that were taken back before then."""
    Footprint.objects.filter(pointings=None, created__lt=before).delete()


def _known(hashes: Sequence[str]) -> dict[str, int]:
    rows = Footprint.objects.filter(sha256__in=hashes)
    return dict(rows.values_list("sha256", "pk"))


def _hash(aim: Aim) -> str:
    return hashlib.sha256(json.dumps(_described(aim), sort_keys=True).encode()).hexdigest()


def _described(aim: Aim) -> dict[str, Any]:
    shape, ra, dec, angle = aim
    return {
        "polygons": [[list(corner) for corner in each] for each in shape.polygons],
        "radius_deg": shape.radius_deg,
        "at": [round(ra, 5) % 360, round(dec, 5), round(angle, 3) % 360],
    }


def _aim(described: Mapping[str, Any]) -> Aim:
    polygons = tuple(tuple((x, y) for x, y in each) for each in described["polygons"])
    return (Shape(polygons, described["radius_deg"]), *described["at"])


def _rings(aim: Aim) -> list[list[list[float]]]:
    """Return the outline of a field; of one of many polygons the outer one."""
    shape, ra, dec, angle = aim
    drawn = shape if len(shape.polygons) <= MOST_DRAWN else Shape((_hull(shape),))
    rings = shape_outline(drawn, ra=ra, dec=dec, position_angle_deg=angle)
    step = 3 if shape.radius_deg else 1
    return [
        [[round(float(x), 3), round(float(y), 3)] for x, y in zip(*ring, strict=True)][::step]
        for ring in rings
    ]


def _hull(shape: Shape) -> tuple[tuple[float, float], ...]:
    """Return the corners of the smallest convex polygon that holds all of a field's."""
    places = sorted({corner for polygon in shape.polygons for corner in polygon})
    lower, upper = _half_hull(places), _half_hull(places[::-1])
    return (*lower[:-1], *upper[:-1])


def _half_hull(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    chain: list[tuple[float, float]] = []
    for place in places:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], place) <= 0:
            chain.pop()
        chain.append(place)
    return chain


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Say whether the way from a by b to c turns left (above 0)."""
    return float(np.subtract(b[0], a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
