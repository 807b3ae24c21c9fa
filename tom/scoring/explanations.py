"""Why the scorers said what they said: asked for the top of a ranking alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import F, QuerySet

from tom.candidates.services import rule_of
from tom.events.models import NonLocalizedEvent
from tom.scoring.contract import Contribution, Scorer
from tom.scoring.curves import curves_of
from tom.scoring.models import Score
from tom.scoring.runner import explain_batch
from tom.scoring.services import batch_of, scorers, window_start
from tom.targets.models import TargetSummary

TOP = 20


def explain_top(event: NonLocalizedEvent) -> int:
    """Keep what moved the newest scores of the event's first candidates; return how many.

    A target whose light curve changes meanwhile is left to the next ranking.
    """
    start = window_start(event, rule_of(event))
    newest = _unexplained(event, start)
    rows = list(newest)
    curves = curves_of(TargetSummary.objects.filter(target__in={row.target_id for row in rows}))
    unchanged = set(newest.values_list("pk", flat=True))
    rows = [row for row in rows if row.pk in unchanged and row.target_id in curves]
    for scorer in scorers():
        mine = [row for row in rows if _is_by(scorer, row)]
        if mine:
            batch = batch_of([curves[row.target_id] for row in mine], start)
            told = explain_batch(scorer, batch, passthrough=(SoftTimeLimitExceeded,))
            _note(mine, told)
    return Score.objects.bulk_update(rows, ["explanation"]) if rows else 0


def _unexplained(event: NonLocalizedEvent, start: datetime | None) -> QuerySet[Score]:
    first = event.candidates.filter(rank__lte=TOP)
    return Score.objects.filter(
        target__in=first.values("target"),
        since=start,
        probability__isnull=False,
        explanation=[],
        data_version=F("target__summary__version"),
    )


def _is_by(scorer: Scorer, score: Score) -> bool:
    return (score.scorer, score.version) == (scorer.spec.name, scorer.spec.version)


def _note(scores: Sequence[Score], told: Sequence[Contribution]) -> None:
    by_target = {str(score.target_id): score for score in scores}
    for each in told:
        by_target[each.object_id].explanation.append(_stored(each))


def _stored(told: Contribution) -> dict[str, Any]:
    return {"name": told.name, "log_lr": told.log_lr, "text": told.text}
