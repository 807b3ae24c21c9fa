"""What a plan is asked for: the span, the fields, and how often each is visited."""

from dataclasses import dataclass
from datetime import datetime

from tom.planning.grid import Places
from tom.sky.arrays import IntArray


@dataclass(frozen=True, slots=True)
class Visits:
    """How often each field is observed. A field counts only with all of its visits.

    Attributes
    ----------
    n
        How many exposures each field gets, from 1.
    apart_s
        The least time from the start of one to the start of the next, seconds.
    bands
        The band of each visit; empty: the telescope's for all.
    """

    n: int = 1
    apart_s: float = 0.0
    bands: tuple[str, ...] = ()

    @property
    def span_s(self) -> float:
        """The least time from the first visit's start to the last one's, seconds."""
        return (self.n - 1) * self.apart_s

    def band(self, visit: int, usual: str) -> str:
        """Return the band of a visit, counted from 0; `usual` is the telescope's."""
        return self.bands[visit] if self.bands else usual

    def changes(self, visit: int, other: int) -> bool:
        """Return whether the filter is changed between two visits, of whichever fields."""
        return bool(self.bands) and self.bands[visit] != self.bands[other]


ONCE = Visits()


@dataclass(frozen=True)
class Wanted:
    """What is planned.

    Attributes
    ----------
    start, end
        Of the span, aware. It may reach over the day into the next night.
    most
        How many pointings at most; None: as many as fit.
    grid
        Given fields, RA and dec in ICRS degrees; None: they are made.
    overlap, level
        Of fields that are made, as in `make_grid`.
    reach_mpc
        A source farther away counts nothing; infinite: every distance counts.
    covered
        Ranges of nested order-29 ids, sorted and apart, that need no observation.
    solver_seconds
        How long HiGHS may search; 0: it is not asked.
    visits
        How often each field is observed.
    """

    start: datetime
    end: datetime
    most: int | None = None
    grid: Places | None = None
    overlap: float = 0.0
    level: float = 0.99
    reach_mpc: float = float("inf")
    covered: IntArray | None = None
    solver_seconds: float = 10.0
    visits: Visits = ONCE
