"""The whole flow: its tasks, and what wakes what. `tom.sweeping` finds what a lost task left.

    message kept -> ingest | ingest_alerts -> score -> judge -> rank -> after_ranking -> explain
                                                            after_ranking -> prepare
                                                      a minute over -> rank_list
    request approved -> submit -> follow        alarm made -> alarm      report confirmed -> tell
    score stored -> publish_classes
    six hours over -> list_instruments          plan wanted -> make_plan
    efficiency wanted -> estimate               comparison wanted -> compare
    spectrum uploaded -> judge_spectra

Rows hold the state; a task is a nudge that carries a key, and may run twice, late or never.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from celery import Task, shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

import tom.celery  # noqa: F401  the application whose tasks these are
from tom import intake
from tom.candidates.hosts import find_first_hosts, find_other_hosts
from tom.candidates.open_regions import open_regions
from tom.candidates.services import match_if_due
from tom.events.models import NonLocalizedEvent
from tom.events.preparing import is_prepared, prepare_map
from tom.followup import services as followup
from tom.followup.models import ObservationRequest
from tom.forms.registry import batch_forms
from tom.lookups.pointings import ask_service
from tom.lookups.services import ask_broker
from tom.planning import services as planning
from tom.pointings.estimating import work_efficiency
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.ranking.comparisons import work_comparison
from tom.ranking.exploring import draw_if_due
from tom.ranking.services import rank_if_due, rank_list_if_due
from tom.reports.alarms import alarms
from tom.reports.alarms.models import Alarm
from tom.reports.classes import telling as class_telling
from tom.reports.hermes import telling
from tom.reports.hermes.correcting import correct
from tom.reports.hermes.models import Report
from tom.reports.hermes.taking_back import take_back
from tom.scoring import spectra
from tom.scoring.catching_up import hand_out_stored
from tom.scoring.explanations import explain_top
from tom.scoring.judging import hand_out, judge_due, work_due
from tom.scoring.services import all_scorers, note_outdated
from tom.strategies.models import Strategy
from tom.streams import trials
from tom.streams.models import ConnectionTest, FilterTrial
from tom.streams.private import move_messages
from tom.streams.trying import try_connection

logger = logging.getLogger(__name__)

TELL_BATCH = 200  # messages with our classes that one task publishes
# Targets scored between two commits.
SCORE_BATCH = 500
# A nudge of the sweep that no worker took by the next sweep or two is stale.
NUDGE_SECONDS = 10
LATER_SECONDS = 1


@shared_task
def ingest(message_id: int) -> None:
    """Work on one message that is not a survey alert."""
    intake.work_message(message_id)
    with nudging():
        wake_ranking()
        wake_alarms()
        wake_requests()
        wake_reports()


@shared_task
def ingest_alerts() -> None:
    """Work on one batch of waiting survey alerts.

    The next batch is a task of its own, so that what is more urgent comes between.
    """
    if intake.work_alerts():
        nudge(ingest_alerts)
        nudge(score)


@shared_task
def look_up(answer_id: int) -> None:
    """Ask one broker for what a person looks up."""
    ask_broker(answer_id)


@shared_task
def ask_pointings(query_id: int) -> None:
    """Ask one service for the pointings for an event."""
    ask_service(query_id)
    nudge(trace)


@shared_task
def settle(program_id: int) -> None:
    """Settle some targets of a program whose readers changed; the next ones are another task's."""
    if intake.settle_program(program_id):
        nudge(settle, program_id)
        nudge(score)


@shared_task
def move(stream_id: int) -> None:
    """Give some messages of a stream to the group that it belongs to now, or to everybody."""
    if move_messages(stream_id):
        nudge(move, stream_id)


@shared_task
def score() -> None:
    """Hand out one batch of what changed to the scorers; the next one is a task of its own."""
    handed_out = hand_out(most=SCORE_BATCH)
    with nudging():
        if handed_out == SCORE_BATCH:
            send(score)
        for scorer in all_scorers() if handed_out else ():
            send(judge, scorer.spec.name)


@shared_task
def judge(scorer: str) -> None:
    """Have a scorer judge one batch; after its last one wake the rankings that it moves.

    Then go on with what was stored before it came, if a person asked for that. It waits for no
    other scorer: while alerts come steadily, one of them is always at work.
    """
    judged = judge_due(scorer, most=SCORE_BATCH)
    if work_due().filter(scorer=scorer).exists():
        if judged:
            nudge(judge, scorer)
    else:
        more = hand_out_stored(scorer, most=SCORE_BATCH)
        with nudging():
            if more:
                send(judge, scorer)
            wake_ranking()
            wake_classes()


@shared_task
def publish_classes() -> None:
    """Publish some of the scores of a simulation's alerts; the next are another task's."""
    if class_telling.tell_classes(timezone.now(), most=TELL_BATCH):
        nudge(publish_classes)


@shared_task
def judge_spectra() -> None:
    """Have the scorers of spectra judge some that were uploaded; the next are another task's."""
    if spectra.judge_spectra():
        nudge(judge_spectra)


@shared_task
def explain(event_id: int, scorer: str) -> None:
    """Keep what moved a scorer's opinions of an event's first candidates."""
    found = next((each for each in all_scorers() if each.spec.name == scorer), None)
    if found is not None:
        explain_top(NonLocalizedEvent.everything.get(pk=event_id), found)


@shared_task
def rank(event_id: int) -> None:
    """Rank one event's candidates; what changed meanwhile is ranked by a task of its own."""
    event = NonLocalizedEvent.everything.get(pk=event_id)
    if not event.is_due:  # it was woken more than once
        return
    match_if_due(event)
    others_due = find_first_hosts(event)
    if rank_if_due(event):
        with nudging():
            wake_ranking()
            send_later(after_ranking, event.pk)
    if others_due:
        find_other_hosts(event)
        with nudging():
            wake_ranking()


@shared_task
def after_ranking(event_id: int) -> None:
    """Make due what a scorer has not judged in the event's window; wake what explains and draws.

    Under steady alerts an event is ranked several times a second; this runs once for all of them.
    """
    event = NonLocalizedEvent.objects.select_related("used").get(pk=event_id)
    outdated = note_outdated(event)
    with nudging():
        if not is_prepared(event):
            send(prepare, event_id)
        for scorer in all_scorers():
            send(explain, event_id, scorer.spec.name)
        if outdated:
            send(score)


@shared_task
def prepare(event_id: int) -> None:
    """Make what an event's pages show of its map; a page that lacks it wakes this again."""
    prepare_map(NonLocalizedEvent.objects.select_related("used").get(pk=event_id))
    with nudging():
        wake_ranking()


@shared_task
def rank_list(strategy_id: int) -> None:
    """Rank the list that a strategy makes without an event, and draw from it once a night."""
    strategy = Strategy.objects.get(pk=strategy_id)
    if rank_list_if_due(strategy):
        draw_if_due(strategy, timezone.now())


@shared_task
def compare(comparison_id: int) -> None:
    """Make one list of a comparison of strategies; the next one is a task of its own."""
    if work_comparison(comparison_id):
        nudge(compare, comparison_id)


@shared_task
def trace() -> None:
    """Compute the ranges of some fields of view; the next ones are another task's."""
    due = due_footprints()
    if compute_ranges(due):
        with nudging():
            send(trace)
            wake_ranking()


@shared_task
def estimate(efficiency_id: int) -> None:
    """Estimate what some pointings would have caught."""
    work_efficiency(efficiency_id)


@shared_task
def submit(request_id: int) -> None:
    """Send one approved request. What it leaves unsettled, the sweep takes up."""
    followup.submit_request(ObservationRequest.objects.get(pk=request_id))


@shared_task
def cancel(request_id: int) -> None:
    """Tell a facility that a request is no longer wanted."""
    followup.send_cancel(ObservationRequest.objects.get(pk=request_id))


@shared_task
def follow(facility: str) -> None:
    """Ask one facility how its requests are, and settle what is unknown there.

    One task a facility: one that does not answer holds up no other.
    """
    followup.follow_facility(facility, timezone.now())


@shared_task
def list_instruments(facility: str) -> None:
    """Ask one facility which instruments it has now."""
    followup.list_instruments(facility, timezone.now())


@shared_task
def alarm(alarm_id: int) -> None:
    """Send one alarm on the channels where it is due."""
    found = Alarm.objects.select_related("event", "rule").get(pk=alarm_id)
    alarms.send_alarm(found, now=timezone.now())


@shared_task
def tell(report_id: int) -> None:
    """Send one confirmed report, or settle what became of it."""
    telling.tell_report(Report.objects.get(pk=report_id), now=timezone.now())


@shared_task
def make_plan(plan_id: int) -> None:
    """Make one plan of a night."""
    planning.work_plan(plan_id)


def wake_reports() -> None:
    """Wake what sends the reports that are due; take back what is retracted or withdrawn."""
    take_back(Report.objects.all())
    correct()
    for pk in telling.due_reports(timezone.now()).values_list("pk", flat=True):
        send(tell, pk)


@shared_task
def try_stream(test_id: int) -> None:
    """Test the connection of a stream."""
    tests = ConnectionTest.objects.select_related("stream__credential")
    try_connection(tests.defer("stream__credential__secret").get(pk=test_id))


@shared_task
def try_filter(trial_id: int) -> None:
    """Try a stream's filter on what is stored of the last nights."""
    trial = FilterTrial.objects.select_related("filter__stream").get(pk=trial_id)
    trials.try_filter(trial, open_regions)


def nudge(task: "Task[..., None]", *key: int | str) -> None:
    """Wake a task, if the broker is there."""
    with nudging():
        send(task, *key)


def wake(message_ids: Mapping[str, Sequence[int]]) -> None:
    """Wake the work of messages just kept, by form; the caller has committed them."""
    with nudging():
        for kind, ids in message_ids.items():
            if kind in batch_forms():
                send(ingest_alerts)
            else:
                for pk in ids:
                    send(ingest, pk)


@contextmanager
def nudging() -> Iterator[None]:
    """Leave the block where the broker is away: the sweep finds what the rows say."""
    try:
        yield
    except (BrokerError, RedisError):
        logger.warning("The broker is away: nudges were lost")


def send(task: "Task[..., None]", *key: int | str) -> None:
    """Wake a task; the caller leaves the block of `nudging` where the broker is away."""
    task.apply_async(args=key, expires=NUDGE_SECONDS, retry=False)


def send_later(task: "Task[..., None]", *key: int | str) -> None:
    """Send a task for later, unless the same one is on its way."""
    if cache.add("-".join(("later", task.name, *map(str, key))), True, LATER_SECONDS):
        task.apply_async(
            args=key, countdown=LATER_SECONDS, expires=LATER_SECONDS + NUDGE_SECONDS, retry=False
        )


def wake_classes() -> None:
    """Wake what publishes our classes, if a topic is named for them."""
    if settings.CLASSES_URL:
        send(publish_classes)


def wake_requests() -> None:
    """Wake what sends, cancels and follows the requests that are due."""
    due = followup.due_requests(timezone.now())
    for pk in due.submit:
        send(submit, pk)
    for pk in due.cancel:
        send(cancel, pk)
    for facility in followup.due_facilities(timezone.now()):
        send(follow, facility)
    for facility in followup.due_listings(timezone.now()):
        send(list_instruments, facility)


def wake_alarms() -> None:
    """Wake what sends the alarms that are due."""
    for pk in alarms.due_alarms(timezone.now()).values_list("pk", flat=True):
        send(alarm, pk)


def wake_ranking() -> None:
    """Wake the rankings that are due."""
    due = NonLocalizedEvent.objects.due_for_ranking()
    for pk in due.values_list("pk", flat=True):
        send(rank, pk)
