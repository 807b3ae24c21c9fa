"""Looks at a member's place that others' alerts tell of, and that it has no alert of.

An alert tells what was seen at its place before it, never what was not seen after. But the alerts
of others tell that the same field, or the same part of the sky, was looked at again. A source that
gives no alert then was dark, or its place was not covered: it lay in a gap, or beyond the edge.
"""

from typing import Final

import numpy as np

from tom.ranking.visits import ONE_LOOK_DAYS, Visits
from tom.ranking.weighing import BoolArray, FloatArray, IntArray

# The chance that a look at a member's part of the sky misses its place: it is one chance for all
# looks, since a survey comes back to the same fields.
NOT_COVERED = 0.15
# The same for looks at a fixed field in which the member was seen before: its place is in no gap,
# but may lie at the edge of one.
NOT_COVERED_AGAIN = 0.03
# A look counts if so many members tell of it: a camera that was pointed at one saw no other.
TOLD_BY = 2
# Looks in so many days before the newest one do not count yet: their alerts may still come.
LATE_DAYS: Final = 0.5 / 24
# Looks at one cell within a minute are one exposure.
EXPOSURE_DAYS = 1 / 1440


def exposures(
    visits: Visits, looks: IntArray, cell: IntArray, *, told_by: int = 1, shallower: float = 0.0
) -> IntArray:
    """Of these points, return one of each exposure of a cell: by cell, minute and band.

    `cell` has the cell of each point, shape (m,). Exposures that fewer than `told_by` of the points
    tell of are left out. The point is the deepest, or that with the share `shallower` of the others
    deeper than it, at least.
    """
    band, minute = visits.band[looks], np.rint(visits.days[looks] / EXPOSURE_DAYS).astype(np.int64)
    order = np.lexsort((-visits.limit[looks], band, minute, cell[looks]))
    columns = np.stack([cell[looks], minute, band])[:, order]
    is_new = np.append(True, (columns[:, 1:] != columns[:, :-1]).any(0))[: len(looks)]
    first = np.flatnonzero(is_new)
    told = np.diff(first, append=len(looks))
    chosen = first + np.ceil(shallower * (told - 1)).astype(np.int64)
    return np.asarray(looks[order][chosen[told >= told_by]])


def looks_beside(visits: Visits, cell: IntArray, is_public: BoolArray) -> Visits:
    """Find the looks at each member's place after its own last point; all of them saw nothing.

    Parameters
    ----------
    visits
        The members' own points.
    cell, is_public
        The cell of each member, and whether everybody knows its points, shape (n,). The points of
        the others tell nothing.

    Returns
    -------
    Visits
        By member. Their `field` is -1 for looks at the member's cell, 0 for those at a field in
        which it was seen.
    """
    last = _last_days(visits, len(cell))
    known = np.isfinite(visits.limit) & is_public[visits.row]
    until = np.max(visits.days, where=known, initial=-np.inf) - LATE_DAYS
    known &= visits.days <= until
    in_field = np.flatnonzero(known & (visits.field >= 0))
    deep = exposures(visits, in_field, visits.field, told_by=TOLD_BY, shallower=0.5)
    # Each member with each field in which it was seen, as one number; the fields in order.
    fields, number = np.unique(visits.field, return_inverse=True)
    pair = visits.row * len(fields) + number
    pairs = np.unique(pair[visits.field >= 0])
    row, field = pairs // max(len(fields), 1), fields[pairs % max(len(fields), 1)]
    again = _looks_at(visits, deep, visits.field, (row, field, last[row]))
    near = exposures(visits, np.flatnonzero(known), cell[visits.row], told_by=TOLD_BY)
    members = np.arange(len(cell)), cell, last
    about = _looks_at(visits, near, cell[visits.row], members)
    is_other = ~np.isin(about.row * len(fields) + np.searchsorted(fields, about.field), pairs)
    both = about.take(np.flatnonzero(is_other))._replace(field=np.full(is_other.sum(), -1))
    return _deepest(both.join(again._replace(field=np.zeros(len(again.row), np.int64))))


def _last_days(visits: Visits, n: int) -> FloatArray:
    """The time just after each member's last point, in days, shape (n,); NaN: it has none."""
    last = np.full(n, np.nan)
    last[visits.row] = visits.days + EXPOSURE_DAYS  # they are in order of time
    return last


def _looks_at(
    visits: Visits,
    point: IntArray,
    cell: IntArray,
    members: tuple[IntArray, IntArray, FloatArray],
) -> Visits:
    """Of these points, return those in a member's cell after its last: by the rows of `members`.

    `cell` has the cell of each point, shape (m,). `members` are rows, cells and last times.
    """
    rows, cells, last = members
    of, days = cell[point], visits.days[point]
    order = np.lexsort((days, of))
    point, of, days = point[order], of[order], days[order]
    start, end = _later(of, days, cells, last)
    count = np.where(np.isnan(last), 0, end - start)
    at = np.repeat(np.arange(len(rows)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return visits.take(point[np.repeat(start, count) + offset])._replace(row=rows[at])


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


def _deepest(looks: Visits) -> Visits:
    """Keep the deepest look of each member in each band and part of a day, as one without light.

    The parts are `ONE_LOOK_DAYS` long.
    """
    part = np.floor(looks.days / ONE_LOOK_DAYS).astype(np.int64)
    order = np.lexsort((-looks.limit, looks.band, part, looks.field, looks.row))
    columns = np.stack([looks.row, looks.field, part, looks.band])[:, order]
    is_new = np.append(True, (columns[:, 1:] != columns[:, :-1]).any(0))[: len(order)]
    nothing = np.full(int(is_new.sum()), np.nan)
    return looks.take(order[is_new])._replace(magnitude=nothing, error=nothing)
