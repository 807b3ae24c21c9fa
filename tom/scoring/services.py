"""Score what changed. Rows are only added, and deleted only where a target is opened."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from tom.candidates.models import CandidateRule, EventCandidate
from tom.candidates.services import rule_of, rules_of_kinds
from tom.events.locks import hold_events
from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.scoring.contract import Batch, Curve, Scorer
from tom.scoring.curves import curves_of, mjd_of, time_of
from tom.scoring.models import RankedCandidate, Score
from tom.scoring.registry import load_scorers
from tom.scoring.runner import Breaker, Opinion, Outcome, run_scorer
from tom.targets.models import TargetSummary

# A number of our own among the database's advisory locks: with an event's key, its ranking.
RANKING_KEY = 7_201_002


@cache
def scorers() -> tuple[Scorer, ...]:
    """Every scorer, loaded once in a process."""
    return tuple(load_scorers(settings.SCORERS, weights=settings.SCORER_WEIGHTS))


@cache
def _breaker(name: str) -> Breaker:
    return Breaker()


def score_due(*, most: int) -> int:
    """Score up to `most` targets whose light curve changed; return how many were due.

    Twice at once gives the same rows once: a score is known by the data it saw. A target that
    changes meanwhile keeps no score of what it was, and stays due.
    """
    due = list(TargetSummary.objects.filter(scored_version__lt=F("version")).order_by("pk")[:most])
    if not due:
        return 0
    curves = curves_of(due)
    rows = []
    for since, summaries in _by_window(due).items():
        rows += _score([s for s in summaries if s.pk in curves], curves, since)
    with transaction.atomic():
        hold_events()
        scored = _lock_unchanged(due)
        kept = [row for row in rows if row.target_id in scored]
        Score.objects.bulk_create(kept, ignore_conflicts=True, batch_size=500)
        TargetSummary.objects.filter(pk__in=scored).update(scored_version=F("version"))
        candidacies = EventCandidate.objects.filter(target__in=scored)
        note_changes(candidacies.values_list("event_id", flat=True).distinct())
    return len(due)


def forget_scores(target_ids: Sequence[int]) -> None:
    """Delete what was computed of targets while they were private: anyone may see them now."""
    if not target_ids:
        return
    candidates = EventCandidate.objects.filter(target__in=target_ids)
    _hold_rankings(candidates.order_by("event_id").values_list("event_id", flat=True).distinct())
    locked = candidates.select_for_update(no_key=True).order_by("event_id", "target_id")
    ids = list(locked.values_list("pk", flat=True))
    EventCandidate.objects.filter(pk__in=ids).update(
        rank=None, posterior=None, posterior_low=None, posterior_high=None
    )
    RankedCandidate.objects.filter(candidate__in=ids).delete()
    Score.objects.filter(target__in=target_ids).delete()


def _hold_rankings(event_ids: Iterable[int]) -> None:
    """Let no ranking of these events be under way until the caller's transaction ends.

    A ranking locks its candidates in one order; who forgets some of them matches others after.
    """
    with connection.cursor() as cursor:
        for pk in event_ids:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RANKING_KEY, pk])


def window_start(event: NonLocalizedEvent, rule: CandidateRule) -> datetime | None:
    """From when detections count as the event's; None: from ever."""
    if event.time is None or rule.days_before is None:
        return None
    return event.time - timedelta(days=rule.days_before)


def batch_of(curves: Sequence[Curve], since: datetime | None) -> Batch:
    """Light curves as scorers take them, without the detections before a window's start."""
    batch = Batch.build(curves)
    return batch if since is None else batch.since(mjd_of(since))


def note_outdated(event: NonLocalizedEvent) -> int:
    """Make candidates due that not every present scorer judged in the event's window.

    For a window that moved with the event's time or its kind's rule, and for a scorer that is new
    or has a new version. Returns how many were made due.
    """
    candidates = TargetSummary.objects.filter(target__candidacies__event=event)
    judged = _judged_by(scorers(), since=window_start(event, rule_of(event)))
    outdated = (
        candidates.filter(Exists(Score.objects.filter(target=OuterRef("pk"))))
        .annotate(judged=Coalesce(Subquery(judged), 0))
        .filter(judged__lt=len(scorers()), scored_version=F("version"))
    )
    with transaction.atomic():
        hold_events()
        locked = outdated.select_for_update(of=("self",), no_key=True).order_by("pk")
        keys = list(locked.values_list("pk", flat=True))
        return TargetSummary.objects.filter(pk__in=keys).update(version=F("version") + 1)


def _judged_by(those: Sequence[Scorer], *, since: datetime | None) -> QuerySet[Score, int]:
    """By how many of these scorers the target of the query around was judged in a window."""
    present = Q(pk=None)
    for scorer in those:
        present |= Q(scorer=scorer.spec.name, version=scorer.spec.version)
    rows = Score.objects.filter(present, target=OuterRef("pk"), since=since).order_by()
    return rows.values("target").values_list(Count("scorer", distinct=True))


def _by_window(
    summaries: Sequence[TargetSummary],
) -> dict[datetime | None, list[TargetSummary]]:
    """Each target once for each window it is a candidate in; outside any, all its points count."""
    rules = rules_of_kinds()
    windows = defaultdict(set)
    candidacies = EventCandidate.objects.filter(target__in=[s.pk for s in summaries])
    for candidate in candidacies.select_related("event"):
        start = window_start(candidate.event, rules[candidate.event.kind])
        windows[candidate.target_id].add(start)
    grouped = defaultdict(list)
    for summary in summaries:
        for start in windows.get(summary.pk, {None}):
            grouped[start].append(summary)
    return grouped


def _score(
    summaries: Sequence[TargetSummary], curves: dict[int, Curve], since: datetime | None
) -> list[Score]:
    if not summaries:
        return []
    batch = batch_of([curves[summary.pk] for summary in summaries], since)
    return [
        _row(scorer, summary, outcome, since=since, until=curves[summary.pk].as_of_mjd)
        for scorer in scorers()
        for summary, outcome in zip(
            summaries,
            run_scorer(
                scorer,
                batch,
                breaker=_breaker(scorer.spec.name),
                passthrough=(SoftTimeLimitExceeded,),
            ),
            strict=True,
        )
    ]


def _row(
    scorer: Scorer,
    summary: TargetSummary,
    outcome: Outcome,
    *,
    since: datetime | None,
    until: float,
) -> Score:
    spec = scorer.spec
    score = Score(
        target_id=summary.pk,
        scorer=spec.name,
        version=spec.version,
        artefact_sha256=spec.artefact_sha256 or "",
        data_version=summary.version,
        data_until=time_of(until),
        since=since,
    )
    if isinstance(outcome, Opinion):
        score.probability = dict(zip(spec.classes, outcome.probability, strict=True))
        score.sigma = outcome.sigma
    else:
        score.reason = (outcome.detail or outcome.reason.text)[:200]
    return score


def _lock_unchanged(summaries: Sequence[TargetSummary]) -> set[int]:
    """Lock those still due as they were read, in one order; return their keys."""
    seen = {summary.pk: summary.version for summary in summaries}
    due = TargetSummary.objects.filter(pk__in=seen, scored_version__lt=F("version"))
    locked = due.select_for_update(no_key=True).order_by("pk").values_list("pk", "version")
    return {pk for pk, version in locked if version == seen[pk]}
