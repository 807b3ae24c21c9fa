"""Score what changed, for each audience. Rows are deleted only where a program's readers change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, transaction
from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from tom.candidates.models import CandidateRule, CandidateStanding, EventCandidate
from tom.candidates.services import rule_of, rules_of_kinds
from tom.events.locks import hold_events
from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.scoring.contract import Batch, Curve, Scorer
from tom.scoring.curves import Key, Summary, curves_of, key_of, mjd_of, time_of
from tom.scoring.models import RankedCandidate, Score
from tom.scoring.registry import load_scorers
from tom.scoring.runner import Breaker, Opinion, Outcome, run_scorer
from tom.targets.models import PUBLIC, Audience, AudienceSummary, TargetSummary

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
    """Score up to `most` summaries whose light curve changed; return how many were due.

    Twice at once gives the same rows once: a score is known by the data it saw. A light curve that
    changes meanwhile keeps no score of what it was, and stays due.
    """
    due = due_summaries(most)
    if not due:
        return 0
    curves = curves_of(due)
    rows = []
    for since, summaries in _by_window(due).items():
        rows += _score([s for s in summaries if key_of(s) in curves], curves, since)
    with transaction.atomic():
        hold_events()
        scored = _lock_unchanged(due)
        kept = [row for row in rows if (row.target_id, tuple(row.programs)) in scored]
        Score.objects.bulk_create(kept, ignore_conflicts=True, batch_size=500)
        for rows_of in (TargetSummary.objects, AudienceSummary.objects):
            keys = [s.pk for s in due if key_of(s) in scored and isinstance(s, rows_of.model)]
            rows_of.filter(pk__in=keys).update(scored_version=F("version"))
        candidacies = EventCandidate.objects.filter(target__in={pk for pk, _ in scored})
        note_changes(candidacies.values_list("event_id", flat=True).distinct())
    return len(due)


def due_summaries(most: int) -> list[Summary]:
    """Up to `most` summaries, of the public and of narrower audiences, that no score has seen."""
    due = Q(scored_version__lt=F("version"))
    public: list[Summary] = list(TargetSummary.objects.filter(due).order_by("pk")[:most])
    left = most - len(public)
    return [*public, *AudienceSummary.objects.filter(due).order_by("pk")[:left]]


def any_due() -> bool:
    """Whether a summary waits to be scored."""
    return bool(due_summaries(1))


def forget_scores(target_ids: Sequence[int]) -> None:
    """Delete what was computed of targets for the public while more was public than is now."""
    if not target_ids:
        return
    candidates = EventCandidate.objects.filter(target__in=target_ids)
    _hold_rankings(candidates.order_by("event_id").values_list("event_id", flat=True).distinct())
    locked = candidates.select_for_update(no_key=True).order_by("event_id", "target_id")
    ids = list(locked.values_list("pk", flat=True))
    EventCandidate.objects.filter(pk__in=ids).update(
        rank=None, posterior=None, posterior_low=None, posterior_high=None
    )
    RankedCandidate.objects.filter(candidate__in=ids, programs=[]).delete()
    Score.objects.filter(target__in=target_ids, programs=[]).delete()


def forget_audiences(target_ids: Sequence[int], program_id: int) -> None:
    """Delete what was computed for audiences of a program that is public now."""
    if not target_ids:
        return
    theirs = Q(programs__contains=[program_id])
    candidates = EventCandidate.objects.filter(target__in=target_ids)
    _hold_rankings(candidates.order_by("event_id").values_list("event_id", flat=True).distinct())
    RankedCandidate.objects.filter(theirs, candidate__in=candidates).delete()
    CandidateStanding.objects.filter(theirs, candidate__in=candidates).delete()
    Score.objects.filter(theirs, target__in=target_ids).delete()


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
    start = window_start(event, rule_of(event))
    public = TargetSummary.objects.filter(
        target__candidacies__event=event, target__candidacies__is_public=True
    )
    narrower = AudienceSummary.objects.filter(
        target__candidacies__event=event, target__candidacies__standings__programs=F("programs")
    )
    with transaction.atomic():
        hold_events()
        return _make_due(public, Value([], ARRAY), start) + _make_due(
            narrower, OuterRef("programs"), start
        )


ARRAY = ArrayField(BigIntegerField())


def _make_due(rows: QuerySet[Any], programs: Combinable | OuterRef, since: datetime | None) -> int:
    """Make summaries due that were scored, but not by every present scorer in the window."""
    scores = Score.objects.filter(target=OuterRef("target"), programs=programs)
    judged = _judged_by(scorers(), scores, since=since)
    outdated = (
        rows.filter(Exists(scores))
        .annotate(judged=Coalesce(Subquery(judged), 0))
        .filter(judged__lt=len(scorers()), scored_version=F("version"))
    )
    found = dict(outdated.values_list("pk", "target"))
    _lock_targets(found.values())
    due = rows.model._default_manager.filter(pk__in=found, scored_version=F("version"))
    n: int = due.update(version=F("version") + 1)
    return n


def _judged_by(
    those: Sequence[Scorer], scores: QuerySet[Score], *, since: datetime | None
) -> QuerySet[Score, int]:
    """By how many of these scorers the light curve of the query around was judged in a window."""
    present = Q(pk=None)
    for scorer in those:
        present |= Q(scorer=scorer.spec.name, version=scorer.spec.version)
    rows = scores.filter(present, since=since).order_by()
    return rows.values("target").values_list(Count("scorer", distinct=True))


def _by_window(summaries: Sequence[Summary]) -> dict[datetime | None, list[Summary]]:
    """Each once for each window it makes a candidate in; outside any, all its points count."""
    rules = rules_of_kinds()
    windows: dict[Key, set[datetime | None]] = defaultdict(set)
    candidacies = EventCandidate.objects.filter(target__in={s.target_id for s in summaries})
    standings = CandidateStanding.objects.filter(candidate__in=candidacies)
    audiences: dict[int, list[Audience]] = defaultdict(list)
    for row in standings.only("candidate_id", "programs"):
        audiences[row.candidate_id].append(row.audience)
    for candidate in candidacies.select_related("event"):
        start = window_start(candidate.event, rules[candidate.event.kind])
        openly = [PUBLIC] if candidate.is_public else []
        for audience in (*openly, *audiences[candidate.pk]):
            windows[candidate.target_id, audience].add(start)
    grouped = defaultdict(list)
    for summary in summaries:
        for start in windows.get(key_of(summary), {None}):
            grouped[start].append(summary)
    return grouped


def _score(
    summaries: Sequence[Summary], curves: dict[Key, Curve], since: datetime | None
) -> list[Score]:
    if not summaries:
        return []
    batch = batch_of([curves[key_of(summary)] for summary in summaries], since)
    return [
        _row(scorer, summary, outcome, since=since, until=curves[key_of(summary)].as_of_mjd)
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
    summary: Summary,
    outcome: Outcome,
    *,
    since: datetime | None,
    until: float,
) -> Score:
    spec = scorer.spec
    score = Score(
        target_id=summary.target_id,
        programs=list(summary.audience),
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


def _lock_unchanged(summaries: Sequence[Summary]) -> set[Key]:
    """Lock those still due as they were read, in one order; return their keys."""
    _lock_targets(summary.target_id for summary in summaries)
    unchanged: set[Key] = set()
    for rows_of in (TargetSummary.objects, AudienceSummary.objects):
        seen = {s.pk: s for s in summaries if isinstance(s, rows_of.model)}
        due = rows_of.filter(pk__in=seen, scored_version__lt=F("version"))
        versions = dict(due.values_list("pk", "version")) if seen else {}
        same = (s for pk, s in seen.items() if versions.get(pk) == s.version)
        unchanged |= {key_of(summary) for summary in same}
    return unchanged


def _lock_targets(target_ids: Iterable[int]) -> None:
    """Lock the public summaries of targets: who holds these may write the narrower ones, too."""
    rows = TargetSummary.objects.filter(pk__in=set(target_ids)).select_for_update(no_key=True)
    list(rows.order_by("pk").values_list("pk"))
