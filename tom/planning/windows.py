"""When in a night a telescope can begin an exposure of each field, and why it cannot."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tom.planning.telescope import Telescope
from tom.planning.wanted import Visits
from tom.sky import mjd_of, observable_between
from tom.sky.arrays import FloatArray, IntArray

STEP_MINUTES = 1.0
WHY = {
    "dark": "no dark time between start and end",
    "high": "too low",
    "moon": "too near the Moon",
}
TOO_SHORT = "not up for a whole exposure"


@dataclass(frozen=True, eq=False)
class Windows:
    """Spans in which an exposure may begin, in seconds after the plan's start.

    Attributes
    ----------
    field
        int64, `(w,)`, ascending: whose span.
    opens, closes
        float64, `(w,)`: the first and the last moment at which an exposure may begin.
    why_not
        Of each field why it has no span; "": it has one.
    """

    field: IntArray
    opens: FloatArray
    closes: FloatArray
    why_not: tuple[str, ...]

    def only(self, kept: IntArray) -> "Windows":
        """Keep the windows of some fields, ascending, which are numbered anew."""
        rows = np.isin(self.field, kept)
        field = np.searchsorted(kept, self.field[rows]).astype(np.int64)
        why_not = tuple(self.why_not[each] for each in kept.tolist())
        return Windows(field, self.opens[rows], self.closes[rows], why_not)


def find_windows(
    telescope: Telescope, ra: FloatArray, dec: FloatArray, *, start: datetime, end: datetime
) -> Windows:
    """Find when each field keeps all limits for a whole exposure, between two moments.

    Limits are looked at each minute, at the first and at the last too.
    """
    night = observable_between(
        telescope.site,
        ra=ra,
        dec=dec,
        start=start,
        end=end,
        constraints=telescope.constraints,
        step_minutes=STEP_MINUTES,
    )
    edges = np.diff(np.pad(night.observable.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    field, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1] - 1
    seconds = (night.mjd - mjd_of(start)) * 86400
    opens, closes = seconds[first], seconds[last] - telescope.exposure_s
    long = closes >= opens
    has_one = np.isin(np.arange(len(ra)), field[long])
    why_not = tuple(
        "" if known else WHY.get(night.limit(row), TOO_SHORT)
        for row, known in enumerate(has_one.tolist())
    )
    return Windows(field[long].astype(np.int64), opens[long], closes[long], why_not)


def long_enough(windows: Windows, visits: Visits) -> Windows:
    """Keep the windows of fields that are up for all visits; say of the others why not."""
    if not visits.span_s:
        return windows
    n = len(windows.why_not)
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, windows.field, windows.opens)
    np.maximum.at(last, windows.field, windows.closes)
    is_long = last - first >= visits.span_s
    why = f"not up long enough for {visits.n} visits"
    why_not = tuple(
        said or ("" if fits else why)
        for said, fits in zip(windows.why_not, is_long.tolist(), strict=True)
    )
    kept = is_long[windows.field]
    return Windows(windows.field[kept], windows.opens[kept], windows.closes[kept], why_not)


def endless(n: int, end_s: float) -> Windows:
    """Return the windows of n fields that can always be observed, until a moment."""
    every = np.arange(n, dtype=np.int64)
    return Windows(every, np.zeros(n), np.full(n, end_s), ("",) * n)
