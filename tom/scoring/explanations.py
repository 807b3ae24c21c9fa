"""The reasons of the scorers' opinions; they are computed for the first places of a ranking."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tom.candidates.models import CandidateStanding
from tom.events.models import NonLocalizedEvent
from tom.scoring.contract import Contribution
from tom.scoring.curves import Key, Summary, curves_of, key_of, name_of
from tom.scoring.host import ScorerDiedError
from tom.scoring.hosts import host_for
from tom.scoring.models import Score
from tom.scoring.rests import note_death
from tom.scoring.services import Specified, batch_of, window_start
from tom.strategies.services import strategy_of
from tom.targets.models import AudienceSummary, TargetSummary

TOP = 20


def explain_top(event: NonLocalizedEvent, scorer: Specified) -> int:
    """Store the explanations of a scorer's newest scores of an event's first candidates.

    Returns the number of scores. If a target's light curve changes meanwhile, its score is
    explained after the next ranking.
    """
    start = window_start(event, strategy_of(event))
    newest = _unexplained(event, start).filter(scorer=scorer.spec.name, version=scorer.spec.version)
    rows = list(newest)
    targets = {row.target_id for row in rows}
    summaries: list[Summary] = list(TargetSummary.objects.filter(target__in=targets))
    summaries += AudienceSummary.objects.filter(target__in=targets)
    versions = {key_of(summary): summary.version for summary in summaries}
    rows = [row for row in rows if versions.get(_key(row)) == row.data_version]
    wanted = {_key(row) for row in rows}
    curves = curves_of(s for s in summaries if key_of(s) in wanted)
    unchanged = set(newest.values_list("pk", flat=True))
    rows = [row for row in rows if row.pk in unchanged and _key(row) in curves]
    if not rows:
        return 0
    by_key = {key_of(summary): summary for summary in summaries}
    batch = batch_of(scorer, [by_key[_key(row)] for row in rows], curves, start)
    try:
        told = host_for(scorer).explain(batch)
    except ScorerDiedError as error:
        note_death(scorer.spec.name, f"explaining: {error}")
        return 0
    _note(rows, told)
    return Score.objects.bulk_update(rows, ["explanation"])


def _unexplained(event: NonLocalizedEvent, start: datetime | None) -> QuerySet[Score]:
    """Return the scores, without an explanation so far, of each audience's first candidates."""
    public = Q(programs=[], data_version=F("target__summary__version"))
    narrower = AudienceSummary.objects.filter(
        target=OuterRef("target"), programs=OuterRef("programs"), version=OuterRef("data_version")
    )
    return Score.objects.filter(
        public | Exists(narrower),
        target__in=_first_targets(event),
        since=start,
        probability__isnull=False,
        explanation=[],
    )


def _first_targets(event: NonLocalizedEvent) -> set[int]:
    """Return the targets of each audience's first candidates, by the indexes of the ranks.

    As a part of the query for the scores, the database would go through all candidates.
    """
    openly = event.candidates.filter(rank__lte=TOP).values_list("target", flat=True)
    places = CandidateStanding.objects.filter(event=event, rank__lte=TOP)
    return {*openly, *places.values_list("candidate__target", flat=True)}


def _key(score: Score) -> Key:
    return score.target_id, tuple(score.programs)


def _note(scores: Sequence[Score], told: Sequence[Contribution]) -> None:
    by_name = {name_of(_key(score)): score for score in scores}
    for each in told:
        by_name[each.object_id].explanation.append(_stored(each))


def _stored(told: Contribution) -> dict[str, Any]:
    stored: dict[str, Any] = {"name": told.name, "log_lr": told.log_lr, "text": told.text}
    return stored | ({"lines": [list(point) for point in told.lines]} if told.lines else {})
