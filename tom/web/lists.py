"""The rows of a list without an event, as its reader knows them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.safestring import SafeString
from tom_targets.base_models import BaseTarget

from tom.candidates.models import Verdict, Vetting
from tom.kept_queries import AnyOf, Given, array_of, hashed, kept_query
from tom.ranking.basis import Basis
from tom.ranking.models import Exploration, Listing, RankedCandidate
from tom.ranking.numbered import LEAST_OF_CLASS
from tom.ranking.services import newest_ranking
from tom.scoring.contract import ScorerSpec
from tom.strategies.models import Strategy
from tom.strategies.services import chosen_by, list_of, lists_for
from tom.strategies.watching import Near, near_watched
from tom.streams.rules import night_of
from tom.targets.audiences import show_targets
from tom.targets.models import Visitor
from tom.targets.visible import Reader, is_shown, reader_of, visible_targets
from tom.web.candidate_rows import read_curves
from tom.web.known import fullest, programs_of
from tom.web.plots.sparkline import draw_sparkline
from tom.web.said import SaidFilter
from tom.web.vettings import verdicts_in_list, vettings_in_list

ROWS_SHOWN = 25
# Of equal chances the target that was made first comes first: an index has this order.
IN_ORDER = ("-log_weight", "target_id")
# Where places are chosen, a condition on it makes the database count all before: `rank < 0`.
_RANK = Window(RowNumber(), order_by=list(IN_ORDER))
# So many places are asked whether they fit a filter, for one that is shown.
WINDOW = 16


@dataclass(frozen=True)
class ListRow:
    """One target of a list; `terms` follow the table's columns, None for none.

    `said` has each person's verdict, the newest first. `near` is the watched place that it is near.
    """

    place: RankedCandidate
    target: BaseTarget
    rank: int
    terms: list[dict[str, Any] | None]
    sparkline: SafeString
    said: list[Verdict]
    near: Near | None


@dataclass(frozen=True)
class VettingFilter:
    """The filter of a list by what people made of its targets; by itself it hides what is rejected.

    `vettings` has that of each target on which anybody has a verdict.
    """

    asked: str
    vettings: Mapping[int, str]

    def __bool__(self) -> bool:
        return self.asked in Vetting.values or (self.asked != "all" and bool(self._rejected))

    @property
    def _rejected(self) -> list[int]:
        return [pk for pk, vetting in self.vettings.items() if vetting == Vetting.REJECTED]

    def takes(self, target: int) -> bool:
        """Whether a target fits."""
        vetting = self.vettings.get(target, Vetting.NEW)
        if self.asked in Vetting.values:
            return vetting == self.asked
        return self.asked == "all" or vetting != Vetting.REJECTED

    @property
    def condition(self) -> Q:
        """Ask for the places whose target fits."""
        if self.asked == Vetting.NEW:
            return ~Q(target__in=list(self.vettings))
        if self.asked in Vetting.values:
            return Q(target__in=[pk for pk in self.vettings if self.takes(pk)])
        return Q() if self.asked == "all" else ~Q(target__in=self._rejected)


@dataclass(frozen=True)
class Weighed:
    """What a list is ranked by, with the site's defaults where its strategy says nothing.

    `prior` is the chance of any one target before all evidence. `terms` are named. `scorers` have a
    name, a version, the classes that count of it, and its weight, 0 to 1. `by` and `within` are the
    scorers of a list in the order of a number, None where one is not here; `usual` has, of each
    class in the newest ranking, how many there are, the median of their numbers, and their spread.
    `unsaid` are the sought classes that no scorer tells from others.
    """

    prior: float
    terms: list[str]
    scorers: list[tuple[str, str, tuple[str, ...], float]]
    by: ScorerSpec | None = None
    within: ScorerSpec | None = None
    usual: list[tuple[str, int, float, float]] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    least_of_class: int = LEAST_OF_CLASS


def weighed_in(strategy: Strategy) -> Weighed:
    """What a list without an event is ranked by at its next ranking."""
    basis = Basis.present(strategy, None)
    scorers = [(spec.name, spec.version, of, weight) for spec, of, weight in basis.ranked_by()]
    named = [term.NAME for term in basis.weighed_terms]
    if not basis.by:
        said = {label for _, _, of, _ in scorers for label in of}
        unsaid = [label for label in strategy.sought if label not in said]
        return Weighed(basis.prior, named, scorers, unsaid=unsaid)
    newest = newest_ranking(strategy)
    usual = (newest.basis.get("usual") or {}) if newest is not None else {}
    return Weighed(
        basis.prior,
        named,
        scorers,
        by=basis.spec_of(basis.by),
        within=basis.spec_of(basis.within),
        usual=[(label, *figures) for label, figures in sorted(usual.items())],
    )


def find_strategy(pk: int, user: User) -> Strategy:
    """The strategy of a list without an event that the user may see, or raise 404."""
    found = list_of(pk, user)
    if found is None:
        message = "no such list"
        raise Http404(message)
    return found


def find_kept(pk: int, user: User) -> Strategy:
    """As `find_strategy`, of a list that may be switched off: its past is kept."""
    return get_object_or_404(Strategy.objects.visible_to(user).filter(kind=""), pk=pk)


def places_in(strategy: Strategy, user: User) -> QuerySet[RankedCandidate]:
    """The places of a list that the user may see, in order, of each target the fullest."""
    return _places_in(strategy.pk, user)


def _places_in(
    strategy: int | Given, user: Visitor, *, one_by_one: bool = False
) -> QuerySet[RankedCandidate]:
    newest = RankedCandidate.objects.newest().filter(strategy=strategy, target__isnull=False)
    told = fullest(newest, programs_of(user), owner="target")
    return told.filter(is_shown(user, target="target", one_by_one=one_by_one)).order_by(*IN_ORDER)


def first_places(strategy: Strategy, user: User, *, most: int) -> list[tuple[int, int]]:
    """The keys of the first of `places_in`, and of their targets; in order.

    An index has the places of all readers in this order.
    """
    return list(_first_places(reader_of(user), most, strategy=strategy.pk))


@kept_query
def _first_places(reader: Reader, most: int, *, strategy: Given) -> QuerySet[RankedCandidate, Any]:
    places = _places_in(strategy, reader.user, one_by_one=True)
    return places.values_list("pk", "target")[:most]


def first_fitting(
    strategy: Strategy, said: SaidFilter, vetted: VettingFilter, user: User, *, least: int
) -> tuple[dict[int, int], bool] | None:
    """The first places of a list that fit two filters, with their ranks; and if it is all.

    Asked of the first of all: to ask each, and to rank each, takes long. None: fewer than `least`
    of those fit.
    """
    size = WINDOW * least
    first = first_places(strategy, user, most=size)
    fitting = {target for _, target in first if vetted.takes(target)}
    if said:
        objects = said.targets(programs_of(user)).filter(target__in=fitting)
        fitting = set(objects.values_list("target", flat=True))
    ranks = {pk: rank for rank, (pk, target) in enumerate(first, 1) if target in fitting}
    is_all = len(first) < size
    return (ranks, is_all) if is_all or len(ranks) >= least else None


def few_fitting(
    strategy: Strategy, few: Collection[int], vetted: VettingFilter, user: User
) -> dict[int, int]:
    """The places that some targets have in a list and that fit a filter, with their ranks."""
    found = _few_ranks(reader_of(user), strategy=strategy.pk, targets=array_of(few))
    return {pk: rank for pk, target, rank in found if vetted.takes(target)}


@kept_query
def _few_ranks(
    reader: Reader, *, strategy: Given, targets: Given
) -> QuerySet[RankedCandidate, Any]:
    places = _places_in(strategy, reader.user, one_by_one=True)
    chosen = places.annotate(rank=_RANK).filter(AnyOf(hashed("target"), targets) | Q(rank__lt=0))
    return chosen.values_list("pk", "target", "rank").order_by("rank")


@dataclass(frozen=True)
class Draw:
    """Whom a list drew at random in a night, as far as its reader may see them: by their keys.

    `untold` are those of them that nobody has a verdict on.
    """

    exploration: Exploration
    targets: dict[int, BaseTarget]
    untold: list[BaseTarget]


def read_draw(
    strategy: Strategy, vetted: VettingFilter, user: User, *, now: datetime
) -> Draw | None:
    """This night's draw; None: there was none."""
    exploration = next(iter(_exploration(strategy=strategy.pk, night=night_of(now))), None)
    if exploration is None:
        return None
    drawn = visible_targets(user).filter(pk__in=exploration.drawn.values("target"))
    targets = {target.pk: target for target in drawn.order_by("name")}
    untold = [target for pk, target in targets.items() if pk not in vetted.vettings]
    return Draw(exploration, targets, untold)


@kept_query
def _exploration(*, strategy: Given, night: Given) -> QuerySet[Exploration]:
    return Exploration.objects.filter(strategy=strategy, night=night)[:1]


def list_for(user: User) -> Strategy | None:
    """The list that the person chose; who never chose has the oldest that is not empty."""
    chosen = chosen_by(user)
    if chosen.is_own:
        return chosen.strategy
    oldest = sorted(lists_for(user), key=lambda row: row.pk)
    filled = set(_filled(strategies=[row.pk for row in oldest]))
    return next((row for row in oldest if row.pk in filled), next(iter(oldest), None))


@kept_query
def _filled(*, strategies: Given) -> QuerySet[Strategy, int]:
    places = RankedCandidate.objects.newest().filter(strategy=OuterRef("pk"), programs=[])
    rows = Strategy.objects.filter(AnyOf("pk", strategies), Exists(places)).order_by()
    return rows.values_list("pk", flat=True)


def first_of(strategy: Strategy, user: User, *, most: int) -> dict[int, int]:
    """The first places of a list without what was rejected in it, with their ranks; in order."""
    vetted = VettingFilter("", vettings_in_list(strategy, user))
    found = first_fitting(strategy, SaidFilter(), vetted, user, least=most)
    if found is not None:
        return dict(islice(found[0].items(), most))
    places = places_in(strategy, user)
    shown = list(places.filter(vetted.condition).values_list("pk", flat=True)[:most])
    return dict(sorted(ranks_in(places, shown).items(), key=lambda item: item[1]))


def find_listed(strategy: Strategy, target_pk: int, user: User) -> BaseTarget:
    """A target that is in a list or was, and that the user may see there, or raise 404."""
    places = RankedCandidate.objects.of(Listing(None, strategy))
    mine = places.filter(programs__contained_by=programs_of(user), target=OuterRef("pk"))
    return get_object_or_404(visible_targets(user).filter(Exists(mine)), pk=target_pk)


def is_listed_publicly(strategy: Strategy, target: BaseTarget) -> bool:
    """Whether a target is public, and is in a list or was by public points."""
    if target.permissions == BaseTarget.Permissions.PRIVATE:
        return False
    places = RankedCandidate.objects.of(Listing(None, strategy))
    return places.filter(target=target, programs=[]).exists()


def ranks_in(places: QuerySet[RankedCandidate], shown: Collection[int]) -> dict[int, int]:
    """The rank that each of some places of `places_in` has among all of them."""
    chosen = places.annotate(rank=_RANK).filter(Q(pk__in=shown) | Q(rank__lt=0))
    return dict(chosen.values_list("pk", "rank"))


def read_places(ids: Sequence[int], user: User) -> list[RankedCandidate]:
    """Read these places of `places_in`, in this order, with targets as the user knows them.

    Found by their keys first: to sort all that is shown of 100,000 takes a second.
    """
    found = {row.pk: row for row in _read_places(keys=list(ids))}
    places = [found[pk] for pk in ids if pk in found]
    show_targets([place.target for place in places if place.target], programs_of(user))
    return places


@kept_query
def _read_places(*, keys: Given) -> QuerySet[RankedCandidate]:
    rows = RankedCandidate.objects.filter(AnyOf("pk", keys)).order_by()
    return rows.select_related("ranking", "target__summary").defer("ranking__basis")


def rows_of(
    strategy: Strategy,
    places: Sequence[RankedCandidate],
    user: User,
    *,
    ranks: Mapping[int, int],
) -> tuple[list[str], list[ListRow]]:
    """Gather what the table shows: the names of its terms, and its rows.

    `places` are some of `places_in`, as `read_places` reads them; `ranks` has the rank of each.
    """
    terms = {place.pk: {term["name"]: term for term in place.read_terms()} for place in places}
    columns = list(dict.fromkeys(name for by_name in terms.values() for name in by_name))
    targets = [place.target for place in places if place.target is not None]
    keys = [target.pk for target in targets]
    curves, said = read_curves(keys, user), verdicts_in_list(strategy, keys, user)
    near = near_watched(strategy.watched_id, targets)
    rows = [
        ListRow(
            place=place,
            target=target,
            rank=ranks[place.pk],
            terms=[terms[place.pk].get(name) for name in columns],
            sparkline=draw_sparkline(curves[target.pk], since=None),
            said=said.get(target.pk, []),
            near=near.get(target.pk),
        )
        for place, target in zip(places, targets, strict=True)
    ]
    return columns, rows
