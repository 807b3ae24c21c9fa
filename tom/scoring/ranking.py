"""Rank an event's candidates, and keep every term of every place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, Subquery

from tom.candidates.services import rule_of
from tom.events.locks import hold_events
from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.live.models import Topic
from tom.live.publish import publish
from tom.scoring.basis import basis_of
from tom.scoring.evidence import Entry, find_entries, find_posteriors
from tom.scoring.fusion import Posterior, Term, rank
from tom.scoring.models import RankedCandidate, Ranking
from tom.scoring.services import RANKING_KEY, scorers


def rank_event(event: NonLocalizedEvent) -> Ranking | None:
    """Rank the candidates as of now; None where there are none or nothing moved.

    A candidate has a place for each audience that knows something else of it, in one order: the
    chance of one does not hang on the others', so each audience's own ranking is a part of it.
    """
    entries = find_entries(event)
    if not entries:
        return None
    posteriors = find_posteriors(event, entries)
    places = [(entries[i], posteriors[i]) for i in rank(posteriors)]
    basis = basis_of(rule_of(event))
    newest = newest_ranking(event) if _unmoved(places) else None
    if newest is not None and (newest.scorers, newest.basis) == (present_scorers(), basis):
        return None
    return _keep(event, places, basis)


def rank_if_due(event: NonLocalizedEvent) -> bool:
    """Rank an event where a change calls for it; return whether this call did.

    What changes meanwhile stays due. While another worker ranks the event, this does nothing.
    """
    with transaction.atomic():
        if not _claim(event):
            return False
        due = NonLocalizedEvent.objects.due_for_ranking().filter(pk=event.pk).first()
        if due is None:
            return False
        rank_event(due)
        NonLocalizedEvent.objects.filter(pk=due.pk).update(ranked_version=due.rank_version)
    return True


def newest_ranking(event: NonLocalizedEvent) -> Ranking | None:
    """The newest ranking of an event."""
    return event.rankings.order_by("-created", "-pk").first()


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


def _claim(event: NonLocalizedEvent) -> bool:
    """Be the one that ranks the event until the transaction ends; False: another is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [RANKING_KEY, event.pk])
        claimed: bool = cursor.fetchone()[0]
    return claimed


def _unmoved(places: Sequence[tuple[Entry, Posterior]]) -> bool:
    standings = [(entry.standing, posterior) for entry, posterior in places]
    return all(
        (standing.rank, standing.posterior, standing.posterior_low, standing.posterior_high)
        == (place, posterior.mean, posterior.low, posterior.high)
        for place, (standing, posterior) in enumerate(standings, start=1)
    )


def _keep(
    event: NonLocalizedEvent, places: Sequence[tuple[Entry, Posterior]], basis: dict[str, Any]
) -> Ranking | None:
    with transaction.atomic():
        _lock_candidates(event)
        ranking = Ranking.objects.create(
            event=event,
            localization_id=places[0][0].candidate.localization_id,  # which they were weighed by
            prior=settings.CANDIDATE_PRIOR,
            scorers=present_scorers(),
            basis=basis,
        )
        RankedCandidate.objects.bulk_create(
            [
                RankedCandidate(
                    ranking=ranking,
                    candidate=entry.candidate,
                    programs=list(entry.audience),
                    rank=place,
                    posterior=posterior.mean,
                    posterior_low=posterior.low,
                    posterior_high=posterior.high,
                    terms=[_stored(term) for term in posterior.terms],
                )
                for place, (entry, posterior) in enumerate(places, start=1)
            ],
            batch_size=500,
        )
        with connection.cursor() as cursor:
            cursor.execute(COPY_PLACES, [ranking.pk])
            cursor.execute(COPY_NARROWER_PLACES, [ranking.pk])
        publish(Topic.RANKING, event.event_id)
    return ranking


def _lock_candidates(event: NonLocalizedEvent) -> None:
    """Lock in the order in which matching does, so that neither waits for the other."""
    hold_events()
    rows = event.candidates.select_for_update(no_key=True).order_by("target_id")
    list(rows.values_list("pk"))


COPY_PLACES = """
    UPDATE candidates_eventcandidate c
    SET rank = p.rank, posterior = p.posterior, posterior_low = p.posterior_low,
        posterior_high = p.posterior_high
    FROM scoring_rankedcandidate p
    WHERE p.ranking_id = %s AND c.id = p.candidate_id AND p.programs = '{}'
"""
COPY_NARROWER_PLACES = """
    UPDATE candidates_candidatestanding c
    SET rank = p.rank, posterior = p.posterior, posterior_low = p.posterior_low,
        posterior_high = p.posterior_high
    FROM scoring_rankedcandidate p
    WHERE p.ranking_id = %s AND c.candidate_id = p.candidate_id AND c.programs = p.programs
"""


def _stored(term: Term) -> dict[str, object]:
    value = term.value if term.value is not None and np.isfinite(term.value) else None
    return {
        "name": term.name,
        "log_lr": term.log_lr,
        "log_lr_low": term.log_lr_low,
        "log_lr_high": term.log_lr_high,
        "inputs": sorted(term.inputs),
        "reason": term.reason,
        "value": value,
        "missing": term.missing,
    }
