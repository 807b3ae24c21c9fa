"""Store credible regions as ranges of sky, so that one query finds every region at a place."""

from collections import defaultdict
from collections.abc import Collection, Iterator

import numpy as np
from django.db import connection

from tom.events.localizations import skymaps_of
from tom.sky import credible_ranges
from tom.sky.arrays import IntArray

FIND = "SELECT localization_id, level, id FROM events_region WHERE localization_id = ANY(%s)"
READ = """
    SELECT region_id, first, stop FROM events_regionrange WHERE region_id = ANY(%s) ORDER BY first
"""
# A region is written with all its ranges at once. A second writer of the same region waits here
# until the first one has ended, and then writes nothing.
WRITE = """
    WITH ranges AS MATERIALIZED (
        SELECT * FROM unnest(%s::bigint[], %s::float8[], %s::bigint[], %s::bigint[])
        AS range (localization_id, level, first, stop)
    ), written AS (
        INSERT INTO events_region (localization_id, level)
        SELECT DISTINCT localization_id, level FROM ranges ORDER BY localization_id, level
        ON CONFLICT (localization_id, level) DO NOTHING RETURNING id, localization_id, level)
    INSERT INTO events_regionrange (region_id, first, stop)
    SELECT written.id, first, stop FROM written JOIN ranges USING (localization_id, level)
"""
# The key of a localization, and a credible level of its map (0 to 1).
RegionKey = tuple[int, float]


def regions_of(wanted: Collection[RegionKey]) -> dict[RegionKey, int]:
    """Return the keys of these regions; compute and store the regions that are missing.

    If all are stored, this is one query. A region follows from the map and the level only, so a
    stored region never changes.
    """
    known = _known(wanted)
    missing = set(wanted) - known.keys()
    if not missing:
        return known
    columns = zip(*_ranges(missing), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [list(column) for column in columns])
    return _known(wanted)


def ranges_in(regions: Collection[int]) -> dict[int, IntArray]:
    """Read these regions, by their keys.

    Returns
    -------
    dict
        Of each region its nested order-29 ranges `[first, stop)`: int64, shape `(k, 2)`, sorted,
        apart from each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ, [list(regions)])
        rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 3)
    return {key: rows[rows[:, 0] == key, 1:] for key in regions}


def _known(wanted: Collection[RegionKey]) -> dict[RegionKey, int]:
    with connection.cursor() as cursor:
        cursor.execute(FIND, [list({pk for pk, _ in wanted})])
        return {(pk, level): key for pk, level, key in cursor.fetchall()}


def _ranges(missing: Collection[RegionKey]) -> Iterator[tuple[int, float, int, int]]:
    levels: dict[int, list[float]] = defaultdict(list)
    for pk, level in missing:
        levels[pk].append(level)
    for pk, skymap in skymaps_of(levels):
        for level in levels[pk]:
            for first, stop in credible_ranges(skymap, level).tolist():
                yield pk, level, first, stop
