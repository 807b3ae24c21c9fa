"""A sequence of exposures with the moves between them, into which more are put where they fit."""

from dataclasses import dataclass

import numpy as np

from tom.planning.telescope import Telescope
from tom.planning.wanted import ONCE, Visits
from tom.planning.windows import Windows
from tom.sky.arrays import FloatArray
from tom.sky.healpix import unit_vectors

# Where a field's first visit leaves no room for the later ones, so many other places are tried.
TRIES = 8


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an exposure fits: before which one, in which window, and by how much it delays it."""

    cost: float
    at: int
    window: int


class Route:
    """Exposures of fields in order. Each begins in one of its field's windows.

    An exposure is put between two others where the later ones are delayed least. Where each may
    begin at the earliest and at the latest is known, so one look at all gaps is enough. A field is
    put in with all of its visits; each begins its least time after the one before.
    """

    def __init__(
        self,
        telescope: Telescope,
        windows: Windows,
        ra: FloatArray,
        dec: FloatArray,
        visits: Visits = ONCE,
    ) -> None:
        self._telescope = telescope
        self._windows = windows
        self._each = visits
        self._vectors = unit_vectors(ra, dec)
        every = np.arange(len(ra) + 1)
        self._first = np.searchsorted(windows.field, every)
        self.fields: list[int] = []
        self.visits: list[int] = []  # of each exposure, from 0
        self._window: list[int] = []
        self._gap: list[float] = []  # before each exposure; 0 before the first
        self._early = np.empty(0)
        self._late = np.empty(0)

    @property
    def starts(self) -> FloatArray:
        """When each exposure begins, as early as possible, seconds after the plan's start."""
        return self._early

    def has_room(self, most: int) -> bool:
        """Whether one more field keeps the route within so many exposures."""
        return len(self.fields) + self._each.n <= most

    def insert(self, field: int) -> bool:
        """Put a field's exposures where they delay the others least; False: they fit nowhere."""
        return self._insert(field, visit=0, first=0)

    def _insert(self, field: int, *, visit: int, first: int) -> bool:
        """Put in a visit, not before place `first`, and those after it."""
        if visit == self._each.n:
            return True
        gaps = self._gaps_to(field, visit)
        for place in self._places(field, gaps, visit=visit, first=first):
            before = self._keep()
            self._put(field, place, gaps, visit=visit)
            if self._insert(field, visit=visit + 1, first=place.at + 1):
                return True
            self._restore(before)
        return False

    def _places(self, field: int, gaps: FloatArray, *, visit: int, first: int) -> list[_Place]:
        """Find where a visit may be put, the cheapest first; of equal ones the last in the route.

        The later visits take the cheapest place: only the first one leaves them others.
        """
        tries = TRIES if visit == 0 and self._each.n > 1 else 1
        found = []
        for window in range(self._first[field], self._first[field + 1]):
            cost = self._costs(window, gaps, visit=visit, first=first)
            order = np.lexsort((-np.arange(len(cost)), cost))[:tries].tolist()
            found += [_Place(float(cost[at]), at, window) for at in order if cost[at] < np.inf]
        return sorted(found, key=lambda each: (each.cost, each.window, -each.at))[:tries]

    def _put(self, field: int, place: _Place, gaps: FloatArray, *, visit: int) -> None:
        at = place.at
        self.fields.insert(at, field)
        self.visits.insert(at, visit)
        self._window.insert(at, place.window)
        self._gap.insert(at, float(gaps[at - 1]) if at else 0.0)
        if at + 1 < len(self.fields):
            self._gap[at + 1] = float(gaps[at])
        self._settle()

    def _keep(self) -> tuple[list[int], list[int], list[int], list[float]]:
        return self.fields[:], self.visits[:], self._window[:], self._gap[:]

    def _restore(self, kept: tuple[list[int], list[int], list[int], list[float]]) -> None:
        self.fields, self.visits, self._window, self._gap = kept
        self._settle()

    def _costs(self, window: int, gaps: FloatArray, *, visit: int, first: int) -> FloatArray:
        """Find by how much an exposure in each gap delays the next one, `(n + 1,)`, infinite: not.

        After the last one it is the time by which the whole grows. Whole milliseconds, so that of
        equal ones the last is taken: what was put in first, the most probable, is observed first.
        """
        exposure = self._telescope.exposure_s
        n = len(self.fields)
        ready = np.concatenate([[-np.inf], self._early + exposure + gaps])
        begin = np.maximum(self._windows.opens[window], ready)
        if visit:  # the one before stands at first - 1
            begin = np.maximum(begin, self._early[first - 1] + self._each.apart_s)
        after = np.append(begin[:n] + exposure + gaps, -np.inf)
        fits = (begin <= self._latest(window, visit)) & (after <= np.append(self._late, np.inf))
        fits[:first] = False
        delay = np.maximum(after[:n] - self._early, 0)
        ends = self._early[-1] + exposure if n else begin[0]
        grows = begin[n] + exposure - ends
        return np.where(fits, np.round(np.append(delay, grows), 3), np.inf)

    def _latest(self, window: int, visit: int) -> float:
        """Find when a visit begins at the latest so that its field stays up for those after it."""
        field = self._windows.field[window]
        last = self._windows.closes[self._first[field] : self._first[field + 1]].max()
        left = (self._each.n - 1 - visit) * self._each.apart_s
        return float(min(self._windows.closes[window], last - left))

    def _gaps_to(self, field: int, visit: int) -> FloatArray:
        here = self._vectors[field]
        there = self._vectors[np.asarray(self.fields, dtype=np.int64)]
        across = np.linalg.norm(np.cross(there, here), axis=-1)
        changes = np.zeros(len(there), dtype=np.bool_)
        if self._each.bands:
            changes[:] = [self._each.changes(visit, other) for other in self.visits]
        return self._telescope.gap_s(np.degrees(np.arctan2(across, there @ here)), changes)

    def _settle(self) -> None:
        """Find again when each exposure begins at the earliest and at the latest."""
        exposure, apart = self._telescope.exposure_s, self._each.apart_s
        opens, closes = (
            each[np.asarray(self._window, dtype=np.int64)].tolist()
            for each in (self._windows.opens, self._windows.closes)
        )
        before = self._visits_before()
        early, late, at = opens, closes, -np.inf
        for i, gap in enumerate(self._gap):
            early[i] = max(opens[i], at + exposure + gap)
            if (earlier := before[i]) is not None:
                early[i] = max(early[i], early[earlier] + apart)
            at = early[i]
        for i in range(len(late) - 1, -1, -1):
            if i + 1 < len(late):
                late[i] = min(late[i], late[i + 1] - exposure - self._gap[i + 1])
            if (earlier := before[i]) is not None:
                late[earlier] = min(late[earlier], late[i] - apart)
        self._early, self._late = np.array(early), np.array(late)

    def _visits_before(self) -> list[int | None]:
        """Find where the visit before each exposure stands; None: it is the first of its field."""
        last: dict[int, int] = {}
        before: list[int | None] = []
        for i, field in enumerate(self.fields):
            before.append(last.get(field))
            last[field] = i
        return before


def smallest_gap_s(telescope: Telescope, ra: FloatArray, dec: FloatArray) -> float:
    """Find the least time between exposures of two different fields, seconds."""
    from scipy.spatial import cKDTree

    if len(ra) < 2:
        return float(telescope.gap_s(0.0))
    vectors = unit_vectors(ra, dec)
    chord = float(cKDTree(vectors).query(vectors, k=2)[0][:, 1].min())
    return float(telescope.gap_s(np.degrees(2 * np.arcsin(min(chord / 2, 1.0)))))


def most_exposures(span_s: float, exposure_s: float, gap_s: float) -> int:
    """Find how many exposures fit into a span at most, with at least a gap between two."""
    if span_s + 1e-6 < exposure_s:
        return 0
    return int((span_s + gap_s) / (exposure_s + gap_s) + 1e-9)


def hulls(windows: Windows, n: int, exposure_s: float) -> tuple[FloatArray, FloatArray]:
    """Find the span of each field in which its exposure surely lies, `(n,)`, NaN: it has none."""
    begins, ends = np.full(n, np.nan), np.full(n, np.nan)
    np.fmin.at(begins, windows.field, windows.opens)
    np.fmax.at(ends, windows.field, windows.closes + exposure_s)
    return begins, ends
