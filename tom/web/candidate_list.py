"""An event's list of candidates as one person looks at it: all of them, and the best."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import (
    Case,
    F,
    QuerySet,
)
from django.db.models.expressions import Combinable

from tom.candidates.looks import last_look, note_look
from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import Given, kept_query
from tom.ranking.chances import Scale
from tom.strategies.models import Strategy
from tom.strategies.services import strategy_of
from tom.targets.visible import Reader, reader_of
from tom.web.best_first import Placed, best_first, placed
from tom.web.chances import scale_of
from tom.web.costs import Observer, observers
from tom.web.known import (
    count_ranks,
    place_of,
    programs_of,
    seen_by,
    standing_of,
)
from tom.web.places import Place
from tom.web.vettings import not_rejected, vetted_privately, vetting_of

# So many of the best are shown wherever they lie: one true counterpart in ten lies outside of a
# 90% region.
BEST_SHOWN = 5
# So many stand on the map.
SPOTS_SHOWN = 100
# So many of a list are cut into pages: a hundred pages. Of those behind the page that is shown so
# many are counted: to find them all takes most of the time.
MOST_LISTED = 3_000
PAGES_AHEAD = 9


class SpotRow(NamedTuple):
    """A candidate as the map shows it; the place in degrees (ICRS), None where it is not known."""

    name: str
    rank: int | None
    target_id: int
    ra: float | None
    dec: float | None
    posterior: float | None


@dataclass(frozen=True)
class CandidateList:
    """An event's candidates as one person looks at them, at a moment.

    `level_shown` is the credible level of the region that is shown by itself; `since` is when the
    person looked before, None where they never did. `strategy` is how the list is made.
    """

    event: NonLocalizedEvent
    user: User
    now: datetime
    level_shown: float
    since: datetime | None
    strategy: Strategy | None = None

    @property
    def programs(self) -> list[int]:
        """The private programs that the person may read."""
        return programs_of(self.user)

    @property
    def scale(self) -> Scale:
        """What turns weights into chances for the person."""
        return scale_of(self.event, self.user)

    @property
    def is_settled(self) -> bool:
        """Whether nothing can be the event's counterpart, as of a retracted one."""
        return self.event.retracted or self.scale.is_empty

    @cached_property
    def observers(self) -> list[Observer]:
        """The telescopes whose minutes an observation of a candidate costs."""
        return observers()

    @cached_property
    def vetting(self) -> F | Case:
        """A candidate's vetting as the person sees it."""
        return vetting_of(self.user, self.privately)

    @cached_property
    def privately(self) -> set[int]:
        """The candidates of which something was said privately."""
        return vetted_privately([self.event.pk])

    @cached_property
    def counted(self) -> dict[Place, int]:
        """How many candidates stand above some places, as far as they were counted."""
        return {}

    def everything(self) -> QuerySet[EventCandidate]:
        """All that the person may see, joined with what they know of it."""
        return self._everything.all()

    def each(self) -> QuerySet[EventCandidate]:
        """As `everything`, for a query that few fit or that ends after some thousand.

        Not to be looked in by another query: the database would ask of each row of that.
        """
        return self._each.all()

    @cached_property
    def _everything(self) -> QuerySet[EventCandidate]:
        return seen_by(self.user).filter(event=self.event)

    @cached_property
    def _each(self) -> QuerySet[EventCandidate]:
        return seen_by(self.user, one_by_one=True).filter(event=self.event)

    def is_any(self) -> bool:
        """Whether the person sees any candidate: one is looked for, not all rights read."""
        return self.each().exists()

    def not_rejected(self) -> QuerySet[EventCandidate]:
        """All but what is rejected, as the person sees it, best first."""
        return in_order(self.each().filter(not_rejected(self.vetting)), self.programs)

    @cached_property
    def spots(self) -> list[int]:
        """The best that are not rejected, wherever they lie; those without a rank come last."""
        return [row.pk for row in self._best]

    @cached_property
    def best(self) -> list[int]:
        """The best few with a rank that are not rejected, wherever they lie."""
        return [row.pk for row in self._best[:BEST_SHOWN] if row.rank is not None]

    def read_spots(self) -> list[SpotRow]:
        """The spots as the person knows them; the rank counts what they may see."""
        placed = {(self.event.pk, row.rank) for row in self._best if row.rank is not None}
        above = count_ranks(placed, self.user, counted=self.counted)
        ranks = {row.pk: above[self.event.pk, row.rank] + 1 for row in self._best if row.rank}
        scale = self.scale
        return [_spot(row, ranks.get(row.pk), scale) for row in self._best]

    @cached_property
    def _best(self) -> list[Placed]:
        place = (place_of(name, "target", self.programs) for name in ("ra", "dec"))
        more = (F("target__name"), F("target_id"), *place, standing_of("log_weight", self.programs))
        return self.best_unrejected(SPOTS_SHOWN, more=more)

    def best_unrejected(self, most: int, *, more: tuple[Combinable, ...]) -> list[Placed]:
        """The first `most` that are not rejected, as of `find_best`."""
        reader = reader_of(self.user)
        return placed(_best_unrejected(reader, self.vetting, most, more, event=self.event.pk))


@kept_query
def _best_unrejected(
    reader: Reader, vetting: F | Case, most: int, more: tuple[Combinable, ...], *, event: Given
) -> QuerySet[EventCandidate, Any]:
    seen = seen_by(reader.user, one_by_one=True).filter(event=event)
    rows, programs = seen.filter(not_rejected(vetting)), programs_of(reader.user)
    return best_first(rows, event, programs, most=most, more=more)


def _spot(row: Placed, rank: int | None, scale: Scale) -> SpotRow:
    name, target_id, ra, dec, weight = row.more
    return SpotRow(name, rank, target_id, ra, dec, scale.chance(weight))


def open_list(event: NonLocalizedEvent, user: User, *, now: datetime) -> CandidateList:
    """An event's list for somebody, by the event's strategy and the person's last look."""
    return _open_list(event, user, now=now, since=last_look(user, event))


def look_at_list(event: NonLocalizedEvent, user: User, *, now: datetime) -> CandidateList:
    """Open an event's list for somebody, and note that they look at the event now."""
    return _open_list(event, user, now=now, since=note_look(user, event, now=now))


def _open_list(
    event: NonLocalizedEvent, user: User, *, now: datetime, since: datetime | None
) -> CandidateList:
    strategy = strategy_of(event)
    return CandidateList(
        event=event,
        user=user,
        now=now,
        level_shown=strategy.level_shown,
        since=since,
        strategy=strategy,
    )


def in_order(rows: QuerySet[EventCandidate], programs: Collection[int]) -> QuerySet[EventCandidate]:
    """Candidates of `seen_by` best first, by what a reader of these programs knows."""
    rank = standing_of("rank", programs).asc(nulls_last=True)
    return rows.order_by(rank, "pk")
