"""Galaxies near many places at once: one query of HEALPix ranges, then a tree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from scipy.spatial import cKDTree

from tom.galaxies.models import DistanceKind
from tom.sky import merge_ranges
from tom.sky.arrays import BoolArray, FloatArray, IntArray
from tom.sky.healpix import ORDER, cells_around, unit_vectors

# The largest host within reach: ten half-light radii of NGC 4993 are 4 arcmin.
SEARCH_ARCSEC = 600.0
# Rows of two catalogues so near each other are the same galaxy.
SAME_ARCSEC = 5.0
# Of two rows for one galaxy, the one with the surer distance stays.
SUREST = (DistanceKind.SPECTROSCOPIC, DistanceKind.MEASURED, DistanceKind.PHOTOMETRIC, "")
NUMBERS = (
    *("ra", "dec", "distance_mpc", "distance_error_mpc", "diameter_arcsec", "axis_ratio"),
    *("position_angle_deg", "b_magnitude"),
)
READ = f"""
    SELECT c.name, g.number, g.name, g.distance_kind, {", ".join(f"g.{name}" for name in NUMBERS)}
    FROM unnest(%s::bigint[], %s::bigint[]) AS r (first, stop)
    CROSS JOIN LATERAL (
        SELECT * FROM galaxies_galaxy WHERE healpix29 >= r.first AND healpix29 < r.stop
        AND coalesce(distance_mpc, %s) BETWEEN %s AND %s
        OFFSET 0
    ) g
    JOIN galaxies_catalogue c ON c.id = g.catalogue_id
    ORDER BY c.id, g.id
"""  # noqa: S608  of our own text alone


@dataclass(frozen=True, eq=False)
class Nearby:
    """Galaxies as columns of shape `(g,)`; numbers in the units of `Galaxy`, NaN: not known."""

    catalogue: Sequence[str]
    number: Sequence[str]
    name: Sequence[str]
    kind: Sequence[str]
    numbers: dict[str, FloatArray]


def read_galaxies_near(ra: FloatArray, dec: FloatArray) -> Nearby:
    """Read all galaxies within `SEARCH_ARCSEC` of places, and some farther ones. One query."""
    cells, level = cells_around(ra, dec, radius_arcsec=SEARCH_ARCSEC)
    wanted = np.unique(cells[cells >= 0])
    shift = 2 * (ORDER - level)
    return read_galaxies_in(np.column_stack([wanted << shift, (wanted + 1) << shift]))


def read_galaxies_in(
    ranges: IntArray, *, nearest_mpc: float = 0.0, farthest_mpc: float = np.inf
) -> Nearby:
    """Read all galaxies within ranges of nested order-29 ids, shape `(k, 2)`. One query.

    Those alone whose distance lies within the bounds, or is not known.
    """
    merged = merge_ranges(ranges)
    ends = [merged[:, 0].tolist(), merged[:, 1].tolist()]
    with connection.cursor() as cursor:
        cursor.execute(READ, [*ends, nearest_mpc, nearest_mpc, farthest_mpc])
        rows = cursor.fetchall()
    catalogue, number, name, kind = ([str(row[at]) for row in rows] for at in range(4))
    values = np.array([row[4:] for row in rows], float).reshape(len(rows), len(NUMBERS))
    return Nearby(catalogue, number, name, kind, dict(zip(NUMBERS, values.T, strict=True)))


def pairs_of(ra: FloatArray, dec: FloatArray, found: Nearby) -> tuple[IntArray, IntArray]:
    """Return each place and galaxy within `SEARCH_ARCSEC` of each other, shape `(m,)` each.

    Of two rows for the same galaxy only the surer one is taken.
    """
    if not found.name:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    vectors = unit_vectors(found.numbers["ra"], found.numbers["dec"])
    tree = cKDTree(vectors)
    near = tree.query_ball_point(unit_vectors(ra, dec), _chord(SEARCH_ARCSEC))
    place = np.repeat(np.arange(len(ra)), [len(each) for each in near])
    galaxy = np.array([index for each in near for index in sorted(each)], np.int64)
    kept = ~_repeated(tree, found)[galaxy] if len(galaxy) else np.zeros(0, bool)
    return place[kept], galaxy[kept]


def _repeated(tree: cKDTree, found: Nearby) -> BoolArray:
    """Return which rows say what a surer row of another catalogue says, shape `(g,)`."""
    repeated = np.zeros(len(found.name), bool)
    if len(set(found.catalogue)) < 2:
        return repeated
    for one, other in sorted(tree.query_pairs(_chord(SAME_ARCSEC))):
        if found.catalogue[one] != found.catalogue[other]:
            less_sure = max((one, other), key=lambda row: (SUREST.index(found.kind[row]), row))
            repeated[less_sure] = True
    return repeated


def repeated(found: Nearby) -> BoolArray:
    """Return which galaxies a surer row of another catalogue repeats, shape `(g,)`."""
    vectors = unit_vectors(found.numbers["ra"], found.numbers["dec"])
    return _repeated(cKDTree(vectors), found) if found.name else np.zeros(0, bool)


def _chord(angle_arcsec: float) -> float:
    return float(2 * np.sin(np.radians(angle_arcsec / 3600) / 2))
