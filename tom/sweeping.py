"""What is done by the clock: the sweep, the clean-up, and the question what authors took back.

The sweep finds in the rows what a lost task left undone.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from tom.changes.heartbeat import beat
from tom.changes.models import Change
from tom.events.localizations import let_old_maps_go
from tom.events.models import NonLocalizedEvent
from tom.followup import services as followup
from tom.forms.registry import batch_forms
from tom.letting_go import let_packets_go
from tom.lookups.pointings import due_queries
from tom.lookups.services import due_answers
from tom.lookups.services import forget_old as forget_old_lookups
from tom.pipeline import (
    ask_pointings,
    compare,
    estimate,
    ingest,
    ingest_alerts,
    judge,
    judge_spectra,
    look_up,
    make_plan,
    move,
    nudging,
    rank_list,
    score,
    send,
    settle,
    trace,
    wake_alarms,
    wake_classes,
    wake_ranking,
    wake_reports,
    wake_requests,
)
from tom.planning import services as planning
from tom.pointings.estimating import due_efficiencies, forget_efficiencies
from tom.pointings.footprints import due_footprints, forget_footprints
from tom.ranking.comparisons import due_comparisons, forget_comparisons
from tom.ranking.services import note_new_scorers
from tom.reports.notifications.messages import tell_restored, tell_retracted
from tom.reports.notifications.request_ends import notify_ends
from tom.scoring.catching_up import catching_up
from tom.scoring.judging import work_due
from tom.scoring.services import any_due
from tom.scoring.spectra import any_spectra_due
from tom.strategies.models import Strategy
from tom.streams.models import AlertMessage, MessageState
from tom.streams.packets import PacketStoreError, sweep_packets
from tom.streams.private import due_streams
from tom.streams.retractions import ArchiveError, note_retractions
from tom.targets.models import DUE_FOR_SCORING, AudienceSummary, TargetSummary
from tom.targets.months import drop_months, make_months, month_of
from tom.targets.settling import due_programs

logger = logging.getLogger(__name__)

# What the sweep leaves alone, because its own nudge is surely still under way.
SETTLING = timedelta(seconds=5)
CHANGE_DAYS = 3
# Events so young are ranked again by scorers that are new.
RANKED_ANEW = timedelta(days=30)


@shared_task
def sweep() -> None:
    """Wake whatever the rows say is due."""
    _make_months()
    let_old_maps_go()
    note_new_scorers(timezone.now() - RANKED_ANEW)
    with nudging():
        _wake_messages()
        wake_ranking()
        _wake_lists()
        if any_due():
            send(score)
        for name in {*work_due().values_list("scorer", flat=True).distinct(), *catching_up()}:
            send(judge, name)
        if any_spectra_due():
            send(judge_spectra)
        for program in due_programs():
            send(settle, program.pk)
        for stream_id in due_streams():
            send(move, stream_id)
        wake_requests()
        wake_alarms()
        notify_ends(timezone.now())
        for plan in planning.due_plans():
            send(make_plan, plan)
        for answer in due_answers():
            send(look_up, answer)
        _wake_tracing()
        _wake_pointings()
        wake_reports()
        wake_classes()
    beat()


def _wake_messages() -> None:
    waiting = AlertMessage.objects.filter(
        state=MessageState.RECEIVED, received__lt=timezone.now() - SETTLING
    )
    if waiting.filter(kind__in=batch_forms()).exists():
        send(ingest_alerts)
    others = waiting.exclude(kind__in=batch_forms()).order_by("pk")
    for pk in others.values_list("pk", flat=True)[:500]:
        send(ingest, pk)


def _wake_lists() -> None:
    for pk in Strategy.objects.due().values_list("pk", flat=True):
        send(rank_list, pk)
    for comparison in due_comparisons(timezone.now()):
        send(compare, comparison)


def _wake_pointings() -> None:
    for query in due_queries(timezone.now()):
        send(ask_pointings, query)
    for efficiency in due_efficiencies(timezone.now()):
        send(estimate, efficiency)


def _wake_tracing() -> None:
    if due_footprints():
        send(trace)


def _make_months() -> None:
    """Make the coming months' partitions; without one, points go to that for odd times."""
    try:
        make_months(timezone.now())
    except DatabaseError:
        logger.exception("The partition of a month could not be made")


@shared_task
def prune() -> None:
    """Let go of raw survey packets, points and changes past their time."""
    now = timezone.now()
    Change.objects.filter(created__lt=now - timedelta(days=CHANGE_DAYS)).delete()
    forget_old_lookups()
    forget_comparisons(now)
    forget_footprints(now - timedelta(days=CHANGE_DAYS))
    forget_efficiencies(now - timedelta(days=CHANGE_DAYS))
    followup.forget_polls(now - timedelta(days=CHANGE_DAYS))
    try:
        let_packets_go(now)
        sweep_packets(now)
    except PacketStoreError:
        logger.exception("Old packets could not be let go: the store does not answer")
    if settings.POINT_DAYS:
        drop_months(month_of(now - timedelta(days=settings.POINT_DAYS)))


@shared_task
def ask_archive() -> None:
    """Ask Hopskotch's archive which messages their authors took back."""
    try:
        changed = note_retractions(timezone.now())
    except ArchiveError:
        logger.exception("Hopskotch's archive could not be asked for retractions")
        return
    tell_retracted(changed.retracted)
    tell_restored(changed.restored)


def work_left(message_ids: Sequence[int]) -> int:
    """Count what is still to be done of these messages, and of the scoring and ranking of all.

    Messages kept between the first and the last of them count, too: a night's are too many to
    name each time.
    """
    ends = (min(message_ids), max(message_ids)) if message_ids else (0, 0)
    return sum(
        rows.count()
        for rows in (
            AlertMessage.objects.filter(pk__range=ends, state=MessageState.RECEIVED),
            TargetSummary.objects.filter(DUE_FOR_SCORING),
            AudienceSummary.objects.filter(DUE_FOR_SCORING),
            work_due(),
            NonLocalizedEvent.objects.due_for_ranking(),
        )
    )
