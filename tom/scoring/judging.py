"""Hand out changed light curves to the scorers, and store the answers.

A scorer that fails delays no other. It runs in its own process (`tom.scoring.host`), one batch at
a time. Attempts are counted before the work, as for messages. If a batch ended the process, its
light curves are judged in small batches, then one by one. After the last attempt a light curve is
given up, and the reason is stored.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.locks import hold_events
from tom.events.services import note_changes
from tom.scoring.contract import Reason
from tom.scoring.curves import Key, Summary, curves_of, key_of, name_of, time_of
from tom.scoring.host import ScorerDiedError
from tom.scoring.hosts import host_for
from tom.scoring.models import DueScore, Score, ScorerState
from tom.scoring.own_services import Added, barred_from
from tom.scoring.rests import alone, note_failure, rests
from tom.scoring.runner import Abstention, Opinion, Outcome
from tom.scoring.services import (
    Specified,
    all_scorers,
    batch_of,
    due_summaries,
    lock_targets,
    reads_spectra_alone,
    window_start,
)
from tom.strategies.services import strategies_of_kinds
from tom.streams.packets import PacketStoreError
from tom.targets.copy import Table, array_of, copy_rows
from tom.targets.models import DUE_FOR_SCORING, PUBLIC, Audience, AudienceSummary, TargetSummary

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 3
BARRED: Final = "its group may not read this"
SUSPECTS: Final = 20
"""Size of a batch of light curves from a batch that ended the scorer's process."""

# The row that is stored for an answer, and the answer.
Answer = tuple[Score, Outcome]


def score_due(*, most: int) -> int:
    """Hand out up to `most` summaries and judge them here; return how many were due."""
    n = hand_out(most=most)
    for scorer in all_scorers():
        while judge_due(scorer.spec.name, most=most):
            pass
    return n


def hand_out(*, most: int) -> int:
    """Make up to `most` summaries that changed due for every scorer; return how many were due."""
    due = due_summaries(most)
    if not due:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        hold_events()
        unchanged = [(s.pk, s) for s in _unchanged(due)]
        rows = [(s.target_id, array_of(s.audience), s.version) for _, s in unchanged]
        copy_rows(cursor, CHANGED, rows)
        names = [found.spec.name for found in all_scorers() if not reads_spectra_alone(found)]
        cursor.execute(HAND_OUT, [names])
        for rows_of in (TargetSummary.objects, AudienceSummary.objects):
            keys = [pk for pk, summary in unchanged if isinstance(summary, rows_of.model)]
            rows_of.filter(pk__in=keys).update(scored_version=F("version"))
    return len(due)


def judge_due(name: str, *, most: int) -> int:
    """Let a scorer judge up to `most` light curves that are due for it; return how many.

    Returns 0 if the scorer rests, is gone, or another worker uses it. If a light curve changes
    meanwhile, the score of its old points is not stored: the light curve is handed out again.
    """
    scorer = next((found for found in all_scorers() if found.spec.name == name), None)
    if scorer is None:
        return 0
    with alone(name) as state:
        if state is None or rests(state):
            return 0
        taken = _take(name, most)
        if not taken:
            return 0
        try:
            answers = _judge(scorer, taken)
        except PacketStoreError:
            # What the scorer asks for cannot be read now: no attempt of its own failed.
            logger.exception("The stamps for a scorer could not be read", extra={"scorer": name})
            _put_back(taken)
            return 0
        except ScorerDiedError as error:
            note_failure(state, _where(scorer, taken) + str(error))
            _give_up(scorer, [row for row in taken if row.attempts >= ATTEMPTS], str(error))
        else:
            _keep(_answered(taken, answers), [row for row, _ in answers])
            _note_answers(state, scorer, [outcome for _, outcome in answers])
    return len(taken)


def work_due() -> QuerySet[DueScore]:
    """Return the work that waits for installed scorers that do not rest."""
    resting = ScorerState.objects.filter(rests_until__gt=timezone.now()).values("scorer")
    present = [scorer.spec.name for scorer in all_scorers()]
    return DueScore.objects.filter(scorer__in=present).exclude(scorer__in=resting)


def _where(scorer: Specified, taken: Sequence[DueScore]) -> str:
    """Name the target that ended the process of a scorer that a person added, if it was alone.

    What an installed scorer judges may be hidden from those who read of its failure.
    """
    is_known = isinstance(scorer, Added) and len(taken) == 1
    return f"on target {taken[0].target_id}: " if is_known else ""


def _note_answers(state: ScorerState, scorer: Specified, outcomes: Sequence[Outcome]) -> None:
    """Let a scorer rest if it failed and gave no opinion; else note that it works."""
    failed = [each for each in outcomes if _has_reason(each, Reason.FAILED)]
    if failed and not any(isinstance(each, Opinion) for each in outcomes):
        host_for(scorer).stop()
        note_failure(state, f"it failed on {len(failed)} light curves: {_detail(failed[-1])}")
        return
    ScorerState.objects.filter(pk=state.pk).update(failures=0, answered_at=timezone.now())


def _answered(taken: Sequence[DueScore], answers: Sequence[Answer]) -> list[DueScore]:
    """Return the rows of `taken` that the scorer was asked about: after many failures it is not."""
    unasked = {
        (row.target_id, tuple(row.programs))
        for row, outcome in answers
        if _has_reason(outcome, Reason.BREAKER_OPEN)
    }
    return [row for row in taken if (row.target_id, tuple(row.programs)) not in unasked]


def _has_reason(outcome: Outcome, reason: Reason) -> bool:
    return isinstance(outcome, Abstention) and outcome.reason == reason


def _detail(outcome: Outcome) -> str:
    return outcome.detail if isinstance(outcome, Abstention) else ""


def _take(name: str, most: int) -> list[DueScore]:
    """Take the next batch and count the attempt; rows with the fewest attempts come first."""
    waiting = DueScore.objects.filter(scorer=name).order_by("attempts", "pk")
    first = waiting.first()
    if first is None:
        return []
    size = {0: most, 1: min(most, SUSPECTS)}.get(first.attempts, 1)
    taken = list(waiting.filter(attempts=first.attempts)[:size])
    DueScore.objects.filter(pk__in=[row.pk for row in taken]).update(attempts=F("attempts") + 1)
    for row in taken:
        row.attempts += 1
    return taken


def _put_back(taken: Sequence[DueScore]) -> None:
    DueScore.objects.filter(pk__in=[row.pk for row in taken]).update(attempts=F("attempts") - 1)


def _judge(scorer: Specified, taken: Sequence[DueScore]) -> list[Answer]:
    summaries = _summaries(taken)
    barred = barred_from(scorer, summaries)
    curves = curves_of(summary for summary in summaries if key_of(summary) not in barred)
    rows: list[Answer] = []
    for since, group in _by_window(summaries).items():
        rows += [
            (_row(scorer, summary, outcome, since), outcome)
            for summary in group
            if key_of(summary) in barred
            for outcome in [Abstention(name_of(key_of(summary)), Reason.OUT_OF_SCOPE, BARRED)]
        ]
        present = [summary for summary in group if key_of(summary) in curves]
        if not present:
            continue
        batch = batch_of(scorer, present, curves, since)
        outcomes = host_for(scorer).judge(batch)
        until = [time_of(curves[key_of(summary)].as_of_mjd) for summary in present]
        rows += [
            (_row(scorer, summary, outcome, since, newest), outcome)
            for summary, outcome, newest in zip(present, outcomes, until, strict=True)
        ]
    return rows


def _give_up(scorer: Specified, taken: Sequence[DueScore], reason: str) -> None:
    """Store a failure, with its reason, as the scorer's answer."""
    summaries = _summaries(taken)
    rows = [
        _row(scorer, summary, Abstention(name_of(key_of(summary)), Reason.FAILED, reason), since)
        for since, group in _by_window(summaries).items()
        for summary in group
    ]
    _keep(taken, rows)


def _summaries(taken: Sequence[DueScore]) -> list[Summary]:
    """Return the summaries of the taken rows that have not changed since they became due."""
    due = {(row.target_id, tuple(row.programs)): row.version for row in taken}
    targets = {row.target_id for row in taken}
    found: list[Summary] = list(TargetSummary.objects.filter(target__in=targets).order_by("pk"))
    found += AudienceSummary.objects.filter(target__in=targets).order_by("pk")
    return [summary for summary in found if due.get(key_of(summary)) == summary.version]


def _keep(taken: Sequence[DueScore], scores: Sequence[Score]) -> None:
    """Store the scores of unchanged summaries; delete the taken rows that are not due again."""
    with transaction.atomic():
        hold_events()
        lock_targets(row.target_id for row in taken)
        current = {key_of(summary) for summary in _summaries(taken)}
        kept = [row for row in scores if (row.target_id, tuple(row.programs)) in current]
        Score.objects.bulk_create(kept, ignore_conflicts=True, batch_size=500)
        versions = {row.pk: row.version for row in taken}
        now = DueScore.objects.filter(pk__in=versions).values_list("pk", "version")
        done = [pk for pk, version in now if versions[pk] == version]
        DueScore.objects.filter(pk__in=done).delete()
        candidacies = EventCandidate.objects.filter(target__in={row.target_id for row in kept})
        note_changes(candidacies.values_list("event_id", flat=True).distinct())


def _unchanged(summaries: Sequence[Summary]) -> list[Summary]:
    """Lock targets in a fixed order; return the summaries that are due and unchanged."""
    lock_targets(summary.target_id for summary in summaries)
    unchanged: list[Summary] = []
    for rows_of in (TargetSummary.objects, AudienceSummary.objects):
        seen = {s.pk: s for s in summaries if isinstance(s, rows_of.model)}
        due = rows_of.filter(DUE_FOR_SCORING, pk__in=seen)
        versions = dict(due.values_list("pk", "version")) if seen else {}
        unchanged += [s for pk, s in seen.items() if versions.get(pk) == s.version]
    return unchanged


def _by_window(summaries: Sequence[Summary]) -> dict[datetime | None, list[Summary]]:
    """Group summaries by the beginnings of their events' windows; None: all points count."""
    strategies = strategies_of_kinds()
    windows: dict[Key, set[datetime | None]] = defaultdict(set)
    candidacies = EventCandidate.objects.filter(target__in={s.target_id for s in summaries})
    standings = CandidateStanding.objects.filter(candidate__in=candidacies)
    audiences: dict[int, list[Audience]] = defaultdict(list)
    for row in standings.only("candidate_id", "programs"):
        audiences[row.candidate_id].append(row.audience)
    for candidate in candidacies.select_related("event"):
        start = window_start(candidate.event, strategies[candidate.event.kind])
        openly = [PUBLIC] if candidate.is_public else []
        for audience in (*openly, *audiences[candidate.pk]):
            windows[candidate.target_id, audience].add(start)
    grouped = defaultdict(list)
    for summary in summaries:
        for start in windows.get(key_of(summary), {None}):
            grouped[start].append(summary)
    return grouped


def _row(
    scorer: Specified,
    summary: Summary,
    outcome: Outcome,
    since: datetime | None,
    until: datetime | None = None,
) -> Score:
    spec = scorer.spec
    score = Score(
        target_id=summary.target_id,
        programs=list(summary.audience),
        scorer=spec.name,
        version=spec.version,
        artefact_sha256=spec.artefact_sha256 or "",
        data_version=summary.version,
        data_until=until,
        since=since,
    )
    if isinstance(outcome, Opinion):
        score.probability = dict(zip(spec.classes, outcome.probability, strict=True))
        score.sigma = outcome.sigma
    else:
        score.reason = (outcome.detail or outcome.reason.text)[:200]
    return score


CHANGED = Table(
    "changed_summaries", {"target_id": "bigint", "programs": "bigint[]", "version": "integer"}
)
HAND_OUT = """
    INSERT INTO scoring_duescore AS old (scorer, target_id, programs, version, attempts)
    SELECT name, target_id, programs, version, 0
    FROM unnest(%s::text[]) name, changed_summaries ORDER BY name, target_id, programs
    ON CONFLICT (scorer, target_id, programs) DO UPDATE
    SET version = excluded.version, attempts = 0 WHERE old.version <> excluded.version
"""
