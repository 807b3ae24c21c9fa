"""What each message, change, task and sweep sets off: one case for each arrow of the flow.

Nudges are read from a real Redis, effects from the rows. Cut an arrow, and its case fails.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from django.core import mail
from django.core.cache import cache
from django.db import OperationalError, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests import factories
from tests.connections import WAIT_SECONDS, begin
from tests.followup.conftest import make_request
from tests.pointings import made as pointings
from tests.streams.packets import make_circular, make_gwalert_json, make_ztf_packet
from tests.targets.alerts import make_alert, make_point
from tests.woken import woken
from tom import intake, intake_reading, pipeline, sweeping
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_event
from tom.changes.heartbeat import last_beat
from tom.changes.models import Change, Topic
from tom.events.models import Circular, NonLocalizedEvent
from tom.followup.exchanges import keep_call
from tom.followup.facilities.contract import Call
from tom.followup.models import Exchange, FacilityWatch, ObservationRequest
from tom.followup.states import RequestState
from tom.followup.stopping import cancel_request
from tom.forms.registry import forms
from tom.outbox.moves import move
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Source
from tom.ranking.models import Ranking
from tom.ranking.services import rank_if_due
from tom.records import Opened
from tom.reports.alarms.models import Alarm, AlarmSend, SendState
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.telling import confirm_report, draft_report
from tom.reports.notifications.follows import follow
from tom.reports.notifications.models import Notification
from tom.scoring.judging import hand_out, score_due
from tom.scoring.models import DueScore, Score
from tom.scoring.rests import alone
from tom.sky import write_skymap
from tom.strategies.models import Strategy
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming, store_message, store_messages
from tom.targets.models import AudienceSummary, Program, TargetSummary
from tom.targets.store import store_alerts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("servers")]

PLACE = {"ra": 197.45, "dec": -23.38}
BEGIN = datetime(2026, 1, 1, 5, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def empty_queues() -> None:
    cache.clear()  # what is on its way
    woken()


def keep_event(kind: str = "PRELIMINARY", *, minutes: int = 5, **values: object) -> AlertMessage:
    """Keep a message of an event's chain with a map of PLACE; its work is not done yet."""
    event = None
    if kind != "RETRACTION":
        event = {"time": BEGIN.isoformat(), "skymap": write_skymap(factories.make_skymap())}
    time = (BEGIN + timedelta(minutes=minutes)).isoformat()
    payload = make_gwalert_json(event=event, alert_type=kind, time_created=time, **values)
    message, _ = store_message("igwn.gwalert", payload)
    return message


def keep_alert(name: str = "ZTF26aaaaaaa", *, days: float = 0.5, topic: str = "ztf_1") -> None:
    """Keep a survey's alert at PLACE, after the event's time."""
    jd = 2440587.5 + BEGIN.timestamp() / 86_400 + days
    packet = make_ztf_packet(object_id=name, jd=jd, jdstarthist=jd, history=[], **PLACE)
    store_messages([Incoming(topic, packet)])


def worked(message: AlertMessage) -> AlertMessage:
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


def candidate_event() -> NonLocalizedEvent:
    """An event with one candidate that nothing has scored or ranked yet."""
    event = factories.make_event()
    factories.make_target()
    match_event(event)
    return event


def told(topic: Topic) -> list[str]:
    """The rows that open pages are told of, by topic; without those of messages just kept."""
    rows = Change.objects.filter(topic=topic)
    return [key for key in rows.values_list("key", flat=True) if key or topic != Topic.MESSAGE]


# --- A message kept ---------------------------------------------------------------------------
def test_kept_messages_wake_each_its_own_work_and_alerts_one_batch() -> None:
    pipeline.wake({"gcn.circular": [3, 4], "igwn.json": [5], "ztf.avro": [6, 7]})

    assert woken() == {("ingest", 3), ("ingest", 4), ("ingest", 5), ("ingest_alerts",)}


# --- ingest -----------------------------------------------------------------------------------
def test_an_event_becomes_rows_and_wakes_its_ranking_and_its_alarm(settings: Settings) -> None:
    settings.ALARM_HOURS = 10**6
    settings.ALARM_EMAILS = ["duty@example.org"]
    keep_alert()
    intake.work_alerts()

    pipeline.ingest(keep_event().pk)

    event, alarm = NonLocalizedEvent.objects.get(), Alarm.objects.get()
    assert event.candidates.count() == 1
    assert woken() == {("rank", event.pk), ("alarm", alarm.pk)}


def test_an_alert_whose_significance_cannot_be_read_raises_an_alarm_all_the_same(
    settings: Settings,
) -> None:
    settings.ALARM_HOURS = 10**6
    alert = json.loads(bytes(keep_event().payload or b""))
    alert["event"]["significant"] = ["odd"]
    message, _ = store_message("igwn.gwalert", json.dumps(alert).encode())

    worked(message)

    assert "significant" in message.reason
    assert NonLocalizedEvent.objects.get().significant is None
    assert Alarm.objects.get().cause == "significant"


def test_a_message_is_told_to_those_who_follow_and_to_open_pages() -> None:
    follow(factories.make_observer(), kind="topic", value="gcn.circulars")
    message, _ = store_message("gcn.circulars", make_circular())

    worked(message)

    assert Notification.objects.get().message == message
    assert told(Topic.MESSAGE) == [str(message.pk)]
    assert message.state == MessageState.STORED
    assert Circular.objects.exists()


def test_a_message_that_says_nothing_new_sets_nothing_off(settings: Settings) -> None:
    settings.ALARM_HOURS = 10**6
    worked(keep_event())
    Alarm.objects.all().delete()
    EventCandidate.objects.all().delete()

    same = bytes(AlertMessage.objects.get().payload or b"") + b" "
    again, _ = store_message("igwn.gwalert", same)

    assert worked(again).state == MessageState.KNOWN
    assert not Alarm.objects.exists()


def test_a_new_map_matches_the_targets_anew() -> None:
    worked(keep_event())
    keep_alert()
    intake.work_alerts()
    first = EventCandidate.objects.get().localization_id

    worked(keep_event("UPDATE", minutes=60))

    assert EventCandidate.objects.get().localization_id != first


def test_a_retraction_stops_the_requests_that_it_may_and_raises_an_alarm(
    settings: Settings,
) -> None:
    settings.ALARM_HOURS = 10**6
    worked(keep_event())
    event = NonLocalizedEvent.objects.get()
    there = {"event": event, "state": "accepted", "remote_id": "1"}
    unsent, sent, to_cancel = (
        make_request(factories.make_target(), factories.make_observer(), **fields)
        for fields in ({"event": event}, there, {**there, "cancel_if_retracted": True})
    )
    woken()

    pipeline.ingest(keep_event("RETRACTION", minutes=60).pk)

    states = dict(ObservationRequest.objects.values_list("pk", "state"))
    assert [states[each.pk] for each in (unsent, sent, to_cancel)] == [
        RequestState.HELD,
        RequestState.ACCEPTED,
        RequestState.CANCEL_REQUESTED,
    ]
    assert ("cancel", to_cancel.pk) in woken()
    assert set(Alarm.objects.values_list("cause", flat=True)) == {"significant", "retraction"}


def test_after_a_retraction_no_alert_becomes_a_candidate() -> None:
    worked(keep_event())
    worked(keep_event("RETRACTION", minutes=60))
    keep_alert()

    intake.work_alerts()

    assert TargetSummary.objects.exists()
    assert not EventCandidate.objects.exists()


# --- ingest_alerts ----------------------------------------------------------------------------
def test_a_batch_of_alerts_wakes_the_next_and_the_scoring() -> None:
    keep_alert()

    pipeline.ingest_alerts()
    after_one = woken()
    pipeline.ingest_alerts()

    assert after_one == {("ingest_alerts",), ("score",)}
    assert woken() == set()


def test_alerts_become_candidates_and_are_told_to_those_who_follow_and_to_open_pages() -> None:
    worked(keep_event())
    keep_alert()
    intake.work_alerts()
    target = TargetSummary.objects.get().target
    follow(factories.make_observer(), kind="target", value=str(target.pk))
    Change.objects.all().delete()
    keep_alert(days=1.5)

    intake.work_alerts()

    event = NonLocalizedEvent.objects.get()
    assert event.candidates.get().target == target
    assert event.rank_version > event.ranked_version
    assert Notification.objects.get().target == target
    assert told(Topic.ALERTS) == [""]
    assert not AlertMessage.objects.exclude(state=MessageState.STORED).exists()


def test_a_packet_that_is_refused_is_told_to_open_pages_with_its_reason() -> None:
    store_messages([Incoming("ztf_1", make_ztf_packet(object_id=None))])

    intake.work_alerts()

    message = AlertMessage.objects.get()
    assert message.state == MessageState.DEAD
    assert message.reason
    assert told(Topic.MESSAGE) == [str(message.pk)]


def test_a_detection_of_tomorrow_is_refused() -> None:
    days = (timezone.now() - BEGIN) / timedelta(days=1) + 2
    keep_alert(days=days)

    intake.work_alerts()

    assert AlertMessage.objects.get().state == MessageState.DEAD
    assert not TargetSummary.objects.exists()


def test_what_test_topics_alone_speak_of_is_a_test() -> None:
    keep_alert("ZTF26test", topic="ztf_demo_1")
    keep_alert("ZTF26real")

    intake.work_alerts()

    tests = TargetSummary.objects.filter(is_test=True)
    assert set(tests.values_list("target__name", flat=True)) == {"ZTF26test"}


def break_parsing(monkeypatch: pytest.MonkeyPatch, *faults: Exception, name: str) -> None:
    """Let the parser fail on an object in a way that nobody foresaw, each time in the next way."""
    form, left = forms()["ztf.avro"], list(faults)

    def fail(payload: bytes) -> Opened:
        assert form.open is not None
        opened = form.open(payload)
        if opened.object_id == name:
            raise left.pop(0) if len(left) > 1 else left[0]
        return opened

    broken = {**forms(), form.name: replace(form, open=fail)}
    monkeypatch.setattr(intake_reading, "forms", lambda: broken)


def test_of_a_batch_that_fails_only_the_alert_at_fault_waits_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ZTF26a", "ZTF26bad", "ZTF26b"):
        keep_alert(name)
    break_parsing(monkeypatch, RuntimeError("secret"), name="ZTF26bad")

    intake.work_alerts()
    rows = AlertMessage.objects.order_by("pk")
    in_the_batch = list(rows.values_list("state", "reason"))
    intake.work_alerts()  # alone now
    alone = rows[1]

    bad = (MessageState.RECEIVED, "RuntimeError: see the worker's log")
    assert in_the_batch == [(MessageState.STORED, ""), bad, (MessageState.STORED, "")]
    assert (alone.state, alone.reason) == bad
    assert alone.attempts == 2


def test_an_alert_that_the_database_broke_off_alone_waits_with_that_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep_alert("ZTF26bad")
    keep_alert("ZTF26a")
    break_parsing(monkeypatch, RuntimeError(), OperationalError("server closed"), name="ZTF26bad")

    with pytest.raises(OperationalError):
        intake.work_alerts()

    bad = AlertMessage.objects.order_by("pk")[0]
    assert bad.state == MessageState.RECEIVED
    assert bad.reason == "OperationalError: server closed"


# --- score, rank, settle ----------------------------------------------------------------------
JUDGES = {("judge", "fast_transient"), ("judge", "real_bogus")}


def test_a_full_batch_of_scoring_wakes_the_next_and_each_one_every_scorer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    candidate_event()
    monkeypatch.setattr("tom.pipeline.SCORE_BATCH", 1)

    pipeline.score()
    first = woken()
    pipeline.score()

    assert first == {("score",), *JUDGES}
    assert woken() == set()


def test_a_scorer_judges_batch_after_batch_and_its_last_one_wakes_the_ranking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = candidate_event()
    factories.make_target("ZTF26other")
    match_event(event)
    hand_out(most=100)
    monkeypatch.setattr("tom.pipeline.SCORE_BATCH", 1)
    rest = {}

    for _ in range(2):
        for name in ("fast_transient", "real_bogus"):
            pipeline.judge(name)
            rest[name] = [*rest.get(name, []), woken()]

    ranking = {("rank", event.pk)}
    assert rest["fast_transient"] == [{("judge", "fast_transient")}, ranking]
    assert rest["real_bogus"] == [{("judge", "real_bogus")}, ranking]
    assert set(Score.objects.values_list("scorer", flat=True)) == {"fast_transient", "real_bogus"}


@pytest.mark.django_db(transaction=True)
def test_a_scorer_that_another_worker_uses_wakes_nothing() -> None:
    with transaction.atomic():
        candidate_event()
    hand_out(most=100)

    with alone("fast_transient"):
        begin(lambda: pipeline.judge("fast_transient")).result(WAIT_SECONDS)

    assert woken() == set()
    assert DueScore.objects.filter(scorer="fast_transient").exists()


def test_a_ranking_waits_for_no_other_scorer() -> None:
    event = candidate_event()
    hand_out(most=100)
    DueScore.objects.filter(scorer="real_bogus").delete()

    pipeline.judge("real_bogus")

    assert DueScore.objects.filter(scorer="fast_transient").exists()
    assert woken() == {("rank", event.pk)}


def test_an_event_that_was_woken_once_too_often_costs_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    event = candidate_event()
    pipeline.rank(event.pk)
    woken()

    with django_assert_num_queries(1):
        pipeline.rank(event.pk)

    assert Ranking.objects.count() == 1
    assert woken() == set()


def test_what_follows_several_rankings_is_sent_once_and_again_after_its_time() -> None:
    event = candidate_event()
    score_due(most=100)

    for _ in range(3):
        NonLocalizedEvent.objects.filter(pk=event.pk).update(rank_version=F("ranked_version") + 1)
        pipeline.rank(event.pk)
    with current_app.connection_for_read() as broker:
        sent = broker.default_channel.client.llen("score")
        [message] = [broker.default_channel.basic_get("score") for _ in range(sent)]
    assert message.headers["task"].endswith(".after_ranking")
    assert datetime.fromisoformat(message.headers["eta"]) > timezone.now()

    time.sleep(pipeline.LATER_SECONDS)
    NonLocalizedEvent.objects.filter(pk=event.pk).update(rank_version=F("ranked_version") + 1)
    pipeline.rank(event.pk)
    assert ("after_ranking", event.pk) in woken()


def test_a_ranking_wakes_its_explanations_and_those_that_became_due() -> None:
    event, other = candidate_event(), factories.make_event()
    score_due(most=100)
    NonLocalizedEvent.objects.filter(pk=other.pk).update(rank_version=F("ranked_version") + 1)

    pipeline.rank(event.pk)
    assert Ranking.objects.filter(event=event).exists()
    assert woken() == {("rank", other.pk), ("after_ranking", event.pk)}

    pipeline.after_ranking(event.pk)
    explain = {("explain", event.pk, "fast_transient"), ("explain", event.pk, "real_bogus")}
    assert woken() == {("prepare", event.pk), *explain}

    pipeline.prepare(event.pk)  # judges its map
    assert woken() == {("rank", event.pk), ("rank", other.pk)}
    pipeline.after_ranking(event.pk)
    assert woken() == explain


def test_an_explanation_is_kept_and_one_of_a_scorer_that_is_gone_is_not_asked_for() -> None:
    event = candidate_event()
    score_due(most=100)
    rank_if_due(event)

    pipeline.explain(event.pk, "nobody")
    assert not Score.objects.exclude(explanation=[]).exists()
    pipeline.explain(event.pk, "fast_transient")

    assert Score.objects.exclude(explanation=[]).exists()


def test_a_ranking_wakes_the_scoring_of_what_another_version_judged() -> None:
    event = candidate_event()
    score_due(most=100)
    Score.objects.update(version="0.0.1")

    pipeline.after_ranking(event.pk)

    assert ("score",) in woken()


def test_a_ranking_that_was_not_due_sets_nothing_off() -> None:
    event = candidate_event()
    score_due(most=100)
    rank_if_due(event)
    Score.objects.update(version="0.0.1")

    pipeline.rank(event.pk)

    assert woken() == set()


def test_a_ranking_first_matches_an_event_whose_map_was_chosen_by_hand() -> None:
    event = factories.make_event()
    factories.make_target()
    NonLocalizedEvent.objects.filter(pk=event.pk).update(
        match_due=True, rank_version=F("rank_version") + 1
    )

    pipeline.rank(event.pk)

    assert Ranking.objects.get().places.count() == 1


def private_target() -> AudienceSummary:
    """What a group's program alone knows of a target, settled."""
    program = factories.make_program(2, group=factories.make_group())
    point = make_point("1", program=2, trigger=True)
    store_alerts([make_alert("ZTF26secret", point, program=2)])
    pipeline.settle(program.pk)
    woken()
    return AudienceSummary.objects.get()


def test_a_program_whose_readers_changed_wakes_its_next_targets_and_the_scoring() -> None:
    row = private_target()
    program = factories.make_program(2)
    program.public, program.group = True, None
    program.save()

    pipeline.settle(program.pk)
    one_batch = woken()
    pipeline.settle(program.pk)  # finds none left, and is settled
    woken()
    pipeline.settle(program.pk)

    assert one_batch == {("settle", program.pk), ("score",)}
    assert woken() == set()
    assert not AudienceSummary.objects.filter(pk=row.pk).exists()
    assert told(Topic.ALERTS)


# --- What calls outside -----------------------------------------------------------------------
def test_each_task_of_the_calls_does_its_work() -> None:
    vera = factories.make_observer()
    asked, unwanted = (make_request(factories.make_target(), vera) for _ in range(2))

    for request in (asked, unwanted):
        pipeline.submit(request.pk)
        request.refresh_from_db()
    assert asked.state == unwanted.state == RequestState.ACCEPTED
    cancel_request(unwanted, vera)
    pipeline.cancel(unwanted.pk)

    unwanted.refresh_from_db()
    assert unwanted.state == RequestState.CANCELED


def test_following_finds_what_a_dead_worker_left_while_it_sent() -> None:
    interrupted_request()

    pipeline.follow("PRACTICE")

    assert ObservationRequest.objects.get().state != RequestState.SUBMITTING


def test_following_one_facility_leaves_what_is_due_at_another() -> None:
    for make in (interrupted_request, unknown_request, doubtful_request, accepted_request):
        make()
    before = list(ObservationRequest.objects.order_by("pk").values())

    pipeline.follow("LCO")

    assert list(ObservationRequest.objects.order_by("pk").values()) == before
    assert not FacilityWatch.objects.exists()


def test_an_alarm_is_sent(settings: Settings) -> None:
    settings.ALARM_EMAILS = ["duty@example.org"]

    pipeline.alarm(unsent_alarm())

    assert AlarmSend.objects.get().state == SendState.SENT
    assert [message.to for message in mail.outbox] == [["duty@example.org"]]


def confirmed_report() -> Report:
    event = factories.make_event()
    candidates = [factories.make_candidate(event)]
    report = draft_report(event, candidates, by=factories.make_observer())
    confirm_report(report, factories.make_observer())
    return Report.objects.get()


def test_a_report_is_told_or_says_why_not(settings: Settings) -> None:
    settings.TELL_URL = "kafka://kafka.scimma.org/hermes.candidates"
    report = confirmed_report()
    NonLocalizedEvent.objects.update(retracted=True)

    pipeline.tell(report.pk)

    report.refresh_from_db()
    assert report.state == ReportState.FAILED
    assert "is retracted" in report.reason


# --- The sweep --------------------------------------------------------------------------------
def test_a_sweep_over_nothing_due_wakes_nothing_and_gives_its_sign_of_life() -> None:
    cache.clear()
    Strategy.objects.update(ranked=timezone.now())

    sweeping.sweep()

    assert woken() == set()
    assert last_beat() is not None


def old_message(kind: str = "gcn.circular") -> int:
    """A message whose nudge was lost."""
    message = factories.make_message(kind=kind, state=MessageState.RECEIVED)
    earlier = timezone.now() - timedelta(minutes=1)
    AlertMessage.objects.filter(pk=message.pk).update(received=earlier)
    return message.pk


def fresh_message() -> None:
    """A message whose nudge is surely under way."""
    factories.make_message(kind="gcn.circular", state=MessageState.RECEIVED)
    factories.make_message(kind="ztf.avro", state=MessageState.RECEIVED)


def unranked_event() -> int:
    event = factories.make_event()
    NonLocalizedEvent.objects.filter(pk=event.pk).update(rank_version=F("ranked_version") + 1)
    return event.pk


def event_of_other_scorers() -> int:
    event = factories.make_event()
    factories.make_ranking(event)
    Ranking.objects.update(scorers={"fast_transient": "0.0.1"})
    return event.pk


def unranked_list() -> int:
    Strategy.objects.create(name="off", active=False)
    Strategy.objects.create(name="just ranked", ranked=timezone.now())
    return Strategy.objects.create(name="due").pk


def unscored_target() -> None:
    factories.make_target()
    TargetSummary.objects.update(version=F("scored_version") + 1)


def unjudged_target() -> str:
    unscored_target()
    hand_out(most=1)
    DueScore.objects.filter(scorer="real_bogus").delete()
    return "fast_transient"


def unsettled_program() -> int:
    program = factories.make_program(2, group=factories.make_group())
    Program.objects.filter(pk=program.pk).update(settled="")
    return program.pk


def approved_request() -> int:
    past = timezone.now() - timedelta(minutes=1)
    return make_request(factories.make_target("a"), factories.make_observer(), due_at=past).pk


def unwanted_request() -> int:
    past = timezone.now() - timedelta(minutes=1)
    soon = timezone.now() + timedelta(minutes=1)
    FacilityWatch.objects.create(facility="PRACTICE", next_poll=soon)
    request = make_request(
        factories.make_target("a"),
        factories.make_observer(),
        state="cancel_requested",
        remote_id="1",
        due_at=past,
    )
    return request.pk


def sent_request(**fields: object) -> str:
    """A request that was sent an hour ago; the name of its facility."""
    sent = timezone.now() - timedelta(hours=1)
    target, vera = factories.make_target(), factories.make_observer()
    return make_request(target, vera, attempts=1, tried_at=sent, **fields).facility


def interrupted_request() -> str:
    return sent_request(state="submitting", due_at=timezone.now())


def unknown_request() -> str:
    return sent_request(state="unknown", due_at=timezone.now())


def doubtful_request() -> str:
    """A request of which a second copy may be there."""
    return sent_request(state="rejected", strays_due=timezone.now())


def accepted_request() -> str:
    return sent_request(state="accepted", remote_id="1")


def unsent_alarm() -> int:
    alarm = Alarm.objects.create(event=factories.make_event(), cause="significant", title="!")
    AlarmSend.objects.create(alarm=alarm, channel="email", due_at=timezone.now())
    return alarm.pk


@pytest.mark.parametrize(
    ("make", "tasks"),
    [
        (old_message, ["ingest"]),
        (lambda: old_message("ztf.avro") and None, ["ingest_alerts"]),
        (fresh_message, []),
        (unranked_event, ["rank"]),
        (event_of_other_scorers, ["rank"]),
        (unranked_list, ["rank_list"]),
        (unscored_target, ["score"]),
        (unjudged_target, ["judge"]),
        (unsettled_program, ["settle"]),
        (approved_request, ["submit"]),
        (unwanted_request, ["cancel"]),
        (interrupted_request, ["follow"]),
        (unknown_request, ["follow"]),
        (doubtful_request, ["follow"]),
        (accepted_request, ["follow"]),
        (unsent_alarm, ["alarm"]),
    ],
)
def test_the_sweep_wakes_what_the_rows_say_is_due(
    make: Callable[[], int | str | None], tasks: list[str]
) -> None:
    Strategy.objects.update(ranked=timezone.now())
    key = make()
    if make is not unscored_target:
        TargetSummary.objects.update(scored_version=F("version"))
    if make is not unsettled_program:
        for program in Program.objects.all():
            Program.objects.filter(pk=program.pk).update(settled=program.standing)

    sweeping.sweep()

    expected = {(task,) if key is None else (task, key) for task in tasks}
    assert woken() == expected


@pytest.mark.parametrize("make", [doubtful_request, accepted_request])
def test_what_is_being_asked_of_a_facility_is_not_asked_again_by_the_next_sweep(
    make: Callable[[], str],
) -> None:
    facility = make()
    pipeline.follow(facility)

    sweeping.sweep()

    assert ("follow", facility) not in woken()


def test_the_sweep_asks_each_facility_of_a_portal_for_its_instruments(settings: Settings) -> None:
    settings.OCS_PORTAL_URL = "http://127.0.0.1:9"  # nobody listens there

    sweeping.sweep()
    asked = {("list_instruments", name) for name in ("LCO", "SOAR", "BLANCO")}
    assert asked <= woken()

    pipeline.list_instruments("LCO")
    sweeping.sweep()
    assert ("list_instruments", "LCO") not in woken()


def sent_report(settings: Settings) -> Report:
    settings.TELL_URL = "kafka://kafka.scimma.org/hermes.candidates"
    report = confirmed_report()
    Report.objects.filter(pk=report.pk).update(state=ReportState.SENT)
    return report


def test_a_retraction_takes_back_what_was_told_and_wakes_its_sending(settings: Settings) -> None:
    report = sent_report(settings)
    worked(keep_event())
    event = NonLocalizedEvent.objects.exclude(pk=report.event_id).get()
    Report.objects.filter(pk=report.pk).update(event=event)
    woken()

    pipeline.ingest(keep_event("RETRACTION", minutes=60).pk)

    assert ("tell", report.taken_back_by.pk) in woken()


def test_what_was_told_is_taken_back_with_the_retraction_itself(settings: Settings) -> None:
    report = sent_report(settings)
    worked(keep_event())
    event = NonLocalizedEvent.objects.exclude(pk=report.event_id).get()
    Report.objects.filter(pk=report.pk).update(event=event)

    worked(keep_event("RETRACTION", minutes=60))  # no task follows that could make up for it

    assert report.taken_back_by.state == ReportState.CONFIRMED


def test_the_sweep_takes_back_what_was_just_being_sent(settings: Settings) -> None:
    report = sent_report(settings)
    NonLocalizedEvent.objects.update(retracted=True)

    sweeping.sweep()

    assert ("tell", report.taken_back_by.pk) in woken()


def test_the_sweep_wakes_the_telling_of_a_confirmed_report(settings: Settings) -> None:
    settings.TELL_URL = "kafka://kafka.scimma.org/hermes.candidates"
    report = confirmed_report()
    assert report.state == ReportState.CONFIRMED

    sweeping.sweep()

    assert ("tell", report.pk) in woken()


def test_the_sweep_tells_whoever_asked_how_a_request_ended() -> None:
    request = make_request(factories.make_target(), factories.make_observer())
    move(request, RequestState.CANCELED)

    sweeping.sweep()

    assert Notification.objects.get().user == request.created_by


# --- What is let go of ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "kind", "state", "age", "kept"),
    [
        (30, "ztf.avro", MessageState.STORED, 31, False),
        (30, "ztf.avro", MessageState.STORED, 29, True),
        (0, "ztf.avro", MessageState.STORED, 999, True),
        (30, "ztf.avro", MessageState.DEAD, 31, True),
        (30, "ztf.avro", MessageState.RECEIVED, 31, True),
        (30, "igwn.json", MessageState.STORED, 999, True),
    ],
)
def test_raw_bytes_go_of_survey_packets_alone_that_were_stored_long_ago(
    settings: Settings, days: int, kind: str, state: str, age: int, kept: bool
) -> None:
    settings.PACKET_DAYS = days
    message = factories.make_message(kind=kind, state=state)
    AlertMessage.objects.update(finished=timezone.now() - timedelta(days=age))

    sweeping.prune()

    message.refresh_from_db()
    assert (message.payload is not None) is kept


@pytest.mark.parametrize(("age", "kept"), [(2, True), (4, False)])
def test_live_events_and_polls_go_after_three_days(age: int, kept: bool) -> None:
    Change.objects.create(topic=Topic.ALERTS)
    keep_call(Call("GET", "/", "", 200, "", "", 0.1), facility="LCO", request=None)
    for rows in (Change.objects.all(), Exchange.objects.all()):
        rows.update(created=timezone.now() - timedelta(days=age))

    sweeping.prune()

    assert (Change.objects.exists(), Exchange.objects.exists()) == (kept, kept)


def test_a_field_of_view_is_traced_by_the_page_by_the_sweep_and_until_none_is_left(
    client: Client,
) -> None:
    event = factories.make_event()
    keep_pointings([pointings.told("one")], source=Source.TABLE, event=event, group=None)
    client.force_login(factories.make_observer())

    client.get(f"/events/{event.event_id}/coverage/")
    assert ("trace",) in woken()
    sweeping.sweep()
    assert ("trace",) in woken()

    pipeline.trace()
    assert woken() == {("trace",), ("rank", event.pk)}
    pipeline.trace()
    assert woken() == set()
    sweeping.sweep()
    assert ("trace",) not in woken()
