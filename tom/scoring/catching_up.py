"""Have a scorer judge what was stored before it came.

A scorer judges what changes, and the candidates of young events. What else is stored it judges when
a person asks for it: some targets at a time, and only while nothing else waits for it, so that new
alerts wait for one batch at most.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from tom.scoring.models import CatchUp, DueScore
from tom.scoring.services import Specified, all_scorers, reads_spectra_alone
from tom.targets.models import AudienceSummary, TargetSummary


def catch_up(scorer: str, *, since: datetime | None, by: User) -> bool:
    """Have a scorer judge what is stored of the targets detected since a time; None: of all.

    Returns False if it does so already.
    """
    rows = CatchUp.objects.filter(scorer=scorer, ended=None)
    asked = {"since": since, "asked_by": by}
    _, is_new = rows.get_or_create(scorer=scorer, ended=None, defaults=asked)
    return is_new


def stop_catching_up(scorer: str) -> bool:
    """Have it hand out no more; what is handed out is judged. Returns whether it had begun."""
    return bool(CatchUp.objects.filter(scorer=scorer, ended=None).update(ended=timezone.now()))


def catching_up() -> list[str]:
    """Return the names of the scorers that have stored targets left to look at."""
    present = [scorer.spec.name for scorer in all_scorers() if can_catch_up(scorer)]
    rows = CatchUp.objects.filter(ended=None, scorer__in=present)
    return list(rows.order_by("pk").values_list("scorer", flat=True))


def can_catch_up(scorer: Specified) -> bool:
    """Whether a scorer judges light curves: spectra wait for it whenever they came."""
    return not reads_spectra_alone(scorer)


def newest_catch_ups() -> dict[str, CatchUp]:
    """Return each scorer's newest one, by its name; with who asked for it."""
    rows = CatchUp.objects.select_related("asked_by").order_by("scorer", "-pk")
    return {row.scorer: row for row in rows.distinct("scorer")}


def hand_out_stored(name: str, *, most: int) -> bool:
    """Hand out what a scorer has not judged of the next `most` targets.

    Where work waits for the scorer already, it hands out nothing. Returns whether it may go on.
    """
    scorer = next((found for found in all_scorers() if found.spec.name == name), None)
    if scorer is None or DueScore.objects.filter(scorer=name).exists():
        return False
    with transaction.atomic():
        rows = CatchUp.objects.select_for_update(skip_locked=True)
        row = rows.filter(scorer=name, ended=None).first()
        if row is not None:
            _go_on(row, scorer, most)
    return row is not None and row.ended is None


def _go_on(row: CatchUp, scorer: Specified, most: int) -> None:
    """Hand out of the next targets, or end it where there are none."""
    targets = _targets(row)
    if row.total is None:
        row.total = targets.count()
    ids = list(targets.order_by("pk").values_list("pk", flat=True)[:most])
    if ids:
        row.reached = ids[-1]
        row.looked_at += len(ids)
        row.handed_out += _hand_out(scorer, ids)
    else:
        row.ended = timezone.now()
    row.save()


def _targets(row: CatchUp) -> QuerySet[TargetSummary]:
    left = TargetSummary.objects.filter(pk__gt=row.reached)
    if row.since is None:
        return left
    narrower = AudienceSummary.objects.filter(target=OuterRef("pk"), last_detection__gte=row.since)
    return left.filter(Q(last_detection__gte=row.since) | Exists(narrower))


def _hand_out(scorer: Specified, target_ids: Collection[int]) -> int:
    spec = scorer.spec
    given: dict[str, Any] = {"name": spec.name, "version": spec.version, "ids": list(target_ids)}
    with connection.cursor() as cursor:
        cursor.execute(HAND_OUT_STORED, given)
        return int(cursor.rowcount)


# What changed and is not handed out yet is left to `tom.scoring.judging.hand_out`.
HAND_OUT_STORED = """
    INSERT INTO scoring_duescore (scorer, target_id, programs, version, attempts)
    SELECT %(name)s, target_id, programs, version, 0 FROM (
        SELECT target_id, ARRAY[]::bigint[] AS programs, version, scored_version
        FROM targets_targetsummary WHERE target_id = ANY(%(ids)s)
        UNION ALL
        SELECT target_id, programs, version, scored_version
        FROM targets_audiencesummary WHERE target_id = ANY(%(ids)s)
    ) stored
    WHERE scored_version = version AND NOT EXISTS (
        SELECT FROM scoring_score score
        WHERE score.target_id = stored.target_id AND score.programs = stored.programs
        AND score.scorer = %(name)s AND score.version = %(version)s
        AND score.data_version = stored.version
    )
    ORDER BY target_id, programs
    ON CONFLICT (scorer, target_id, programs) DO NOTHING
"""
