"""What a reader knows of candidates: SQL to order and filter by it, and rows that show it.

A reader is given by the private programs that they may read. Each figure is the one of the largest
audience that the reader belongs to, else the public one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.db.models import (
    BigIntegerField,
    Exists,
    F,
    FilteredRelation,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce
from tom_targets.base_models import BaseTarget

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.kept_queries import AnyOf, Given, kept_query
from tom.ranking.chances import show_chances
from tom.ranking.models import RankedCandidate
from tom.ranking.weighing import read_terms
from tom.targets.audiences import largest, show_targets
from tom.targets.models import Audience, AudienceSummary, Visitor
from tom.targets.visible import ExistsForEach, Reader, is_shown, reader_of, visible_targets
from tom.web.chances import scales_of
from tom.web.places import MOST_RANKED, REACH, Place, by_step, count_above, count_first
from tom.web.readers import programs_of as programs_of
from tom.web.vettings import show_vettings

STANDING = (
    *("credible_level_2d", "credible_level_3d", "probdensity"),
    *("rank", "log_weight", "log_weight_low", "log_weight_high", "created"),
)
Figure = F | Coalesce
M = TypeVar("M", bound=Model)
LARGEST_FIRST = ("-programs__len", "-programs")
# Of so many places of a list each row is looked at by itself.
FEW_PLACES = REACH * MOST_RANKED


def find_to_observe(pk: int, user: Visitor) -> BaseTarget | None:
    """A target that the user may see, at the place where to point a telescope; None: no such one.

    Of a private target that is where its reader's own points put it. A request for a public one
    is everybody's to read, and so is its place.
    """
    found = find_shown(pk, user)
    if found is not None and found.permissions == BaseTarget.Permissions.PRIVATE:
        show_targets([found], programs_of(user))
    return found


def find_shown(pk: int, user: Visitor) -> BaseTarget | None:
    """A target that the user may see, with its public summary; None: no such one."""
    is_key = pk <= BigIntegerField.MAX_BIGINT
    return next(iter(read_targets([pk], user)), None) if is_key else None


def read_targets(keys: Sequence[int], user: Visitor) -> list[BaseTarget]:
    """Read these targets with their summaries, in this order, without those that are hidden."""
    read = {row.pk: row for row in _read_targets(reader_of(user), keys=list(keys))}
    return [read[pk] for pk in keys if pk in read]


@kept_query
def _read_targets(reader: Reader, *, keys: Given) -> QuerySet[BaseTarget]:
    rows = visible_targets(reader.user).filter(AnyOf("pk", keys), summary__isnull=False)
    return rows.select_related("summary").order_by()


def seen_by(user: Visitor, *, one_by_one: bool = False) -> QuerySet[EventCandidate]:
    """The candidates that a user may see, joined with what they know of them.

    Those of `EventCandidate.objects.visible_to`, found by the join: where the database looks for
    standings row by row, it takes several times as long with 100,000 candidates. `one_by_one`, as
    of `is_shown`, is for a query that ends after some thousand.
    """
    programs = programs_of(user)
    shown = is_shown(user, target="target", one_by_one=one_by_one)
    rows = EventCandidate.objects.filter(shown)
    if not programs:
        return rows.filter(is_public=True)
    joined = join_standings(rows, programs)
    return joined.filter(Q(is_public=True) | Q(known_pk__isnull=False))


def join_standings(
    rows: QuerySet[EventCandidate], programs: Collection[int]
) -> QuerySet[EventCandidate]:
    """Join candidates with what a reader of these programs knows of them, and of their targets.

    One join for all figures: a query of its own for each took 6 s with 100,000 candidates. They are
    aliases, for each filter by the relation itself would join it once more.
    """
    if not programs:
        return rows
    theirs = _fullest("standings", CandidateStanding, "candidate", programs)
    joined = rows.alias(known=FilteredRelation("standings", condition=theirs))
    joined = joined.alias(**{f"known_{name}": F(f"known__{name}") for name in ("pk", *STANDING)})
    return join_summaries(joined, "target", programs)


def join_summaries(
    rows: QuerySet[Any, Any], target: str, programs: Collection[int]
) -> QuerySet[Any, Any]:
    """Join rows with the summaries of targets that a reader of these programs knows them by.

    `target` is the way to the target's key in the query.
    """
    if not programs:
        return rows
    path = "audience_summaries" if target == "pk" else f"{target}__audience_summaries"
    theirs = _fullest(path, AudienceSummary, "target", programs)
    joined: QuerySet[Any, Any] = rows.alias(told=FilteredRelation(path, condition=theirs))
    return joined


def _fullest(path: str, model: type[Model], owner: str, programs: Collection[int]) -> Q:
    """Choose, at a path's end, each owner's row for the largest audience that a reader is in."""
    if len(programs) == 1:  # the one audience there is: nothing to choose
        return Q((f"{path}__programs", list(programs)))
    mine = model._default_manager.filter(programs__contained_by=list(programs))
    fullest = mine.order_by(owner, *LARGEST_FIRST).distinct(owner)
    return Q((f"{path}__in", Subquery(fullest.values("pk"))))


def standing_of(name: str, programs: Collection[int]) -> Figure:
    """A figure of a candidate's standing, in a query of `join_standings`."""
    return Coalesce(F(f"known_{name}"), F(name)) if programs else F(name)


def figure_of(name: str, target: str, programs: Collection[int]) -> Figure:
    """A figure of a target's summary, in a query of `join_summaries`."""
    path = "summary" if target == "pk" else f"{target}__summary"
    return _known(name, f"{path}__{name}", programs)


def place_of(name: str, target: str, programs: Collection[int]) -> Figure:
    """Where a target stands (`ra` or `dec`), as a reader of these programs knows it."""
    return _known(name, f"{target}__{name}", programs)


def _known(name: str, public: str, programs: Collection[int]) -> Figure:
    return Coalesce(F(f"told__{name}"), F(public)) if programs else F(public)


def rank_visible(
    candidates: Iterable[EventCandidate],
    user: Visitor,
    *,
    most: int = MOST_RANKED,
    counted: dict[Place, int] | None = None,
    privately: Collection[int] | None = None,
) -> list[EventCandidate]:
    """Give candidates what the user knows: standing, rank, chance, vetting, and figures.

    The rank is that among those of the event that the user may see: ranks among all would tell,
    by their gaps, of the others. Whoever stands below the first `most` has the rank behind them;
    `ALL_RANKED`: all are counted. `counted` has what was counted for this user before, and takes
    what is counted now. `privately` is that of `show_vettings`. In memory alone: never save such a
    candidate.
    """
    rows, programs = list(candidates), programs_of(user)
    show_vettings(rows, user, privately=privately)
    _show_standings(rows, programs)
    show_chances(rows, scales_of({row.event_id for row in rows}, user))
    show_targets([row.target for row in rows if _has(row, "target")], programs)
    asked = {(row.event_id, row.rank) for row in rows if row.rank is not None}
    above = count_ranks(asked, user, most=most, counted={} if counted is None else counted)
    for row in rows:
        if row.rank is not None:
            row.rank = above[row.event_id, row.rank] + 1
    return rows


def count_ranks(
    asked: Collection[Place],
    user: Visitor,
    *,
    most: int = MOST_RANKED,
    counted: dict[Place, int],
) -> dict[Place, int]:
    """Count what the user sees above each place, an event's key and a rank among all; at most.

    `counted` has what was counted for this user before, takes what is counted now, and is returned.
    """
    new = set(asked) - counted.keys()
    counted |= count_first(new, lambda places: _count_above(places, user), most=most)
    return counted


def _has(row: Model, name: str) -> bool:
    return name in row._state.fields_cache


def _show_standings(rows: Iterable[EventCandidate], programs: Collection[int]) -> None:
    by_pk = {row.pk: row for row in rows}
    if not programs or not by_pk:
        return
    chosen: dict[int, CandidateStanding] = {}
    for standing in _standings_of(tuple(programs), candidates=list(by_pk)):
        held = chosen.get(standing.candidate_id)
        if held is None or largest([held.audience, standing.audience]) == standing.audience:
            chosen[standing.candidate_id] = standing
    for pk, standing in chosen.items():
        for name in STANDING:
            setattr(by_pk[pk], name, getattr(standing, name))


@kept_query
def _standings_of(programs: Audience, *, candidates: Given) -> QuerySet[CandidateStanding]:
    rows = CandidateStanding.objects.filter(programs__contained_by=list(programs))
    return rows.filter(AnyOf("candidate", candidates))


def _count_above(asked: Collection[Place], user: Visitor) -> dict[Place, int]:
    """Count, of all that the user may see, what stands above each of these places."""
    lowest: dict[int, float] = defaultdict(float)
    for event_id, place in asked:
        lowest[event_id] = max(lowest[event_id], place)
    if not asked:
        return {}
    values: dict[str, Any] = {}
    for at, (event_id, rank) in enumerate(lowest.items()):
        values |= {f"event_{at}": event_id, f"rank_{at}": rank}
    counts = (_publicly, _privately) if programs_of(user) else (_publicly,)
    shape = reader_of(user), len(lowest), max(lowest.values()) <= FEW_PLACES
    return count_above(
        asked,
        *(lambda steps, count=each: count(*shape, steps=steps, **values) for each in counts),
    )


@kept_query
def _publicly(
    reader: Reader, n: int, are_few: bool, *, steps: Given, **lowest: Given
) -> QuerySet[Any, Any]:
    """Count by steps the candidates that the reader knows as everybody does.

    Of few places each one's own standing is looked for. To read all standings takes longer then.
    """
    programs = programs_of(reader.user)
    public = EventCandidate.objects.filter(is_shown(reader.user, target="target"), is_public=True)
    rows = public.filter(_reached(n, lowest)).alias(whole=F("event_id"), place=F("rank"))
    if programs:
        own = CandidateStanding.objects.filter(candidate=OuterRef("pk"))
        theirs = own.filter(programs__contained_by=programs)
        rows = rows.filter(~(ExistsForEach(theirs) if are_few else Exists(theirs)))
    return by_step(rows, steps)


@kept_query
def _privately(
    reader: Reader, n: int, _are_few: bool, *, steps: Given, **lowest: Given
) -> QuerySet[Any, Any]:
    """Count by steps the candidates that the reader knows by private points, too."""
    standings = fullest(CandidateStanding.objects.all(), programs_of(reader.user))
    rows = standings.filter(_reached(n, lowest))
    seen = rows.filter(is_shown(reader.user, target="candidate__target"))
    return by_step(seen.alias(whole=F("event_id"), place=F("rank")), steps)


def _reached(n: int, lowest: Mapping[str, Given]) -> Q:
    """Ask for the first ranks of each of `n` events, by itself: so an index finds them."""
    events = [Q(event=lowest[f"event_{at}"], rank__lte=lowest[f"rank_{at}"]) for at in range(n)]
    return reduce(or_, events)


def fullest(
    rows: QuerySet[M], programs: Collection[int], *, owner: str = "candidate"
) -> QuerySet[M]:
    """Keep of each candidate or target the row for the largest audience that a reader is in."""
    mine = rows.filter(programs__contained_by=list(programs))
    longer = Q(programs__len__gt=OuterRef("programs__len"))
    longer |= Q(programs__len=OuterRef("programs__len"), programs__gt=OuterRef("programs"))
    same = {owner: OuterRef(owner)}
    fuller = mine.filter(longer, **same)
    if not programs:
        return rows.filter(programs=[])
    if len(programs) == 1:
        own = rows.filter(programs=list(programs), **same)
        return rows.filter(Q(programs=list(programs)) | Q(~Exists(own), programs=[]))
    return mine.filter(~Exists(fuller))


def known_places(
    places: QuerySet[RankedCandidate], programs: Collection[int]
) -> QuerySet[RankedCandidate]:
    """Those places that a reader may know; of each candidate the fullest comes first."""
    rows = places.filter(programs__contained_by=list(programs))
    return rows.order_by("candidate", *LARGEST_FIRST)


def newest_terms(keys: Iterable[int], programs: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """The terms of each candidate's newest place, as a reader of these programs knows it."""
    rows = _newest_terms(tuple(programs), candidates=list(keys))
    return {pk: read_terms(layout, kept) for pk, layout, kept in rows}


@kept_query
def _newest_terms(programs: Audience, *, candidates: Given) -> QuerySet[RankedCandidate, Any]:
    newest = RankedCandidate.objects.newest().filter(AnyOf("candidate", candidates))
    rows = known_places(newest, programs).distinct("candidate")
    return rows.values_list("candidate_id", "ranking__layout", "terms")
