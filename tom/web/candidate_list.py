"""An event's list of candidates: which it shows and in which order, as its address says."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import (
    Case,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, LessThanOrEqual
from django.http import QueryDict
from tom_targets.models import TargetName

from tom.candidates.looks import last_look, note_look
from tom.candidates.models import EventCandidate, Vetting
from tom.events.models import NonLocalizedEvent
from tom.ranking.chances import Scale
from tom.strategies.services import strategy_of
from tom.targets.search import find_few_by_part
from tom.web.best_first import Placed, find_best
from tom.web.candidate_order import Turn, first_in_turn, is_long, one_of
from tom.web.chances import scale_of, width_of
from tom.web.known import (
    count_ranks,
    figure_of,
    place_of,
    programs_of,
    seen_by,
    standing_of,
)
from tom.web.news import find_moved
from tom.web.places import Place
from tom.web.said import read_said
from tom.web.up_now import find_up
from tom.web.vettings import not_rejected, vetting_of

# So many of the best are shown wherever they lie: one true counterpart in ten lies outside of a
# 90% region.
BEST_SHOWN = 5
# So many stand on the map.
SPOTS_SHOWN = 100
# So many of a list are cut into pages: a hundred pages. Of those behind the page that is shown so
# many are counted: to find them all takes most of the time.
MOST_LISTED = 3_000
PAGES_AHEAD = 9
LONGEST_TEXT = 100
# So few that a filter by a text, or by what brokers say, asks for are read at once.
FEW = 5_000

ORDERS = ("rank", "decide", "chance", "name", "level", "magnitude", "newest")
# Those whose largest comes first; a minus before an order's name turns it round.
FALLING = {"decide", "chance", "newest"}
# A rank is the place by chance.
BEST_FIRST = (Turn("rank", falls=False), Turn("chance", falls=True))
NAMED_ORDERS = (
    ("", "best first"),
    ("decide", "observe to decide"),
    ("level", "credible level"),
    ("magnitude", "brightest"),
    ("newest", "seen last"),
)


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
    person looked before, None where they never did.
    """

    event: NonLocalizedEvent
    user: User
    now: datetime
    level_shown: float
    since: datetime | None

    @property
    def programs(self) -> list[int]:
        """The private programs that the person may read."""
        return programs_of(self.user)

    @property
    def scale(self) -> Scale:
        """What turns weights into chances for the person."""
        return scale_of(self.event, self.user)

    @cached_property
    def vetting(self) -> F | Case:
        """A candidate's vetting as the person sees it."""
        return vetting_of(self.user, [self.event])

    @cached_property
    def counted(self) -> dict[Place, int]:
        """How many candidates stand above some places, as far as they were counted."""
        return {}

    def everything(self) -> QuerySet[EventCandidate]:
        """All that the person may see, joined with what they know of it."""
        return self._everything.all()

    @cached_property
    def _everything(self) -> QuerySet[EventCandidate]:
        return seen_by(self.user).filter(event=self.event)

    def not_rejected(self) -> QuerySet[EventCandidate]:
        """All but what is rejected, as the person sees it, best first."""
        return in_order(self.everything().filter(not_rejected(self.vetting)), self.programs)

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
        return [self._spot(row, ranks.get(row.pk)) for row in self._best]

    def _spot(self, row: Placed, rank: int | None) -> SpotRow:
        target_id, ra, dec, weight = row.more
        return SpotRow(row.name, rank, target_id, ra, dec, self.scale.chance(weight))

    @cached_property
    def _best(self) -> list[Placed]:
        rows = self.everything().filter(not_rejected(self.vetting))
        place = (place_of(name, "target", self.programs) for name in ("ra", "dec"))
        more = (F("target_id"), *place, standing_of("log_weight", self.programs))
        return find_best(rows, self.event, self.programs, most=SPOTS_SHOWN, more=more)


def open_list(event: NonLocalizedEvent, user: User, *, now: datetime) -> CandidateList:
    """An event's list for somebody, by the event's strategy and the person's last look."""
    return _open_list(event, user, now=now, since=last_look(user, event))


def look_at_list(event: NonLocalizedEvent, user: User, *, now: datetime) -> CandidateList:
    """Open an event's list for somebody, and note that they look at the event now."""
    return _open_list(event, user, now=now, since=note_look(user, event, now=now))


def _open_list(
    event: NonLocalizedEvent, user: User, *, now: datetime, since: datetime | None
) -> CandidateList:
    shown = strategy_of(event).level_shown
    return CandidateList(event=event, user=user, now=now, level_shown=shown, since=since)


def find_candidates(
    listing: CandidateList, query: QueryDict, *, kept: Collection[int] = ()
) -> QuerySet[EventCandidate]:
    """The candidates that the page's filters ask for, in its order.

    Those in `kept` stay, whatever the filters say.
    """
    rows = _choose(listing, query, kept)
    return rows.order_by(*_order(_turn(query.get("order", "")), listing))


def find_first(
    listing: CandidateList, query: QueryDict, *, most: int, kept: Collection[int] = ()
) -> list[int]:
    """The keys of the first `most` of the candidates that `find_candidates` finds."""
    event, programs = listing.event, listing.programs
    rows = _choose(listing, query, kept)
    turn = _turn(query.get("order", ""))
    if turn in BEST_FIRST:
        return [row.pk for row in find_best(rows, event, programs, most=most)]
    rows = rows.order_by(*_order(turn, listing))
    if is_long(event):
        figures = _column(turn.name, listing), standing_of("rank", programs)
        found = first_in_turn(
            rows, event, programs, turn, figures=figures, scale=listing.scale, most=most
        )
        if found is not None:
            return found
    return list(rows.values_list("pk", flat=True)[:most])


def _choose(
    listing: CandidateList, query: QueryDict, kept: Collection[int]
) -> QuerySet[EventCandidate]:
    chosen = (
        _by_verdict(listing, query)
        & _by_region(listing, query)
        & _by_text(listing.event, query)
        & _by_said(listing.event, query, listing.programs)
        & _by_news(listing, query)
        & find_up(query.get("up", ""), listing.programs, now=listing.now)
    )
    if kept and chosen:  # no filter at all hides nothing
        chosen |= Q(pk__in=kept)
    return listing.everything().filter(chosen)


def in_order(rows: QuerySet[EventCandidate], programs: Collection[int]) -> QuerySet[EventCandidate]:
    """Candidates of `seen_by` best first, by what a reader of these programs knows."""
    rank = standing_of("rank", programs).asc(nulls_last=True)
    return rows.order_by(rank, F("target__name").asc())


def order_choices(asked: str) -> list[tuple[str, str]]:
    """The orders to choose from, with that of a column where the address asks for it."""
    is_by_column = asked.removeprefix("-") in ORDERS and asked not in dict(NAMED_ORDERS)
    return [*NAMED_ORDERS, *([(asked, "as the columns say")] if is_by_column else [])]


def _turn(asked: str) -> Turn:
    """The order that an address names; a minus turns it round."""
    name = asked.removeprefix("-")
    if name not in ORDERS:
        return Turn("rank", falls=False)
    return Turn(name, falls=(name in FALLING) != asked.startswith("-"))


def _order(turn: Turn, listing: CandidateList) -> tuple[Any, ...]:
    """How the list is put in order, by what its reader knows.

    What is not known stays last either way.
    """
    first = OrderBy(_column(turn.name, listing), descending=turn.falls, nulls_last=True)
    # No two targets have one name: the rank decides nothing there.
    alike = turn.name in ("rank", "name")
    rank = [] if alike else [standing_of("rank", listing.programs).asc(nulls_last=True)]
    return first, *rank, F("target__name").asc()


def _column(name: str, listing: CandidateList) -> Any:
    programs = listing.programs
    match name:
        case "decide":
            weights = [standing_of(f"log_weight{end}", programs) for end in ("", "_low", "_high")]
            return width_of(weights, listing.scale)
        case "chance":
            return standing_of("log_weight", programs)
        case "name":
            # As an expression: along the index of names it would look for an event's few among all.
            return Coalesce(F("target__name"), Value(""))
        case "level":
            return standing_of("credible_level_2d", programs)
        case "magnitude":
            return figure_of("last_magnitude", "target", programs)
        case "newest":
            return figure_of("last_detection", "target", programs)
        case _:
            return standing_of("rank", programs)


def _by_verdict(listing: CandidateList, query: QueryDict) -> Q:
    asked = query.get("vetting", "")
    if asked in Vetting.values:
        return Q(Exact(listing.vetting, asked))
    return Q() if asked == "all" else not_rejected(listing.vetting)


def _by_region(listing: CandidateList, query: QueryDict) -> Q:
    if query.get("region") == "all":
        return Q()
    level = standing_of("credible_level_2d", listing.programs)
    return Q(LessThanOrEqual(level, listing.level_shown)) | Q(pk__in=listing.best)


def _by_text(event: NonLocalizedEvent, query: QueryDict) -> Q:
    """What has a text in its name. A few are read first: in order of rank each would be tried."""
    text = query.get("q", "").strip()[:LONGEST_TEXT]
    if not text:
        return Q()
    # Of each candidate its own aliases: the table holds those of all targets.
    aliases = TargetName.objects.filter(target=OuterRef("target"), name__icontains=text)
    named = Q(target__name__icontains=text) | Q(target__summary__host_name__icontains=text)
    named |= Q(Exists(aliases))
    rows = EventCandidate.objects.filter(event=event)
    targets = find_few_by_part(text)
    rows = rows.filter(named) if targets is None else rows.filter(target__in=one_of(targets))
    few = list(rows.values_list("pk", flat=True)[: FEW + 1])
    return Q(pk__in=few) if len(few) <= FEW else named


def _by_said(event: NonLocalizedEvent, query: QueryDict, programs: Collection[int]) -> Q:
    """What brokers say. Of a few targets by their keys: else all candidates would be tried."""
    said = read_said(query)
    if not said:
        return Q()
    few = list(said.targets(programs).values_list("target", flat=True)[: FEW + 1])
    if len(few) > FEW:
        return said.of("target", programs)
    rows = EventCandidate.objects.filter(event=event, target__in=one_of(few))
    return Q(pk__in=list(rows.values_list("pk", flat=True)))


def _by_news(listing: CandidateList, query: QueryDict) -> Q:
    since, asked = listing.since, query.get("since", "")
    if since is None or asked not in ("new", "moved"):
        return Q()
    is_new = Q(GreaterThan(standing_of("created", listing.programs), since))
    if asked == "new":
        return is_new
    moved = find_moved(listing.everything(), listing.event, listing.programs, when=since)
    return is_new if moved is None else is_new | Q(pk__in=moved)
