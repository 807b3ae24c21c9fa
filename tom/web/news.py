"""What is new to a person in an event's list: where the candidates stood at their last look."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import AnyOf, Given, kept_query
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.services import ranking_as_of
from tom.targets.models import Audience, Visitor
from tom.targets.visible import ExistsForEach, Reader, is_shown, reader_of
from tom.web.best_first import best_first, placed
from tom.web.candidate_order import of_readers
from tom.web.chances import ranked_at
from tom.web.known import fullest, known_places, seen_by, standing_of
from tom.web.readers import programs_of

# Of a longer list it is told who moved into, out of, or among the first places alone: four pages.
MOST_MOVED = 120
BEYOND = MOST_MOVED + 1
# By what a candidate is put in order: its weight, the largest first, and its name.
Place = tuple[float, str]


def find_ranks(
    candidates: Sequence[EventCandidate],
    event: NonLocalizedEvent,
    user: Visitor,
    *,
    when: datetime | None,
) -> dict[int, int]:
    """The rank that each candidate had at a moment, among those that a reader sees now.

    By what the reader knows of them: ranks among all would tell of the others. Of those with one
    chance the name decides, as in the ranking. Whoever stood below the first `MOST_MOVED` places
    has the rank `BEYOND`: to count all that stood above takes long. Empty where the list was not
    ranked since: each stands where it stood.
    """
    if when is None or not _is_ranked_since(event, user, when):
        return {}
    then = ranking_as_of(event, when)
    if then is None:
        return {}
    keys, programs = [row.pk for row in candidates], tuple(programs_of(user))
    weights = dict(_weights(programs, event=event.pk, ranking=then.pk, candidates=keys))
    if not weights:
        return {}
    first = _numbered(_first_places(then, user, MOST_MOVED, least=min(weights.values())))
    return {pk: first.get(pk, BEYOND) for pk in weights}


@kept_query
def _weights(
    programs: Audience, *, event: Given, ranking: Given, candidates: Given
) -> QuerySet[RankedCandidate, Any]:
    stood = RankedCandidate.objects.of_event(event, ranking)
    theirs = known_places(stood.filter(AnyOf("candidate", candidates)), programs)
    return theirs.distinct("candidate").values_list("candidate", "log_weight")


def first_ranks(ranking: Ranking, user: Visitor, *, most: int) -> dict[int, int]:
    """The first ranks in an earlier ranking, among what a reader sees now, by what they know."""
    return _numbered(_first_places(ranking, user, most))


def find_moved(event: NonLocalizedEvent, user: Visitor, *, when: datetime) -> list[int] | None:
    """Those among what a reader sees whose rank is another than at a moment; None: not known.

    Ranks count what the reader sees that has a place now and had one then. Whoever was, and is,
    below the first `MOST_MOVED` is not among them.
    """
    if not _is_ranked_since(event, user, when):
        return []
    then = ranking_as_of(event, when)
    if then is None:
        return None
    before = _numbered(_first_places(then, user, MOST_MOVED, is_ranked=True))
    reader = reader_of(user)
    held = placed(_held(reader, MOST_MOVED, event=event.pk, ranking=then.pk))
    present = _present_places(reader, event=event.pk, candidates=[row.pk for row in held])
    now = _numbered((pk, (-weight, name)) for pk, weight, name in present)
    return [pk for pk in before.keys() | now.keys() if before.get(pk) != now.get(pk)]


@kept_query
def _held(
    reader: Reader, most: int, *, event: Given, ranking: Given
) -> QuerySet[EventCandidate, Any]:
    """The first of those that have a place now and had one in a ranking."""
    programs = programs_of(reader.user)
    stood = RankedCandidate.objects.of_event(event, ranking)
    mine = stood.filter(candidate=OuterRef("pk"), programs__contained_by=programs)
    each = seen_by(reader.user, one_by_one=True).filter(event=event)
    rows = _ranked(each, programs).filter(Exists(mine))
    return best_first(rows, event, programs, most=most)


@kept_query
def _present_places(
    reader: Reader, *, event: Given, candidates: Given
) -> QuerySet[EventCandidate, Any]:
    programs = programs_of(reader.user)
    each = seen_by(reader.user, one_by_one=True).filter(event=event)
    rows = _ranked(each, programs).filter(AnyOf("pk", candidates)).order_by()
    return rows.values_list("pk", standing_of("log_weight", programs), "target__name")


def _ranked(rows: QuerySet[EventCandidate], programs: Collection[int]) -> QuerySet[EventCandidate]:
    return rows.alias(place=standing_of("log_weight", programs)).filter(place__isnull=False)


def _is_ranked_since(event: NonLocalizedEvent, user: Visitor, when: datetime) -> bool:
    newest = ranked_at(event, user)
    return newest is not None and newest > when


def _numbered(places: Iterable[tuple[int, Place]]) -> dict[int, int]:
    """The rank of each of some first candidates."""
    in_order = sorted(places, key=lambda row: row[1])
    return {pk: rank for rank, (pk, _) in enumerate(in_order, 1)}


def _first_places(
    ranking: Ranking,
    user: Visitor,
    most: int,
    *,
    is_ranked: bool = False,
    least: float | None = None,
) -> list[tuple[int, Place]]:
    """The first places of a ranking of what a reader sees, each candidate as the reader knows it.

    `is_ranked`: of what has a place now. `least` is the smallest weight of those that are sought.
    """
    values: dict[str, Any] = {"event": ranking.event_id, "ranking": ranking.pk}
    values |= {} if least is None else {"least": least}
    found = _first_stood(reader_of(user), most, is_ranked, **values)
    return [(pk, (-weight, name)) for pk, weight, name in found]


@kept_query
def _first_stood(
    reader: Reader,
    most: int,
    is_ranked: bool,
    *,
    event: Given,
    ranking: Given,
    least: Given | None = None,
) -> QuerySet[Any, Any]:
    """An index has them in order: first of the reader's own audiences, then of everybody's."""
    programs = programs_of(reader.user)
    shown = _is_seen(reader)
    if is_ranked:
        seen = seen_by(reader.user).filter(event=event)
        shown &= Q(candidate__in=_ranked(seen, programs).values("pk"))
    stood = RankedCandidate.objects.of_event(event, ranking)
    stood = stood if least is None else stood.filter(log_weight__gte=least)
    parts: list[QuerySet[Any]] = [stood.filter(programs=[])]
    if programs:
        own = stood.filter(programs__contained_by=list(programs)).exclude(programs=[])
        known = Exists(own.filter(candidate=OuterRef("candidate")))
        parts = [fullest(own, programs), parts[0].filter(~known)]
    name = F("candidate__target__name")
    one, *other = (
        part.filter(shown)
        .annotate(name=name)
        .order_by("-log_weight", "name")
        .values_list("candidate", "log_weight", "name")[:most]
        for part in parts
    )
    found: QuerySet[Any, Any] = one
    if other:
        found = one.union(*other, all=True).order_by("-log_weight", "name")
    return found[:most]


def _is_seen(reader: Reader) -> Q:
    """Ask for the places of what is among `seen_by`: of each place by itself, as few are read."""
    is_known = Q(candidate__is_public=True)
    programs = programs_of(reader.user)
    if programs:
        standings = of_readers(CandidateStanding.objects.all(), programs)
        is_known |= Q(ExistsForEach(standings.filter(candidate=OuterRef("candidate"))))
    return is_known & is_shown(reader.user, target="candidate__target", one_by_one=True)
