"""Rank an event's candidates: now, and as it was known at an earlier ranking."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import zip_longest

import numpy as np
from django.db import transaction
from django.db.models import OuterRef, Subquery

from tom import moments
from tom.candidates.services import rule_of
from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.ranking import opinions
from tom.ranking.basis import Basis, constants
from tom.ranking.case import Case, read_case, read_columns, read_opinions
from tom.ranking.history import fingerprints, keep, standing_places
from tom.ranking.locks import claim_ranking
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.pooling import Posterior, fuse
from tom.ranking.terms import TERMS
from tom.ranking.weighing import Weighed, layout_of
from tom.scoring.services import scorers, window_start


class NotReproducibleError(ValueError):
    """A ranking was made by other code, or before all that it rests on was kept."""


def rank_event(event: NonLocalizedEvent) -> Ranking | None:
    """Rank the candidates as of now; None where there are none or nothing moved.

    A candidate has a place for each audience that knows something else of it, in one order: the
    chance of one does not hang on the others', so each audience's own ranking is a part of it.
    """
    moment = moments.now()
    rule = rule_of(event)
    basis = Basis.present(rule, window_start(event, rule))
    case = read_case(event, moment, basis.window_start)
    if not len(case):
        return None
    posterior = weigh(case, basis)
    moved, gone = _moved(event, case, posterior)
    newest = newest_ranking(event)
    if newest is not None and not moved and not gone and _rests_on(newest, basis):
        return None
    ranking = _ranking(event, case, basis, posterior.terms)
    with transaction.atomic():
        keep(ranking, case, posterior, moved)
    return ranking


def weigh(case: Case, basis: Basis) -> Posterior:
    """Weigh all evidence on each entry of a case."""
    columns = read_columns(case, horizon_mpc=basis.horizon_mpc)
    terms = [term.weigh(**term.read(columns)) for term in TERMS]
    for spec, label, weight in basis.ranked_by():
        said = read_opinions(case, spec, label)
        terms.append(opinions.weigh(spec, said.value, said.sigma, said.silence, weight=weight))
    return fuse(basis.prior, terms)


def recompute(ranking: Ranking) -> tuple[Case, Posterior]:
    """Rank anew what was known at an earlier ranking, on its own basis.

    The entries and the chance of each are those that the ranking kept, bit for bit.

    Raises
    ------
    NotReproducibleError
        If it was made with other constants, or before all that it rests on was kept.
    """
    try:
        basis = Basis.of(ranking.basis)
    except TypeError as error:
        message = f"the {ranking} does not say all that it rests on"
        raise NotReproducibleError(message) from error
    if basis.constants != constants():
        message = f"the {ranking} was made with other constants than the present ones"
        raise NotReproducibleError(message)
    case = read_case(ranking.event, ranking.moment, basis.window_start)
    return case, weigh(case, basis)


def unlike(ranking: Ranking) -> int:
    """How many places come out otherwise where a ranking is made again; 0: it is the same.

    Raises as `recompute` does.
    """
    case, posterior = recompute(ranking)
    chances = (posterior.log_odds, posterior.mean, posterior.low, posterior.high)
    columns = (case.candidates, *chances, fingerprints(posterior))
    again = [
        (*figures, case.audiences[row])
        for row, figures in enumerate(zip(*(column.tolist() for column in columns), strict=True))
    ]
    rows = RankedCandidate.objects.as_of(ranking).in_order()
    names = ("candidate_id", "log_odds", "posterior", "posterior_low", "posterior_high")
    kept = [
        (*figures, tuple(programs))
        for *figures, programs in rows.values_list(*names, "fingerprint", "programs")
    ]
    made = [again[row] for row in posterior.order().tolist()]
    return sum(ours != theirs for ours, theirs in zip_longest(made, kept))


def ranking_as_of(event: NonLocalizedEvent, when: datetime) -> Ranking | None:
    """The ranking that stood at a time; None: there was none yet."""
    return event.rankings.filter(created__lte=when).order_by("-created", "-pk").first()


def newest_ranking(event: NonLocalizedEvent) -> Ranking | None:
    """The newest ranking of an event."""
    return event.rankings.order_by("-created", "-pk").first()


def rank_if_due(event: NonLocalizedEvent) -> bool:
    """Rank an event where a change calls for it; return whether this call did.

    What changes meanwhile stays due. While another worker ranks the event, this does nothing.
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


def present_scorers() -> dict[str, str]:
    """The version of each scorer, by its name."""
    return {scorer.spec.name: scorer.spec.version for scorer in scorers()}


def note_new_scorers(since: datetime) -> None:
    """Make the events from `since` on due that other scorers than the present ones ranked."""
    rankings = Ranking.objects.filter(event=OuterRef("pk")).order_by("-created", "-pk")
    ranked = NonLocalizedEvent.objects.filter(time__gte=since).annotate(
        ranked_by=Subquery(rankings.values("scorers")[:1])
    )
    others = ranked.filter(ranked_by__isnull=False).exclude(ranked_by=present_scorers())
    with transaction.atomic():
        note_changes(others.values_list("pk", flat=True))


def _rests_on(ranking: Ranking, basis: Basis) -> bool:
    return bool(ranking.scorers == present_scorers() and ranking.basis == asdict(basis))


def _moved(
    event: NonLocalizedEvent, case: Case, posterior: Posterior
) -> tuple[Sequence[int], bool]:
    """The rows whose evidence is another than where they stand, and whether any stands no more."""
    stands = standing_places(event)
    keys = list(zip(case.candidates.tolist(), case.audiences, strict=True))
    marks = fingerprints(posterior).tolist()
    moved = [row for row, key in enumerate(keys) if stands.get(key) != marks[row]]
    return moved, bool(stands.keys() - set(keys))


def _ranking(
    event: NonLocalizedEvent, case: Case, basis: Basis, terms: Sequence[Weighed]
) -> Ranking:
    moment, use = case.moment, case.localizations[0]
    return Ranking(
        event=event,
        localization_id=None if np.isnan(use) else int(use),  # which they were weighed by
        prior=basis.prior,
        scorers=present_scorers(),
        basis=asdict(basis),
        layout=layout_of(terms),
        created=moment.time,
        snapshot=moment.snapshot or "",
        xact=moment.xact,
    )
