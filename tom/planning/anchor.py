"""Where the field is pointed that sees the most probable place of a map: with no gap upon it."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from tom.planning.telescope import Telescope
from tom.sky import SkyMap, covered_probability, footprint_ranges, most_probable
from tom.sky.arrays import IntArray

NEAREST: Final = 4
"""So many of the detectors are tried, those next to the middle of the field."""
DEPTHS: Final = (0.25, 0.5, 1.0)
"""The place is put so far from the corner next to the middle towards a detector's own middle."""

Place = tuple[float, float]


def anchor_of(skymap: SkyMap, telescope: Telescope) -> Place:
    """Choose where to point one field so that it sees the most probable place.

    That is the place itself, unless a gap of the field lies there. Then one of the detectors next
    to the middle of the field is put on it: the one, and so far, that the field sees the most of
    the place's own cell of the map, and then the most probability.

    Returns
    -------
    tuple of float
        RA and dec, ICRS degrees.
    """
    peak = most_probable(skymap)
    if telescope.field.radius_deg:
        return peak
    row = int(np.argmax(skymap.probdensity))
    cell = int(skymap.start29[row]), int(skymap.stop29[row])

    def worth(place: Place) -> tuple[float, float]:
        ranges = _ranges(telescope, place)
        return _share(cell, ranges), covered_probability(skymap, ranges)

    if _share(cell, _ranges(telescope, peak)) == 1.0:
        return peak
    return max([peak, *_pointings(telescope, peak)], key=worth)


def _ranges(telescope: Telescope, place: Place) -> IntArray:
    angle = telescope.position_angle_deg
    return footprint_ranges(telescope.field, ra=place[0], dec=place[1], position_angle_deg=angle)


def _share(cell: tuple[int, int], ranges: IntArray) -> float:
    """Find which share of a cell, given by its first and last ids, lies in ranges."""
    start, stop = np.clip(ranges, *cell).T
    return float((stop - start).sum() / (cell[1] - cell[0]))


def _pointings(telescope: Telescope, peak: Place) -> Iterator[Place]:
    """Yield where to point the field so that its places in detectors lie on the peak."""
    turn = np.radians(telescope.position_angle_deg)
    for x, y in _places_in_detectors(telescope):
        east, north = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        dec = float(np.clip(peak[1] - north, -90, 90))
        yield float(peak[0] - east / max(np.cos(np.radians(dec)), 1e-3)) % 360, dec


def _places_in_detectors(telescope: Telescope) -> Iterator[Place]:
    """Yield places in the detectors next to the middle: degrees to the east and north of it."""
    corners = [np.asarray(each, dtype=np.float64) for each in telescope.field.polygons]
    flat = [np.column_stack([(each[:, 0] + 180) % 360 - 180, each[:, 1]]) for each in corners]
    nearest = sorted(flat, key=lambda each: float(np.hypot(*each.mean(axis=0))))[:NEAREST]
    for each in nearest:
        corner = each[np.argmin(np.hypot(each[:, 0], each[:, 1]))]
        for depth in DEPTHS:
            x, y = corner + depth * (each.mean(axis=0) - corner)
            yield float(x), float(y)
