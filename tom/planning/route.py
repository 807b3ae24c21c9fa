"""A sequence of exposures with the moves between them, into which more are put where they fit."""

import numpy as np

from tom.planning.telescope import Telescope
from tom.planning.windows import Windows
from tom.sky.arrays import FloatArray
from tom.sky.healpix import unit_vectors


class Route:
    """Exposures of fields in order. Each begins in one of its field's windows.

    An exposure is put between two others where the later ones are delayed least. Where each may
    begin at the earliest and at the latest is known, so one look at all gaps is enough.
    """

    def __init__(
        self, telescope: Telescope, windows: Windows, ra: FloatArray, dec: FloatArray
    ) -> None:
        self._telescope = telescope
        self._windows = windows
        self._vectors = unit_vectors(ra, dec)
        every = np.arange(len(ra) + 1)
        self._first = np.searchsorted(windows.field, every)
        self.fields: list[int] = []
        self._window: list[int] = []
        self._gap: list[float] = []  # before each exposure; 0 before the first
        self._early = np.empty(0)
        self._late = np.empty(0)

    @property
    def starts(self) -> FloatArray:
        """When each exposure begins, as early as possible, seconds after the plan's start."""
        return self._early

    def insert(self, field: int) -> bool:
        """Put an exposure of a field where it delays the others least; False: it fits nowhere."""
        gaps = self._gaps_to(field)
        best: tuple[float, int, int] | None = None
        for window in range(self._first[field], self._first[field + 1]):
            cost = self._costs(window, gaps)
            place = len(cost) - 1 - int(np.argmin(cost[::-1]))
            if cost[place] < np.inf and (best is None or cost[place] < best[0]):
                best = (float(cost[place]), place, window)
        if best is None:
            return False
        _, place, window = best
        self.fields.insert(place, field)
        self._window.insert(place, window)
        self._gap.insert(place, float(gaps[place - 1]) if place else 0.0)
        if place + 1 < len(self.fields):
            self._gap[place + 1] = float(gaps[place])
        self._settle()
        return True

    def _costs(self, window: int, gaps: FloatArray) -> FloatArray:
        """Find by how much an exposure in each gap delays the next one, `(n + 1,)`, infinite: not.

        After the last one it is the time by which the whole grows. Whole milliseconds, so that of
        equal ones the last is taken: what was put in first, the most probable, is observed first.
        """
        exposure = self._telescope.exposure_s
        n = len(self.fields)
        ready = np.concatenate([[-np.inf], self._early + exposure + gaps])
        begin = np.maximum(self._windows.opens[window], ready)
        after = np.append(begin[:n] + exposure + gaps, -np.inf)
        fits = (begin <= self._windows.closes[window]) & (after <= np.append(self._late, np.inf))
        delay = np.maximum(after[:n] - self._early, 0)
        ends = self._early[-1] + exposure if n else begin[0]
        grows = begin[n] + exposure - ends
        return np.where(fits, np.round(np.append(delay, grows), 3), np.inf)

    def _gaps_to(self, field: int) -> FloatArray:
        here = self._vectors[field]
        there = self._vectors[np.asarray(self.fields, dtype=np.int64)]
        across = np.linalg.norm(np.cross(there, here), axis=-1)
        return self._telescope.gap_s(np.degrees(np.arctan2(across, there @ here)))

    def _settle(self) -> None:
        """Find again when each exposure begins at the earliest and at the latest."""
        exposure = self._telescope.exposure_s
        opens, closes = (
            each[np.asarray(self._window)].tolist()
            for each in (self._windows.opens, self._windows.closes)
        )
        early, late, at = opens, closes, -np.inf
        for i, gap in enumerate(self._gap):
            early[i] = max(opens[i], at + exposure + gap)
            at = early[i]
        for i in range(len(late) - 2, -1, -1):
            late[i] = min(closes[i], late[i + 1] - exposure - self._gap[i + 1])
        self._early, self._late = np.array(early), np.array(late)


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
