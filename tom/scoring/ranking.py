"""Rank an event's candidates, and keep every term of every place."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max, OuterRef, Subquery
from django.db.models.functions import TruncHour
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.candidates.services import rule_of
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.locks import hold_events
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.events.services import note_changes
from tom.live.models import Topic
from tom.live.publish import publish
from tom.scoring.contract import Reason, ScorerSpec
from tom.scoring.fusion import Posterior, Term, fuse, rank
from tom.scoring.models import RankedCandidate, Ranking, Score
from tom.scoring.runner import Abstention, Opinion, Outcome
from tom.scoring.services import RANKING_KEY, scorers, window_start
from tom.scoring.terms import EarlierActivity, terms_of
from tom.sky import distance_overlap
from tom.targets.models import LightCurvePoint, TargetSummary

NOT_SCORED = "not scored yet"


def rank_event(event: NonLocalizedEvent) -> Ranking | None:
    """Rank the candidates as of now; None where there are none or nothing moved."""
    # By name, which says who is first of those alike: not by the order in which they came.
    candidates = list(event.candidates.select_related("target").order_by("target__name"))
    if not candidates:
        return None
    posteriors = _posteriors(event, candidates)
    order = rank(posteriors)
    unmoved = _unmoved([candidates[i] for i in order], [posteriors[i] for i in order])
    newest = newest_ranking(event) if unmoved else None
    if newest is not None and newest.scorers == present_scorers():
        return None
    return _keep(event, [(candidates[i], posteriors[i]) for i in order])


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


def _posteriors(event: NonLocalizedEvent, candidates: Sequence[EventCandidate]) -> list[Posterior]:
    targets = [candidate.target_id for candidate in candidates]
    summaries = TargetSummary.objects.in_bulk(targets)
    start = window_start(event, rule_of(event))
    earlier = _earlier_activity(summaries, start)
    overlaps = _overlaps(chosen_localization(event), summaries)
    opinions = _opinions(targets, start)
    return [
        fuse(
            settings.CANDIDATE_PRIOR,
            terms_of(
                candidate,
                summaries[candidate.target_id],
                earlier=earlier[candidate.target_id],
                distance_overlap=overlaps.get(candidate.target_id),
                opinions=opinions[candidate.target_id],
                weights=settings.SCORER_WEIGHTS,
            ),
        )
        for candidate in candidates
    ]


def _opinions(
    targets: Sequence[int], since: datetime | None
) -> dict[int, dict[ScorerSpec, Outcome]]:
    """The newest outcome of each scorer's present version, for each target."""
    specs = [scorer.spec for scorer in scorers()]
    known = {f"{spec.name} {spec.version}": spec for spec in specs}
    found: dict[int, dict[str, Outcome]] = defaultdict(dict)
    rows = Score.objects.filter(target__in=targets, since=since).order_by("data_version", "pk")
    for score in rows.only("target_id", "scorer", "version", "probability", "sigma", "reason"):
        name = f"{score.scorer} {score.version}"
        if name in known:
            found[score.target_id][name] = _outcome(score, known[name])
    return {
        pk: {
            spec: found[pk].get(
                f"{spec.name} {spec.version}",
                Abstention(str(pk), Reason.MISSING_INPUT, NOT_SCORED),
            )
            for spec in specs
        }
        for pk in targets
    }


def _outcome(score: Score, spec: ScorerSpec) -> Outcome:
    name = str(score.target_id)
    if score.probability is None or score.sigma is None:
        return Abstention(name, Reason.MISSING_INPUT, score.reason)
    # By name: PostgreSQL keeps a JSON object's keys in an order of its own.
    probability = tuple(float(score.probability[label]) for label in spec.classes)
    return Opinion(name, probability, score.sigma)


def _earlier_activity(
    summaries: Mapping[int, TargetSummary], start: datetime | None
) -> dict[int, EarlierActivity]:
    """Positive 5 sigma epochs before the window, or only the survey's first sight before it."""
    if start is None:
        return {pk: EarlierActivity(None, None) for pk in summaries}
    points = LightCurvePoint.objects.filter(target__in=summaries).shown_with_target()
    strong = points.exclude(kind="limit").extra(where=["flux >= 5 * flux_error"])
    before = {
        row["target_id"]: row
        for row in strong.filter(time__lt=start)
        .values("target_id")
        .annotate(epochs=Count(TruncHour("time"), distinct=True), newest=Max("time"))
    }
    return {pk: _activity(summary, before.get(pk), start) for pk, summary in summaries.items()}


def _activity(
    summary: TargetSummary, ours: dict[str, Any] | None, start: datetime
) -> EarlierActivity:
    """Take our own epochs; where there are none, that the survey's first sight lies before.

    How often the survey saw something here (ZTF's `ndethist`) is no evidence: it counts raw
    detections down to 3 sigma, those of other programs and those after the merger too. The first
    of them (`jdstarthist`) is one such detection, whose time is known.
    """
    if ours:
        return EarlierActivity(ours["epochs"], _days(start - ours["newest"]))
    if summary.first_seen is not None and summary.first_seen < start:
        return EarlierActivity(0, None, sight_age_days=_days(start - summary.first_seen))
    return EarlierActivity(0, None)


def _days(span: timedelta) -> float:
    return span.total_seconds() / 86_400


def _overlaps(
    chosen: EventLocalization | None, summaries: Mapping[int, TargetSummary]
) -> dict[int, float]:
    """How well each host's distance fits the map's, where both are known."""
    known = [s for s in summaries.values() if s.host_distance_mpc is not None]
    if chosen is None or not known:
        return {}
    skymap = skymap_of(chosen.localization_id)
    if not skymap.is_3d:
        return {}
    values = distance_overlap(
        skymap,
        np.array([s.healpix29 for s in known], np.int64),
        distance_mpc=np.array([s.host_distance_mpc for s in known], float),
        distance_sigma_mpc=np.array([s.host_distance_error_mpc or 0.0 for s in known], float),
        horizon_mpc=settings.HOST_HORIZON_MPC,
    )
    return {s.pk: float(v) for s, v in zip(known, values, strict=True) if np.isfinite(v)}


def _unmoved(candidates: Sequence[EventCandidate], posteriors: Sequence[Posterior]) -> bool:
    return all(
        (candidate.rank, candidate.posterior, candidate.posterior_low, candidate.posterior_high)
        == (place, posterior.mean, posterior.low, posterior.high)
        for place, (candidate, posterior) in enumerate(
            zip(candidates, posteriors, strict=True), start=1
        )
    )


def _keep(
    event: NonLocalizedEvent, places: Sequence[tuple[EventCandidate, Posterior]]
) -> Ranking | None:
    with transaction.atomic():
        _lock_candidates(event)
        if _any_opened([candidate.target for candidate, _ in places]):
            return None  # private data moved it; what opened the target makes the event due
        ranking = Ranking.objects.create(
            event=event,
            localization_id=places[0][0].localization_id,  # which they were weighed by
            prior=settings.CANDIDATE_PRIOR,
            scorers=present_scorers(),
        )
        RankedCandidate.objects.bulk_create(
            [
                RankedCandidate(
                    ranking=ranking,
                    candidate=candidate,
                    rank=place,
                    posterior=posterior.mean,
                    posterior_low=posterior.low,
                    posterior_high=posterior.high,
                    terms=[_stored(term) for term in posterior.terms],
                )
                for place, (candidate, posterior) in enumerate(places, start=1)
            ],
            batch_size=500,
        )
        with connection.cursor() as cursor:
            cursor.execute(COPY_PLACES, [ranking.pk])
        publish(Topic.RANKING, event.event_id)
    return ranking


def _lock_candidates(event: NonLocalizedEvent) -> None:
    """Lock in the order in which matching does, so that neither waits for the other."""
    hold_events()
    rows = event.candidates.select_for_update(no_key=True).order_by("target_id")
    list(rows.values_list("pk"))


def _any_opened(targets: Sequence[BaseTarget]) -> bool:
    """Whether a target has been made public since it was read."""
    private = BaseTarget.Permissions.PRIVATE
    were = [target.pk for target in targets if target.permissions == private]
    return BaseTarget.objects.filter(pk__in=were).exclude(permissions=private).exists()


COPY_PLACES = """
    UPDATE candidates_eventcandidate c
    SET rank = p.rank, posterior = p.posterior, posterior_low = p.posterior_low,
        posterior_high = p.posterior_high
    FROM scoring_rankedcandidate p WHERE p.ranking_id = %s AND c.id = p.candidate_id
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
