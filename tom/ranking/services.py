"""Rank a list with the present facts, or again with the facts of an earlier ranking."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial, reduce
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from tom import moments
from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.kept_queries import Given, kept_query
from tom.ranking import kinds, opinions
from tom.ranking.basis import Basis, constants
from tom.ranking.case import Case, Opinions, read_case, read_columns, read_opinions
from tom.ranking.chances import sum_weights
from tom.ranking.columns import Columns
from tom.ranking.expected import EVEN, log_none_of
from tom.ranking.history import fingerprints, keep, moves
from tom.ranking.hosts import read_galaxies
from tom.ranking.lights import Seen, is_looked_at, learn, look, read_brightness, read_kinds
from tom.ranking.locks import claim_list, claim_ranking
from tom.ranking.means import divide, fit_means, log_jointly
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.numbered import put_in_order
from tom.ranking.pooling import Posterior, fuse
from tom.ranking.reread import look_now
from tom.ranking.terms import later_light
from tom.ranking.weighing import FloatArray, Weighed, layout_of
from tom.scoring.contract import ScorerSpec
from tom.scoring.own_services import weighing_specs
from tom.scoring.services import scorers, window_start
from tom.strategies.models import Strategy
from tom.strategies.services import strategy_of


class NotReproducibleError(ValueError):
    """A ranking was made by other code, or before all its inputs were stored."""


def rank_event(event: NonLocalizedEvent) -> Ranking | None:
    """Rank an event's candidates by the strategy of its kind; returns what `rank_list` returns."""
    strategy = strategy_of(event)
    basis = Basis.present(strategy, window_start(event, strategy))
    return rank_list(Listing(event, strategy if strategy.pk else None), basis)


def rank_list(listing: Listing, basis: Basis) -> Ranking | None:
    """Rank a list with the present facts.

    Returns None if nothing changed, if the list is empty and has no ranking, or if an event's list
    is empty. A member has a place for each audience with other knowledge of it. All places are in
    one order: a weight does not depend on the other places, so each audience's own ranking is a
    part of this order. The sums that make chances of weights are stored for each set of readers.
    """
    with _garbage_kept():
        return _rank(listing, basis)


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Switch garbage collection off in the block: it would visit all rows again and again.

    It took a third of the time of a ranking of 25,000 candidates.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _rank(listing: Listing, basis: Basis) -> Ranking | None:
    moment, versions = (moments.now(), None) if listing.event is None else look_now(listing.event)
    case = read_case(listing, moment, basis.window_start, basis.rule, versions)
    newest = newest_ranking(listing.owner)
    if not len(case) and (newest is None or listing.event is not None):
        return None
    if basis.by:
        former = None if newest is None else newest.basis
        case, basis, posterior = put_in_order(case, basis, former)
    else:
        facts, basis = _learnt(case, basis, newest)
        basis, posterior = _weigh_anew(facts, basis, newest)
    moved = moves(case, posterior)
    if newest is not None and not any(moved) and _rests_on(newest, basis):
        return None
    ranking = _ranking(case, basis, posterior)
    with transaction.atomic():
        return ranking if keep(ranking, case, posterior, moved) else None


class Facts(NamedTuple):
    """A case, what was seen of its entries, and the inputs of their terms but brightness."""

    case: Case
    seen: Seen
    columns: Columns


def _read(case: Case, basis: Basis, event_time: datetime | None) -> Facts:
    seen = look(case, event_time)
    nothing = read_brightness(case, seen, None)
    galaxies = read_galaxies(case, horizon_mpc=basis.horizon_mpc, catalogues=basis.galaxies)
    return Facts(case, seen, read_columns(case, galaxies=galaxies, brightness=nothing))


def _learnt(case: Case, basis: Basis, newest: Ranking | None) -> tuple[Facts, Basis]:
    """Read what was seen; return the basis with what that and the event lead to expect."""
    event = case.listing.event
    asked = event is not None and basis.weighs_brightness
    facts = _read(case, basis, event.time if event is not None and asked else None)
    if event is None:
        return facts, basis
    kept = newest.basis.get("brightness") if newest is not None else None
    if not asked or event.time is None:
        return facts, basis.about(event)
    around = partial(_surroundings, facts, basis)
    learnt = learn(case, facts.seen, event, kept, surroundings=around)
    return facts, basis.about(event, learnt, is_looked_at=is_looked_at(case, facts.seen))


def _surroundings(facts: Facts, basis: Basis) -> FloatArray:
    """What the data besides the light say of the kinds, summed; see `kinds.logs_of`."""
    logs = kinds.surroundings(facts.columns)
    for spec, labels, weight in basis.ranked_by():
        if labels == opinions.REALITY:
            logs += _on_kinds(spec, weight, read_opinions(facts.case, spec, labels))
    return logs


def _on_kinds(spec: ScorerSpec, weight: float, said: Opinions) -> FloatArray:
    """What a scorer of reality says of the kinds; see `kinds.reality`."""
    value = opinions.either(spec, opinions.REALITY, said.values)
    log_real = weight * opinions.log_ratio(spec, opinions.REALITY, value)
    return kinds.reality(log_real, np.isnan(value) | np.isnan(said.sigma))


def _weigh_anew(facts: Facts, basis: Basis, newest: Ranking | None) -> tuple[Basis, Posterior]:
    """Weigh a case; of an event's list, with the means of its terms: return the basis with them."""
    case, terms = facts.case, _terms(facts, basis)
    if case.listing.event is not None:
        former = newest.basis if newest is not None else {}
        # Where the fit of brightness is new, each place is: the means are fitted with it.
        kept = former.get("means") if former.get("brightness") == basis.brightness else None
        basis = replace(basis, means=_fit(case, basis, terms, kept))
    return basis, _fuse(basis, terms)


def _fit(
    case: Case, basis: Basis, terms: Sequence[Weighed], kept: dict[str, Any] | None
) -> dict[str, Any]:
    exact = [
        opinions.term_name(spec)
        for spec, labels, _ in basis.ranked_by()
        if set(labels) <= set(basis.sought)
    ]
    as_they_are = [*exact, later_light.NAME]
    return fit_means(terms, case.seen_by_all, kept, as_they_are=as_they_are)


def weigh(case: Case, basis: Basis) -> tuple[Case, Posterior]:
    """Return the entries that a list has, and the weight of each, from all evidence.

    All entries of the case have one, but in a list in the order of a scorer's number.
    """
    if basis.by:
        case, _, posterior = put_in_order(case, basis)
        return case, posterior
    return case, _fuse(basis, _terms(_read(case, basis, basis.event_time), basis))


def _fuse(basis: Basis, terms: Sequence[Weighed]) -> Posterior:
    divided = divide(terms, basis.means or {})
    return fuse(basis.prior if basis.expected is None else EVEN, divided)


def _terms(facts: Facts, basis: Basis) -> list[Weighed]:
    case, seen, columns = facts
    columns = columns.lit(read_brightness(case, seen, basis.brightness))
    of_kinds, terms = read_kinds(seen, basis.brightness), []
    for module in basis.weighed_terms:
        if of_kinds is not None and module in kinds.OF_KINDS:
            term, of_kinds = kinds.weigh(module, columns, of_kinds)
        else:
            term = module.weigh(**module.read(columns))
        terms.append(term)
    seen_later = [~term.missing for term in terms if term.name == later_light.NAME]
    for spec, labels, weight in basis.ranked_by():
        said = read_opinions(case, spec, labels)
        value = opinions.either(spec, labels, said.values)
        said_of = partial(opinions.weigh, sought=basis.sought, weight=weight)
        opinion = said_of(spec, value, said.sigma, said.silence)
        if of_kinds is not None and labels == opinions.REALITY:
            opinion, of_kinds = kinds.given(opinion, _on_kinds(spec, weight, said), of_kinds)
        if later_light.IS_SAME_DATUM in spec.input_names:
            opinion = reduce(opinions.leave_to, seen_later, opinion)
        terms.append(opinion)
    return terms


def recompute(ranking: Ranking) -> tuple[Case, Posterior]:
    """Repeat an earlier ranking from the facts known at its moment, with its own basis.

    The entries and their weights are the same as in the ranking, bit for bit.

    Raises
    ------
    NotReproducibleError
        If it was made with other constants, or before all its inputs were stored.
    """
    try:
        basis = Basis.of(ranking.basis)
    except TypeError as error:
        message = f"the {ranking} does not say everything that it used"
        raise NotReproducibleError(message) from error
    if basis.constants != constants(is_by_number=bool(basis.by)):
        message = f"the {ranking} was made with other constants than the present ones"
        raise NotReproducibleError(message)
    case = read_case(ranking.listing, ranking.moment, basis.window_start, basis.rule)
    return weigh(case, basis)


def unlike(ranking: Ranking) -> int:
    """Repeat a ranking and return how many places differ; 0: it is the same.

    Raises NotReproducibleError as `recompute` does.
    """
    case, posterior = recompute(ranking)
    weights = (posterior.log_weight, posterior.low, posterior.high)
    columns = (case.members, *weights, fingerprints(posterior))
    again = [
        (*figures, case.audiences[row])
        for row, figures in enumerate(zip(*(column.tolist() for column in columns), strict=True))
    ]
    rows = RankedCandidate.objects.as_of(ranking).in_order()
    names = ("log_weight", "log_weight_low", "log_weight_high", "fingerprint")
    kept = [
        (*figures, tuple(programs))
        for *figures, programs in rows.values_list(
            ranking.listing.member_column, *names, "programs"
        )
    ]
    made = [again[row] for row in posterior.order().tolist()]
    return sum(ours != theirs for ours, theirs in zip_longest(made, kept))


def rankings_of(owner: NonLocalizedEvent | Strategy) -> QuerySet[Ranking]:
    """Return the rankings of an event's list or of a strategy's own list, the newest first."""
    if isinstance(owner, Strategy):
        rows = Ranking.objects.filter(event=None, strategy=owner)
    else:
        rows = Ranking.objects.filter(event=owner)
    return rows.order_by("-created", "-pk")


def ranking_as_of(owner: NonLocalizedEvent | Strategy, when: datetime) -> Ranking | None:
    """Return the newest ranking at a time; None if there was none yet."""
    is_list = isinstance(owner, Strategy)
    return next(iter(_newest_by(is_list, owner=owner.pk, when=when)), None)


@kept_query
def _newest_by(is_list: bool, *, owner: Given, when: Given) -> QuerySet[Ranking]:
    of = {"event": None, "strategy": owner} if is_list else {"event": owner}
    return Ranking.objects.filter(**of, created__lte=when).order_by("-created", "-pk")[:1]


def newest_ranking(owner: NonLocalizedEvent | Strategy) -> Ranking | None:
    """Return the newest ranking of an event's list or of a strategy's own list, or None."""
    return rankings_of(owner).first()


def rank_if_due(event: NonLocalizedEvent) -> bool:
    """Rank an event if a change made it due; return whether this call ranked it.

    A change that comes meanwhile leaves the event due. If another worker ranks the event, this does
    nothing.
    """
    with transaction.atomic():
        if not claim_ranking(event):
            return False
        due = NonLocalizedEvent.objects.due_for_ranking().filter(pk=event.pk).first()
        if due is None:
            return False
        rank_event(due)
        NonLocalizedEvent.objects.filter(pk=due.pk).update(ranked_version=due.rank_version)
    return True


def rank_list_if_due(strategy: Strategy) -> bool:
    """Rank a strategy's list without an event if it is due; return whether this call ranked it.

    If another worker ranks the list, this does nothing.
    """
    with transaction.atomic():
        if not claim_list(strategy):
            return False
        due = Strategy.objects.due().filter(pk=strategy.pk).first()
        if due is None:
            return False
        rank_list(Listing(None, due), Basis.present(due, None))
        Strategy.objects.filter(pk=due.pk).update(ranked=timezone.now())
    return True


def present_scorers() -> dict[str, str]:
    """Return the version of each installed scorer, by its name; and of those people added.

    Of the latter those that weigh in everybody's lists.
    """
    present = [scorer.spec for scorer in scorers()]
    return {spec.name: spec.version for spec in (*present, *weighing_specs(None))}


def note_new_scorers(since: datetime) -> None:
    """Make events from `since` on due if their newest ranking did not use the present scorers."""
    rankings = Ranking.objects.filter(event=OuterRef("pk")).order_by("-created", "-pk")
    ranked = NonLocalizedEvent.objects.filter(time__gte=since).annotate(
        ranked_by=Subquery(rankings.values("scorers")[:1])
    )
    others = ranked.filter(ranked_by__isnull=False).exclude(ranked_by=present_scorers())
    with transaction.atomic():
        note_changes(others.values_list("pk", flat=True))


def _rests_on(ranking: Ranking, basis: Basis) -> bool:
    is_scaled = (ranking.log_none is None) == (basis.expected is None)
    alike = ranking.scorers == present_scorers() and ranking.basis == asdict(basis)
    return bool(is_scaled and alike)


def _log_none(basis: Basis) -> float | None:
    """The weight of “none of these”; the mean of what all terms say jointly belongs to it."""
    if basis.expected is None:
        return None
    return log_none_of(basis.expected) + log_jointly(basis.means)


def _ranking(case: Case, basis: Basis, posterior: Posterior) -> Ranking:
    moment, uses = case.moment, case.localizations
    use = uses[0] if len(uses) else np.nan  # the localization by which they were weighed
    sums = sum_weights(case, posterior.log_weight)
    return Ranking(
        strategy=case.listing.strategy,
        event=case.listing.event,
        localization_id=None if np.isnan(use) else int(use),
        by=basis.by,
        prior=basis.prior,
        scorers=present_scorers(),
        basis=asdict(basis),
        layout=layout_of(posterior.terms),
        log_none=_log_none(basis),
        log_sums=sums.log_sums,
        owned=sums.owned,
        created=moment.time,
        snapshot=moment.snapshot or "",
        xact=moment.xact,
    )
