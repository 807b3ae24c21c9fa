"""Looks at a member's part of the sky that others' alerts tell of, and that it has no alert of.

An alert tells what was seen at its place before it, never what was not seen after. But the alerts
of its neighbours tell that the same part of the sky was looked at again. A source that gives no
alert then was dark, or its place was not covered: it lay in a gap, or beyond the edge.
"""

from typing import Final

import numpy as np

from tom.ranking.visits import ONE_LOOK_DAYS, Visits
from tom.ranking.weighing import BoolArray, FloatArray, IntArray

# The chance that a look at a member's part of the sky misses its place: it is one chance for all
# looks, since a survey comes back to the same fields.
NOT_COVERED = 0.15
# A look counts if so many members tell of it: a camera that was pointed at one saw no other.
TOLD_BY = 2
# Looks in so many days before the newest one do not count yet: their alerts may still come.
LATE_DAYS: Final = 0.5 / 24
# Looks at one cell within a minute are one exposure.
EXPOSURE_DAYS = 1 / 1440


def exposures(visits: Visits, looks: IntArray, cell: IntArray, *, told_by: int = 1) -> IntArray:
    """Of these points, return the deepest of each exposure of a cell: by cell, minute and band.

    `cell` has the cell of each point, shape (m,). Exposures that fewer than `told_by` of the points
    tell of are left out.
    """
    band, minute = visits.band[looks], np.rint(visits.days[looks] / EXPOSURE_DAYS).astype(np.int64)
    order = np.lexsort((-visits.limit[looks], band, minute, cell[looks]))
    columns = np.stack([cell[looks], minute, band])[:, order]
    is_new = np.append(True, (columns[:, 1:] != columns[:, :-1]).any(0))[: len(looks)]
    first = np.flatnonzero(is_new)
    told = np.diff(first, append=len(looks)) >= told_by
    return np.asarray(looks[order][first[told]])


def looks_beside(visits: Visits, cell: IntArray, is_public: BoolArray) -> Visits:
    """Find the looks at each member's cell after its own last point; all of them saw nothing.

    Parameters
    ----------
    visits
        The members' own points.
    cell, is_public
        The cell of each member, and whether everybody knows its points, shape (n,). The points of
        the others tell nothing.
    """
    last = _last_days(visits, len(cell))
    known = np.isfinite(visits.limit) & is_public[visits.row]
    until = np.max(visits.days, where=known, initial=-np.inf) - LATE_DAYS
    known &= visits.days <= until
    point = exposures(visits, np.flatnonzero(known), cell[visits.row], told_by=TOLD_BY)
    of, days = cell[visits.row[point]], visits.days[point]
    order = np.lexsort((days, of))
    point, of, days = point[order], of[order], days[order]
    start, end = _later(of, days, cell, last)
    count = np.where(np.isnan(last), 0, end - start)
    row = np.repeat(np.arange(len(cell)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return _deepest(visits.take(point[np.repeat(start, count) + offset]), row)


def _last_days(visits: Visits, n: int) -> FloatArray:
    """The time just after each member's last point, in days, shape (n,); NaN: it has none."""
    last = np.full(n, np.nan)
    last[visits.row] = visits.days + EXPOSURE_DAYS  # they are in order of time
    return last


def _later(
    of: IntArray, days: FloatArray, cell: IntArray, last: FloatArray
) -> tuple[IntArray, IntArray]:
    """Where the looks at each member's cell later than its last point begin and end.

    `of` and `days` are the cells and times of the looks, in order.
    """
    both = np.lexsort((np.append(days, last), np.append(of, cell)))
    is_look = both < len(of)
    start = np.empty(len(cell), np.int64)
    start[both[~is_look] - len(of)] = np.cumsum(is_look)[~is_look]
    return start, np.searchsorted(of, cell, side="right")


def _deepest(looks: Visits, row: IntArray) -> Visits:
    """Keep the deepest look of each member in each band and part of a day, as one without light.

    The parts are `ONE_LOOK_DAYS` long.
    """
    part = np.floor(looks.days / ONE_LOOK_DAYS).astype(np.int64)
    order = np.lexsort((-looks.limit, looks.band, part, row))
    columns = np.stack([row, part, looks.band])[:, order]
    is_new = np.append(True, (columns[:, 1:] != columns[:, :-1]).any(0))[: len(order)]
    nothing = np.full(int(is_new.sum()), np.nan)
    chosen = order[is_new]
    return looks.take(chosen)._replace(row=row[chosen], magnitude=nothing, error=nothing)
