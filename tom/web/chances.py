"""The chances of an event's candidates for one reader, and SQL that sorts by them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from django.db.models import (
    Exists,
    F,
    FloatField,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.expressions import Combinable, ExpressionWrapper
from django.db.models.functions import Abs, Exp, Greatest, Least, Ln, Power, Sqrt

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import AnyOf, Given, kept_query
from tom.ranking.chances import INDEPENDENT, LEAST_LOG, Scale, sum_for
from tom.ranking.expected import Piece, chance_of, pieces_of
from tom.ranking.information import CENTRAL_90
from tom.ranking.models import RankedCandidate, Ranking
from tom.targets.models import Visitor
from tom.targets.visible import is_shown
from tom.web.readers import programs_of

_OF_REQUEST = "_newest_rankings"
_USED = ("event", "strategy", "created", "log_none", "log_sums", "owned")


class _Newest(NamedTuple):
    """What an event's newest ranking says to a reader; nothing where there is none of today."""

    scale: Scale = INDEPENDENT
    created: datetime | None = None
    expected: Mapping[str, Any] | None = None


def scales_of(event_ids: Iterable[int], user: Visitor) -> dict[int, Scale]:
    """What turns the weights of each event's candidates into chances for a reader.

    Asked for once a request. The chances of an event without a ranking of today are independent.
    """
    return {pk: newest.scale for pk, newest in _newest_of(event_ids, user).items()}


def scale_of(event: NonLocalizedEvent, user: Visitor) -> Scale:
    """What turns the weights of an event's candidates into chances for a reader."""
    return scales_of([event.pk], user)[event.pk]


def ranked_at(event: NonLocalizedEvent, user: Visitor) -> datetime | None:
    """When the newest ranking of an event was made; None: there is none."""
    return _newest_of([event.pk], user)[event.pk].created


class Expected(NamedTuple):
    """Why chances are what they are: the pieces of the chance that an event has a counterpart.

    `density` says how many unrelated sources there are, `whole` is the product of the pieces.
    """

    pieces: list[Piece]
    whole: float
    density: str


def read_expected(event: NonLocalizedEvent, user: Visitor) -> Expected | None:
    """What the newest ranking of an event expected of it; None: there is no ranking of today."""
    kept = _newest_of([event.pk], user)[event.pk].expected
    if not kept:
        return None
    return Expected(pieces_of(kept), chance_of(kept), kept["density"])


def scale_then(ranking: Ranking, user: Visitor) -> Scale:
    """What turned the weights of an earlier ranking into chances, for a reader of today."""
    if ranking.log_none is None:
        return INDEPENDENT
    programs = programs_of(user)
    own = RankedCandidate.objects.as_of(ranking).filter(programs=[])
    if programs:
        theirs = RankedCandidate.objects.as_of(ranking).exclude(programs=[])
        theirs = theirs.filter(candidate=OuterRef("candidate"), programs__contained_by=programs)
        own = own.filter(~Exists(theirs))
    shown = own.filter(is_shown(user, target="candidate__target"), candidate__in=ranking.owned)
    summed = shown.aggregate(sum=_sum())["sum"] if ranking.owned else None
    return _scale(ranking, programs, summed, user)


def _newest_of(event_ids: Iterable[int], user: Visitor) -> dict[int, _Newest]:
    """The newest ranking of each event, as a reader sees it; read once a request."""
    known: dict[int, _Newest] = getattr(user, _OF_REQUEST, {})
    missing = set(event_ids) - known.keys()
    if missing:
        known = known | dict.fromkeys(missing, _Newest()) | _read(missing, user)
        setattr(user, _OF_REQUEST, known)
    return known


def _read(event_ids: Collection[int], user: Visitor) -> dict[int, _Newest]:
    programs, rankings = programs_of(user), _newest_rankings(events=list(event_ids))
    summed = _sum_owned([pk for row in rankings for pk in row.owned], programs, user)
    return {
        row.event_id: _Newest(
            _scale(row, programs, summed.get(row.event_id), user), row.created, row.expected
        )
        for row in rankings
        if row.event_id is not None
    }


@kept_query
def _newest_rankings(*, events: Given) -> QuerySet[Ranking]:
    newest = Ranking.objects.filter(event=OuterRef("pk")).order_by("-created", "-pk")
    of = NonLocalizedEvent.everything.filter(AnyOf("pk", events)).order_by()
    keys = of.annotate(newest=Subquery(newest.values("pk")[:1])).values("newest")
    return Ranking.objects.filter(pk__in=keys).only(*_USED).annotate(expected=F("basis__expected"))


def _sum_owned(
    candidates: Collection[int], programs: Collection[int], user: Visitor
) -> dict[int, float]:
    """Sum, for each event, the weights of candidates in no stored sum that a reader may see."""
    if not candidates:
        return {}
    rows = EventCandidate.objects.filter(is_shown(user, target="target"), pk__in=candidates)
    if programs:
        standings = CandidateStanding.objects.filter(candidate=OuterRef("pk"))
        rows = rows.filter(~Exists(standings.filter(programs__contained_by=programs)))
    summed = rows.order_by().values("event").annotate(sum=_sum())
    return dict(summed.values_list("event_id", "sum"))


def _scale(
    ranking: Ranking, programs: Collection[int], own_sum: float | None, user: Visitor
) -> Scale:
    """Join a ranking's sum for a reader's programs with that of targets they own."""
    if ranking.log_none is None:
        return INDEPENDENT
    log_sum = sum_for(ranking, programs)
    if log_sum is None:
        return Scale(ranking.log_none, _sum_anew(ranking, programs, user))
    if own_sum:
        log_sum = float(np.logaddexp(log_sum, np.log(own_sum)))
    return Scale(ranking.log_none, log_sum)


def _sum_anew(ranking: Ranking, programs: Collection[int], user: Visitor) -> float:
    """Sum the weights of all that a reader sees: nobody read just these programs at that time."""
    rows = RankedCandidate.objects.as_of(ranking).filter(
        is_shown(user, target="candidate__target"), programs__contained_by=list(programs)
    )
    fullest = rows.order_by("candidate", "-programs__len", "-programs").distinct("candidate")
    logs = list(fullest.values_list("log_weight", flat=True))
    return float(np.logaddexp.reduce(logs)) if logs else LEAST_LOG


def _sum() -> Sum:
    return Sum(Exp(Greatest(F("log_weight"), Value(LEAST_LOG))))


def openness_of(weights: Sequence[Combinable], scale: Scale) -> ExpressionWrapper[Any]:
    """A number that rises with `tom.ranking.information.information_of`, in SQL: 0 or less.

    From a weight and its two ends. It is minus the size of the moderated log odds: where what an
    observation tells rounds to nothing, this still puts rows in order.
    """
    weight, low, high = weights
    if scale.is_empty:  # no constant: PostgreSQL would take it for a column's number
        return ExpressionWrapper(Value(0.0) * weight, output_field=FloatField())
    sigma = (high - low) / Value(CENTRAL_90)
    drawn = Sqrt(Value(1.0) + Value(np.pi / 8) * Power(sigma, Value(2.0)))
    odds = (weight - _rest(weight, scale)) / drawn
    return ExpressionWrapper(Value(0.0) - Abs(odds), output_field=FloatField())


def _rest(weight: Combinable, scale: Scale) -> Any:
    """As `Scale.log_rest`."""
    if scale.log_none is None:
        return Value(0.0)
    below = Greatest(Least(weight - Value(scale.log_total), Value(0.0)), Value(LEAST_LOG))
    left = Greatest(Value(1.0) - Exp(below), Value(1e-300))
    return Greatest(Value(scale.log_total) + Ln(left), Value(scale.log_none))


def _held(log: Any, *, known: Combinable) -> Any:
    """Keep a logarithm where its power can be computed; of what is not known it is not known.

    GREATEST and LEAST leave out NULL, so they would make a number of it.
    """
    held = Greatest(Least(log, Value(-LEAST_LOG)), Value(LEAST_LOG))
    return held + Value(0.0) * known
