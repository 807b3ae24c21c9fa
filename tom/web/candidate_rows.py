"""The rows of an event's table of candidates: places, terms side by side, small light curves."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.contrib.auth.models import User
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery
from django.utils.safestring import SafeString

from tom.candidates.models import EventCandidate, Verdict
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import AnyOf, Given, kept_query
from tom.shifts.claims import claims_on
from tom.shifts.models import Claim
from tom.targets.cutouts import times_of_pictures
from tom.targets.models import POINT_ORDER, CutoutKind, LightCurvePoint, PointKind, Visitor
from tom.targets.visible import Reader, reader_of
from tom.web.candidate_list import CandidateList
from tom.web.candidate_search import is_by_worth
from tom.web.known import newest_terms, rank_visible, seen_by
from tom.web.news import BEYOND, find_ranks
from tom.web.places import MOST_RANKED
from tom.web.plots.sparkline import SparkPoint, draw_sparkline
from tom.web.row_addresses import address_of
from tom.web.up_now import sites_up
from tom.web.vettings import verdict_of, verdicts_on
from tom.web.worth import Worth, worth_of

# Of a long light curve the newest points are enough for a picture of this size.
POINTS_DRAWN = 60
ROWS_SHOWN = 25
# With an event's page itself, where a script asks for all that are shown as soon as it runs.
ROWS_FIRST = 10


@kept_query
def _candidates(with_event: bool, *, keys: Given) -> QuerySet[EventCandidate]:
    rows = EventCandidate.objects.select_related("target", "target__summary", "vetted_by")
    rows = rows.select_related("event") if with_event else rows
    return rows.filter(AnyOf("pk", keys)).order_by()


@dataclass(frozen=True)
class Listed:
    """A list's filters and order as a query string, and a place in it, from 0."""

    query: str = ""
    at: int = 0


@dataclass(frozen=True)
class CandidateRow:
    """One candidate as the table shows it; `terms` follow the table's columns, None for none.

    `said` has each person's verdict, the newest first; `mine` is the reader's own.
    Since their last look it has `climbed` so many places (below zero: fallen), or `is_more`: it was
    below the places that are counted, or is there now. Or it `is_new`.
    `up` names the sites from which it can be observed now; `is_outside` says that it lies outside
    of the region that the list shows by itself. `claim` says who has it now. `worth` says what an
    observation would tell, in the list that is in this order; else it is None.
    """

    candidate: EventCandidate
    terms: list[dict[str, Any] | None]
    sparkline: SafeString
    said: list[Verdict]
    mine: str
    at: int
    url: str
    thumbnail: str
    is_new: bool
    climbed: int
    is_more: bool
    up: list[str]
    is_outside: bool
    claim: Claim | None
    worth: Worth | None

    @property
    def fallen(self) -> int:
        """How many places it fell; below zero where it climbed."""
        return -self.climbed

    @property
    def selector(self) -> str:
        """The row among all of the page."""
        return f"#candidate-{self.candidate.pk}"


def count_candidates(events: Iterable[NonLocalizedEvent], user: Visitor) -> list[NonLocalizedEvent]:
    """Give each event `n_candidates`: those the user may see. A number tells of the others, too.

    One query for all of them. Of an event one more than `MOST_RANKED` are counted at most.
    """
    listed = list(events)
    keys = [event.pk for event in listed]
    counts = dict(_counts(reader_of(user), MOST_RANKED + 1, events=keys))
    for event in listed:
        event.n_candidates = counts.get(event.pk, 0)  # type: ignore[attr-defined]  # for a template
    return listed


@kept_query
def _counts(reader: Reader, most: int, *, events: Given) -> QuerySet[NonLocalizedEvent, Any]:
    seen = seen_by(reader.user, one_by_one=True).filter(event=OuterRef("pk")).order_by()
    rows = NonLocalizedEvent.objects.filter(AnyOf("pk", events)).order_by()
    return rows.values_list("pk", _Number(seen.values("pk")[:most]))


class _Number(Subquery):
    """How many rows a query has."""

    template = "(SELECT count(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def read_candidates(
    ids: Sequence[int], *, event: NonLocalizedEvent | None = None
) -> list[EventCandidate]:
    """Read these candidates with what their rows show, in this order.

    `event` is theirs, where all have one that is known. Found by their keys first: to sort all that
    is shown of 100,000 takes a second.
    """
    found = {row.pk: row for row in _candidates(event is None, keys=list(ids))}
    rows = [found[pk] for pk in ids if pk in found]
    if event is not None:
        for row in rows:
            row.event = event
    return rows


def make_rows(
    listing: CandidateList, candidates: Sequence[EventCandidate], *, listed: Listed
) -> tuple[list[str], list[CandidateRow]]:
    """Gather what the table shows of these candidates: the names of its terms, and its rows.

    The first of them stands at `listed.at`.
    """
    event, user, since = listing.event, listing.user, listing.since
    candidates = rank_visible(
        candidates, user, counted=listing.counted, privately=listing.privately
    )
    target_ids = [candidate.target_id for candidate in candidates]
    terms = newest_terms([row.pk for row in candidates], listing.programs)
    columns = list(dict.fromkeys(term["name"] for place in terms.values() for term in place))
    curves = read_curves(target_ids, user)
    verdicts = verdicts_on(candidates, user)
    ranks = find_ranks(candidates, event, user, when=since)
    thumbnails = _thumbnails(target_ids, user)
    up = sites_up([candidate.target for candidate in candidates], now=listing.now)
    claims = claims_on(target_ids, now=listing.now)
    (asked,) = parse_qs(listed.query).get("order", [""])[:1]
    is_priced = is_by_worth(listing, asked)
    rows = []
    for at, candidate in enumerate(candidates, listed.at):
        by_name = {term["name"]: term for term in terms.get(candidate.pk, ())}
        said = verdicts[candidate.pk]
        row = CandidateRow(
            candidate=candidate,
            terms=[by_name.get(name) for name in columns],
            sparkline=draw_sparkline(curves[candidate.target_id], since=event.time),
            said=said,
            mine=verdict_of(said, user),
            at=at,
            url=target_url(candidate.target_id, event.event_id, Listed(listed.query, at)),
            thumbnail=thumbnails.get(candidate.target_id, ""),
            is_new=since is not None and candidate.created > since,
            climbed=_climbed(candidate, ranks),
            is_more=ranks.get(candidate.pk) == BEYOND or (candidate.rank or 0) > MOST_RANKED,
            up=up.get(candidate.target_id, []),
            is_outside=_is_outside(candidate, listing.level_shown),
            claim=claims.get(candidate.target_id),
            worth=_worth(listing, candidate, [*by_name.values()]) if is_priced else None,
        )
        rows.append(row)
    return columns, rows


def _worth(
    listing: CandidateList, candidate: EventCandidate, terms: Sequence[Mapping[str, Any]]
) -> Worth | None:
    return worth_of(candidate, terms, listing.scale, observers=listing.observers, now=listing.now)


def _climbed(candidate: EventCandidate, ranks: Mapping[int, int]) -> int:
    before = ranks.get(candidate.pk)
    if before is None or candidate.rank is None:
        return 0
    if before == BEYOND and candidate.rank >= BEYOND:
        return 0  # not known
    return before - candidate.rank


def _is_outside(candidate: EventCandidate, level_shown: float) -> bool:
    level = candidate.credible_level_2d
    return level is not None and level > level_shown


def target_url(target_id: int, event_id: str, listed: Listed) -> str:
    """The target's page, which knows the event and the list that it was opened from."""
    where = urlencode({"event": event_id, "list": listed.query, "at": listed.at})
    return f"{address_of('targets:detail', target_id)}?{where}"


def _thumbnails(target_ids: Sequence[int], user: User) -> dict[int, str]:
    """The address of each target's difference image, where it has stamps."""
    kind = CutoutKind.DIFFERENCE
    return {
        pk: f"{address_of('targets:cutout', pk, kind)}?v={time:%Y%m%d%H%M%S}"
        for pk, time in times_of_pictures(target_ids, kind, user).items()
    }


def read_curves(
    target_ids: Sequence[int], user: User, *, stored_by: datetime | None = None
) -> dict[int, list[SparkPoint]]:
    """Read the newest points of each target that the user may see, as small pictures draw them.

    Those that were stored by a time, if one is given. The others have no such time: they are older.
    """
    then = {} if stored_by is None else {"stored_by": stored_by}
    points = _points(reader_of(user), targets=list(target_ids), **then)
    curves: dict[int, list[SparkPoint]] = defaultdict(list)
    for target_id, *figures in points:
        curves[target_id].append(SparkPoint(*figures))
    return defaultdict(list, {pk: curve[-POINTS_DRAWN:] for pk, curve in curves.items()})


@kept_query
def _points(
    reader: Reader, *, targets: Given, stored_by: Given | None = None
) -> QuerySet[LightCurvePoint, Any]:
    then = Q() if stored_by is None else Q(stored=None) | Q(stored__lte=stored_by)
    points = LightCurvePoint.objects.visible_to(reader.user).filter(AnyOf("target", targets), then)
    drawn = points.exclude(kind=PointKind.FORCED).order_by(*POINT_ORDER)
    return drawn.values_list("target_id", "time", "band", "flux", "flux_error", "stored")
