"""The rows of an event's table of candidates: places, terms side by side, small light curves."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import (
    Count,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from tom_targets.models import TargetName

from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.events.models import NonLocalizedEvent
from tom.scoring.ranking import newest_ranking
from tom.targets.models import POINT_ORDER, Cutout, CutoutKind, LightCurvePoint, PointKind, Visitor
from tom.web.known import (
    figure_of,
    known_places,
    newest_terms,
    programs_of,
    rank_visible,
    standing_of,
)
from tom.web.news import ranks_at
from tom.web.plots.sparkline import SparkPoint, draw_sparkline

# Of a long light curve the newest points are enough for a picture of this size.
POINTS_DRAWN = 60
ROWS_SHOWN = 30

LONGEST_TEXT = 100

ORDERS = ("rank", "decide", "chance", "name", "level", "magnitude", "newest")
# Those whose largest comes first; a minus before an order's name turns it round.
FALLING = {"decide", "chance", "newest"}


@dataclass(frozen=True)
class Listed:
    """A list's filters and order as a query string, and a place in it, from 0."""

    query: str = ""
    at: int = 0


@dataclass(frozen=True)
class CandidateRow:
    """One candidate as the table shows it; `terms` follow the table's columns, None for none.

    `said` has each person's verdict, the newest first; `mine` is the reader's own.
    Since their last look it has `climbed` so many places (below zero: fallen), or `is_new`.
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

    @property
    def fallen(self) -> int:
        """How many places it fell; below zero where it climbed."""
        return -self.climbed

    @property
    def selector(self) -> str:
        """The row among all of the page."""
        return f"#candidate-{self.candidate.pk}"


def count_visible(user: Visitor) -> Coalesce:
    """Count an event's candidates that the user may see: a number tells of the others, too.

    A query of its own inside: as a filter of the count it went through every target for every
    candidate, 6 s with a million targets.
    """
    seen = EventCandidate.objects.visible_to(user).filter(event=OuterRef("pk")).order_by()
    return Coalesce(Subquery(seen.values("event").annotate(n=Count("pk")).values("n")), 0)


def order_of(asked: str, programs: Collection[int]) -> tuple[Any, ...]:
    """How a table of candidates is put in order, by what a reader of these programs knows.

    A minus turns it round; what is not known stays last either way.
    """
    name = asked.removeprefix("-")
    if name not in ORDERS:
        name = asked = "rank"
    falls = (name in FALLING) != asked.startswith("-")
    rank = standing_of("rank", programs)
    first = OrderBy(_column(name, programs), descending=falls, nulls_last=True)
    return first, rank.asc(nulls_last=True), F("pk").asc()


def _column(name: str, programs: Collection[int]) -> Any:
    match name:
        case "decide":
            low, high = (standing_of(f"posterior_{end}", programs) for end in ("low", "high"))
            return ExpressionWrapper(high - low, FloatField())
        case "chance":
            return standing_of("posterior", programs)
        case "name":
            return F("target__name")
        case "level":
            return standing_of("credible_level_2d", programs)
        case "magnitude":
            return figure_of("last_magnitude", "target", programs)
        case "newest":
            return figure_of("last_detection", "target", programs)
        case _:
            return standing_of("rank", programs)


def find_candidates(
    event: NonLocalizedEvent,
    user: User,
    query: QueryDict,
    *,
    level_shown: float,
    kept: Collection[int] = (),
    since: datetime | None = None,
) -> QuerySet[EventCandidate]:
    """The candidates that the user may see, as the page's filters and order ask.

    Those in `kept` stay, whatever the filters say.
    """
    rows = (
        EventCandidate.objects.visible_to(user)
        .filter(event=event)
        .select_related("event", "target", "target__summary", "vetted_by")
    )
    programs = programs_of(user)
    chosen = _filters(query, level_shown=level_shown, programs=programs)
    if since is not None and query.get("since"):
        chosen &= Q(GreaterThan(standing_of("created", programs), since))
    if kept and chosen:  # no filter at all hides nothing
        chosen |= Q(pk__in=kept)
    return rows.filter(chosen).order_by(*order_of(query.get("order", ""), programs))


def _filters(query: QueryDict, *, level_shown: float, programs: Collection[int]) -> Q:
    chosen = Q()
    vetting = query.get("vetting", "")
    if vetting in Vetting.values:
        chosen &= Q(vetting=vetting)
    elif vetting != "all":
        chosen &= ~Q(vetting=Vetting.REJECTED)
    if query.get("region") != "all":
        level = standing_of("credible_level_2d", programs)
        chosen &= Q(LessThanOrEqual(level, level_shown))
    text = query.get("q", "").strip()[:LONGEST_TEXT]
    if text:
        aliases = TargetName.objects.filter(name__icontains=text).values("target")
        named = Q(target__name__icontains=text) | Q(target__in=aliases)
        chosen &= named | Q(target__summary__host_name__icontains=text)
    return chosen


def make_rows(
    event: NonLocalizedEvent,
    candidates: Sequence[EventCandidate],
    user: User,
    *,
    listed: Listed,
    since: datetime | None = None,
) -> tuple[list[str], list[CandidateRow]]:
    """Gather what the table shows of these candidates: the names of its terms, and its rows.

    The first of them stands at `listed.at`.
    """
    candidates = rank_visible(candidates, user)
    terms = _terms(event, candidates, user)
    columns = list(dict.fromkeys(term["name"] for place in terms.values() for term in place))
    curves = _curves([candidate.target_id for candidate in candidates], user)
    verdicts = verdicts_on(candidates, user)
    ranks = ranks_at(event, candidates, user, when=since)
    thumbnails = _thumbnails([candidate.target_id for candidate in candidates], user)
    rows = []
    for at, candidate in enumerate(candidates, listed.at):
        by_name = {term["name"]: term for term in terms.get(candidate.pk, ())}
        said = verdicts[candidate.pk]
        show_own(candidate, said)
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
            climbed=ranks.get(candidate.pk, candidate.rank or 0) - (candidate.rank or 0),
        )
        rows.append(row)
    return columns, rows


def verdicts_on(candidates: Iterable[EventCandidate], user: User) -> dict[int, list[Verdict]]:
    """Each person's present verdict on each of these candidates, the newest first."""
    rows = Verdict.objects.visible_to(user).filter(candidate__in=[row.pk for row in candidates])
    said: dict[int, list[Verdict]] = defaultdict(list)
    for row in sorted(rows.standing().select_related("by"), key=lambda row: row.created):
        if row.verdict != Vetting.NEW:
            said[row.candidate_id].insert(0, row)
    return said


def show_own(candidate: EventCandidate, said: Sequence[Verdict]) -> None:
    """Show the newest of the verdicts where the reader's group gave some that others don't see.

    In memory alone: never save such a candidate.
    """
    if any(not row.is_public for row in said):
        candidate.vetting, candidate.vetted = said[0].verdict, said[0].created
        candidate.vetted_by = said[0].by


def verdict_of(said: Iterable[Verdict], user: User) -> str:
    """The user's own verdict among these; "" for none."""
    return next((row.verdict for row in said if row.by_id == user.pk), "")


def target_url(target_id: int, event_id: str, listed: Listed) -> str:
    """The target's page, which knows the event and the list that it was opened from."""
    where = urlencode({"event": event_id, "list": listed.query, "at": listed.at})
    return f"{reverse('targets:detail', args=[target_id])}?{where}"


def _thumbnails(target_ids: Sequence[int], user: User) -> dict[int, str]:
    """The address of each target's difference image, where one was drawn."""
    drawn = Cutout.objects.visible_to(user).filter(target__in=target_ids, png__isnull=False)
    kind = CutoutKind.DIFFERENCE
    return {
        pk: f"{reverse('targets:cutout', args=[pk, kind])}?v={time:%Y%m%d%H%M%S}"
        for pk, time in drawn.filter(kind=kind).values_list("target_id", "time")
    }


def _terms(
    event: NonLocalizedEvent, candidates: Iterable[EventCandidate], user: User
) -> dict[int, list[dict[str, Any]]]:
    ranking = newest_ranking(event)
    if ranking is None:
        return {}
    return newest_terms(known_places(programs_of(user)).filter(ranking=ranking), candidates)


def _curves(target_ids: Sequence[int], user: User) -> dict[int, list[SparkPoint]]:
    points = (
        LightCurvePoint.objects.visible_to(user)
        .filter(target__in=target_ids)
        .exclude(kind=PointKind.FORCED)
        .order_by(*POINT_ORDER)
        .values_list("target_id", "time", "band", "flux", "flux_error")
    )
    curves: dict[int, list[SparkPoint]] = defaultdict(list)
    for target_id, time, band, flux, flux_error in points:
        curves[target_id].append(SparkPoint(time, band, flux, flux_error))
    return defaultdict(list, {pk: curve[-POINTS_DRAWN:] for pk, curve in curves.items()})
