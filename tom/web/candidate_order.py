"""The first of very many candidates in an order: some are taken in turn, and asked if they fit.

To join all candidates of an event with what their rows show takes the database most of the time.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db.models import F, FloatField, Func, Q, QuerySet, Value
from django.db.models.expressions import Combinable, OrderBy, RawSQL
from django.db.models.functions import Coalesce

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import Given, array_of, kept_query
from tom.ranking.chances import Scale
from tom.targets.models import AudienceSummary, TargetSummary
from tom.web.chances import openness_of

# Of an event with no more candidates all are sorted at once.
FEW_CANDIDATES = 5_000
# So many are taken for one that is shown; where too few of them fit, so many times as many.
WINDOW = 4
# Where fewer fit among the first than are needed: the rate of the others may be so much less.
LIKELY = 1.5
# Mostly so many of the first are enough for one that is shown.
MOSTLY = 2
# To sort an event's standings takes long, and as long for so many: the first may all be rejected.
LEAST_SORTED = 500
# Of all targets few are an event's candidates.
WINDOW_OF_TARGETS = 64
MOST_ASKED = 20_000
# The figures of a candidate's standing that an order goes by, and what each follows from: a weight
# is there with both of its ends, or none is.
STANDING = {
    "rank": ("rank", "rank"),
    "chance": ("log_weight", "log_weight"),
    "level": ("credible_level_2d", "credible_level_2d"),
    "decide": ("openness", "log_weight"),
}
# The figures of a target's summary that an index has in this order, and whether it falls.
SUMMARY = {
    ("magnitude", False): "last_magnitude",
    ("newest", True): "last_detection",
    ("newest", False): "last_detection",
}
NAME = "name"
# A figure that is a time, read as a number: to make the times of thousands takes Python longer.
TIME = "last_detection"
Figures = tuple[Any, ...]
# A candidate's key, and what else was asked for.
Row = tuple[Any, ...]


class Turn(NamedTuple):
    """What a list is put in order by, and whether the largest comes first."""

    name: str
    falls: bool


class Source(NamedTuple):
    """Keys with their figures in turn, of a reader's own and of everybody's.

    `key` is the column of a candidate that has such a key, `size` how many are taken at first for
    one that is shown, `least` how many at least, and `names` the names of the figures.
    """

    key: str
    parts: Sequence[QuerySet[Any, Any]]
    size: int
    names: tuple[str, ...]
    least: int = 0


def is_long(event: NonLocalizedEvent) -> bool:
    """Whether an event has so many candidates that they are not sorted at once."""
    return bool(_behind(FEW_CANDIDATES, event=event.pk))


@kept_query
def _behind(few: int, *, event: Given) -> QuerySet[EventCandidate, Any]:
    return EventCandidate.objects.filter(event=event).values("pk")[few : few + 1]


def first_in_turn(
    rows: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    programs: Collection[int],
    turn: Turn,
    *,
    figures: Sequence[Combinable],
    scale: Scale,
    most: int,
    more: Sequence[Combinable] = (),
) -> list[Row] | None:
    """The first candidates that fit, in their order, `most` or more; None: sort all that fit.

    Parameters
    ----------
    rows
        Those that fit, in their order.
    programs
        The private programs whose readers' figures count.
    figures
        The figure that they are put in order by, and their rank, of `rows`.
    scale
        What turns weights into chances for the reader.
    more
        What is read of each, too.
    """
    source = _source(event, programs, turn, scale)
    if source is None:
        return None
    asked = rows.values_list("pk", *map(_number, source.names, figures), *more)
    size = max(source.size * most, source.least)
    last = size if source.least else max(MOST_ASKED, size)  # sorted once
    while size <= last:
        known = _known(asked, event, source, turn, size, most)
        if known is None or len(known) >= most:
            return known
        size *= WINDOW
    return None


def some_in_turn(
    rows: QuerySet[EventCandidate],
    event: NonLocalizedEvent,
    programs: Collection[int],
    *,
    rank: Combinable,
    scale: Scale,
    least: int,
) -> list[int] | None:
    """The first of the candidates that fit, best first: `least` or more; None: find them otherwise.

    An index has the ranks. So it is asked once more, of as many as are likely to be enough, where
    that is not too many.
    """
    turn = Turn("rank", falls=False)
    source = _source(event, programs, turn, scale)
    if source is None:
        return None
    source = source._replace(least=0)  # as few fit, the very first are not asked by themselves
    asked, size = rows.values_list("pk", *([rank] * len(source.names))), source.size * least
    known = _known(asked, event, source, turn, size, least)
    if known and len(known) < least <= WINDOW * len(known):
        more = likely_enough(size, len(known), least)
        known = _known(asked, event, source, turn, more, least)
    return [pk for (pk,) in known] if known and len(known) >= least else None


def likely_enough(size: int, n_found: int, least: int) -> int:
    """Of how many `least` will most likely be found, if `n_found` were among the first `size`."""
    return math.ceil(size * LIKELY * least / n_found)


def _known(
    asked: QuerySet[Any, Any],
    event: NonLocalizedEvent,
    source: Source,
    turn: Turn,
    size: int,
    most: int,
) -> list[Row] | None:
    """Those that fit among the first `size` of each part, as far as no other one stands before.

    Where `most` of them or more fit already among the first, these. None: there are no more than
    those of the parts.
    """
    near = [list(part[:size]) for part in source.parts]
    if len(near[-1]) < size:
        return None
    # Of all targets few are an event's candidates, so the first would not do.
    first, n_figures = MOSTLY * most if source.least else size, len(source.names)
    known: list[Row] = []
    for n in (first, size) if first < size else (size,):
        keys = {key for part in near for key, *_ in part[:n]}
        fitting = asked.filter(pk__in=one_of(_candidates(event, source, keys)))
        read = [(row[1 : 1 + n_figures], (row[0], *row[1 + n_figures :])) for row in fitting]
        if turn.name == NAME:  # all know it, and no two are alike
            known = [row for _, row in read]
        else:
            end = min(_place(part[n - 1][1:], turn) for part in near if len(part) >= n)
            known = [row for place, row in read if _place(place, turn) < end]
        if len(known) >= most:
            break
    return known


def _candidates(event: NonLocalizedEvent, source: Source, keys: Collection[int]) -> Collection[int]:
    """The candidates with these keys: of many targets few are an event's."""
    if source.key == "pk":
        return keys
    rows = EventCandidate.objects.filter(event=event, target__in=one_of(keys))
    return list(rows.values_list("pk", flat=True))


def one_of(keys: Collection[int]) -> RawSQL:
    """Many keys as one array: each by itself would be a parameter."""
    return RawSQL("SELECT unnest(%s::bigint[])", [array_of(keys)])


def named() -> Coalesce:
    """A candidate's name, to sort by.

    As an expression: along the index of names the database would look for an event's few among all.
    """
    return Coalesce(F("target__name"), Value(""))


def _place(figures: Sequence[Any], turn: Turn) -> Figures:
    """By what a row is sorted as the database sorts it: what is not known is last."""
    first, *rank = figures
    place = math.inf if first is None else -first if turn.falls else first
    return place, *(math.inf if each is None else each for each in rank)


def _source(
    event: NonLocalizedEvent, programs: Collection[int], turn: Turn, scale: Scale
) -> Source | None:
    """What has the order; None: nothing has it.

    Who is known by a figure of their own stands in the first part with it, or behind its end.
    """
    names: tuple[str, ...]
    public: QuerySet[Any, Any]
    told: QuerySet[Any, Any]
    least, made_of = 0, ""
    if turn.name in STANDING:
        figure, made_of = STANDING[turn.name]
        names = figure, "rank"
        weights = [F(f"log_weight{end}") for end in ("", "_low", "_high")]
        openness = openness_of(weights, scale)
        public = EventCandidate.objects.filter(event=event).alias(openness=openness)
        told = CandidateStanding.objects.filter(event=event).alias(openness=openness)
        key, owner, size, least = "pk", "candidate", WINDOW, LEAST_SORTED
    elif turn.name == NAME:
        # By their targets: an index has these, so no candidate is read.
        by_name = EventCandidate.objects.filter(event=event).alias(name=named())
        part = _in_turn(by_name, "target", ["name"], turn)
        return Source("target", [part], WINDOW, ("name",), LEAST_SORTED)
    elif turn in SUMMARY:
        names, key, owner, size = (SUMMARY[turn],), "target", "target", WINDOW_OF_TARGETS
        public, told = TargetSummary.objects.all(), AudienceSummary.objects.all()
    else:
        return None
    mine = of_readers(told, programs)
    if programs and made_of and mine.filter(Q(rank=None) | Q((made_of, None))).exists():
        names = names[:1]  # who is known by one figure of their own, and by everybody's rank
    own = [_in_turn(mine, owner, names, turn)] if programs else []
    return Source(key, [*own, _in_turn(public, "pk", names, turn)], size, names, least)


def of_readers(rows: QuerySet[Any, Any], programs: Collection[int]) -> QuerySet[Any, Any]:
    if len(programs) == 1:  # the one audience there is
        return rows.filter(programs=list(programs))
    return rows.filter(programs__contained_by=list(programs))


def _in_turn(
    rows: QuerySet[Any, Any], key: str, names: Sequence[str], turn: Turn
) -> QuerySet[Any, Any]:
    first, *rest = names
    order = OrderBy(F(first), descending=turn.falls, nulls_last=True)
    alike = [OrderBy(F(name), nulls_last=True) for name in rest]
    figures = (_number(name, F(name)) for name in names)
    return rows.order_by(order, *alike).values_list(key, *figures)


class _Seconds(Func):
    """A time as seconds since 1970."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::float8"
    output_field = FloatField()


def _number(name: str, figure: Combinable) -> Combinable:
    """What is read of a figure with this name."""
    return _Seconds(figure) if name == TIME else figure
