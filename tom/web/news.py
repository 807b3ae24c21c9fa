"""What is new to a person in an event's list: where the candidates stood at their last look."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.services import ranking_as_of
from tom.targets.models import Visitor
from tom.web.best_first import find_best
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
    seen: QuerySet[EventCandidate],
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
    programs = programs_of(user)
    stood = RankedCandidate.objects.as_of(then)
    theirs = known_places(stood.filter(candidate__in=[row.pk for row in candidates]), programs)
    weights = dict(theirs.distinct("candidate").values_list("candidate", "log_weight"))
    if not weights:
        return {}
    above = stood.filter(log_weight__gte=min(weights.values()))
    first = _numbered(_first_places(above, seen, programs, most=MOST_MOVED))
    return {pk: first.get(pk, BEYOND) for pk in weights}


def first_ranks(
    ranking: Ranking,
    seen: QuerySet[EventCandidate],
    programs: Collection[int],
    *,
    most: int,
) -> dict[int, int]:
    """The first ranks in an earlier ranking, among what a reader sees now, by what they know."""
    stood = RankedCandidate.objects.as_of(ranking)
    return _numbered(_first_places(stood, seen, programs, most=most))


def find_moved(
    seen: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    user: Visitor,
    *,
    when: datetime,
) -> list[int] | None:
    """Those among what a reader sees whose rank is another than at a moment; None: not known.

    Ranks count what the reader sees that has a place now and had one then. Whoever was, and is,
    below the first `MOST_MOVED` is not among them.
    """
    if not _is_ranked_since(event, user, when):
        return []
    then = ranking_as_of(event, when)
    if then is None:
        return None
    programs = programs_of(user)
    stood = RankedCandidate.objects.as_of(then)
    before = _numbered(_first_places(stood, _ranked(seen, programs), programs, most=MOST_MOVED))
    each = _ranked(seen_by(user, one_by_one=True).filter(event=event), programs)
    mine = stood.filter(candidate=OuterRef("pk"), programs__contained_by=list(programs))
    held = find_best(each.filter(Exists(mine)), event, programs, most=MOST_MOVED)
    now = _numbered(_present_places([row.pk for row in held], each, programs))
    return [pk for pk in before.keys() | now.keys() if before.get(pk) != now.get(pk)]


def _ranked(rows: QuerySet[EventCandidate], programs: Collection[int]) -> QuerySet[EventCandidate]:
    return rows.alias(place=standing_of("log_weight", programs)).filter(place__isnull=False)


def _is_ranked_since(event: NonLocalizedEvent, user: Visitor, when: datetime) -> bool:
    newest = ranked_at(event, user)
    return newest is not None and newest > when


def _numbered(places: Iterable[tuple[int, Place]]) -> dict[int, int]:
    """The rank of each of some first candidates."""
    in_order = sorted(places, key=lambda row: row[1])
    return {pk: rank for rank, (pk, _) in enumerate(in_order, 1)}


def _present_places(
    keys: Collection[int], ranked: QuerySet[EventCandidate], programs: Collection[int]
) -> list[tuple[int, Place]]:
    rows = ranked.filter(pk__in=keys).order_by()
    columns = ("pk", standing_of("log_weight", programs), "target__name")
    return [(pk, (-weight, name)) for pk, weight, name in rows.values_list(*columns)]


def _first_places(
    stood: QuerySet[RankedCandidate],
    seen: QuerySet[EventCandidate],
    programs: Collection[int],
    *,
    most: int,
) -> list[tuple[int, Place]]:
    """The first places of a ranking of what a reader sees, each candidate as the reader knows it.

    An index has them in order: first of the reader's own audiences, then of everybody's.
    """
    parts: list[QuerySet[Any]] = [stood.filter(programs=[])]
    if programs:
        own = stood.filter(programs__contained_by=list(programs)).exclude(programs=[])
        known = Exists(own.filter(candidate=OuterRef("candidate")))
        parts = [fullest(own, programs), parts[0].filter(~known)]
    name = F("candidate__target__name")
    one, *other = (
        part.filter(candidate__in=seen.values("pk"))
        .annotate(name=name)
        .order_by("-log_weight", "name")
        .values_list("candidate", "log_weight", "name")[:most]
        for part in parts
    )
    together = one.union(*other, all=True).order_by("-log_weight", "name") if other else one
    return [(pk, (-weight, name)) for pk, weight, name in together[:most]]
