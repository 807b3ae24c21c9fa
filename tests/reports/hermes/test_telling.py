"""Telling on a real Kafka broker behind SASL and TLS, which can lose its replies."""

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Message
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hop.io import StartPosition, Stream

from tests.factories import (
    make_candidate,
    make_event,
    make_group,
    make_observer,
    make_program,
    make_target,
    make_user,
)
from tests.peers.kafka import KafkaPeer, broker_away
from tests.peers.ocs import wait_for
from tom.candidates.models import EventCandidate
from tom.changes.models import Address, Change
from tom.reports import publishing, settling
from tom.reports.hermes import telling
from tom.reports.hermes.drafts import retry_report
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.telling import (
    NotLiveError,
    confirm_report,
    discard_report,
    draft_report,
    due_reports,
    tell_report,
)
from tom.reports.public_data import CannotTellError, PrivateDataError
from tom.targets.models import LightCurvePoint

pytestmark = pytest.mark.django_db
TELLING = ("target", "survey", "band", "flux", "flux_error", "program")


@pytest.fixture(autouse=True)
def tell_url(settings) -> None:
    settings.TELL_URL = "kafka://kafka.scimma.org/hermes.candidates"


@pytest.fixture
def topic(kafka: KafkaPeer, settings, tmp_path: Path, monkeypatch) -> str:
    """A topic to tell on, with the credential in hop's own store."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    kafka.write_credentials(tmp_path)
    name = kafka.create_topic(f"hermes.c{uuid.uuid4().hex[:8]}")
    settings.TELL_URL = kafka.url(name)
    return name


def draft(**fields: object) -> Report:
    event = make_event(**fields)
    return draft_report(event, [make_candidate(event)], by=make_observer())


def confirmed() -> Report:
    report = draft()
    assert confirm_report(report, make_observer())
    return reload(report)


def reload(report: Report) -> Report:
    return Report.objects.get(pk=report.pk)


def tell(report: Report, now: datetime | None = None) -> Report:
    tell_report(reload(report), now=now or timezone.now())
    return reload(report)


def read(kafka: KafkaPeer, topic: str) -> list[tuple[dict, Message]]:
    """Everything on the topic, as any reader of it sees it."""
    stream = Stream(auth=kafka.auth(), start_at=StartPosition.EARLIEST, until_eos=True)
    with stream.open(kafka.url(topic), "r", group_id=f"observer-1234-{uuid.uuid4()}") as consumer:
        return [(message.content, about) for message, about in consumer.read(metadata=True)]


@contextmanager
def replies_lost(kafka: KafkaPeer) -> Iterator[None]:
    kafka.door.lose_replies_to_produce = True
    try:
        yield
    finally:
        kafka.door.lose_replies_to_produce = False


# --- Drafting ---------------------------------------------------------------------------------
def test_an_event_made_by_hand_is_told_by_the_name_that_others_know():
    event = make_event("HAND-GRB261120Z", kind="grb")

    body = draft_report(event, [make_candidate(event)], by=make_observer("ann")).body

    assert body["data"]["event_id"] == "GRB261120Z"
    assert body["title"].startswith("GRB261120Z: ")
    assert "HAND-" not in json.dumps(body)


def test_a_draft_tells_the_candidates_in_their_order_and_in_hermes_form():
    event = make_event("S261120a")
    second = make_candidate(event, make_target("ZTF26second"), rank=2, posterior=0.1)
    first = make_candidate(event, make_target("ZTF26first", ra=10.5), rank=1, posterior=0.7)

    report = draft_report(event, [second, first], by=make_observer("ann"))

    body = report.body
    assert body["topic"] == "hermes.candidates"
    assert body["submitter"] == "ann"
    assert body["title"] == "S261120a: 2 candidates from Counterpart"
    assert body["data"]["event_id"] == "S261120a"
    assert [target["name"] for target in body["data"]["targets"]] == ["ZTF26first", "ZTF26second"]
    assert body["data"]["targets"][0]["ra"] == 10.5
    assert body["data"]["extra_data"]["candidates"][0]["posterior"] == 0.7
    assert json.loads(json.dumps(body)) == body


def test_a_draft_tells_no_probability_as_certain():
    event = make_event("S261120a")
    sure = make_candidate(event, make_target("ZTF26sure"), posterior=0.9999)

    text = draft_report(event, [sure], by=make_observer("ann")).body["message_text"]

    assert ", probability > 0.99, " in text


def test_a_second_message_of_an_event_refers_to_the_first_by_its_id(
    kafka: KafkaPeer, topic: str
) -> None:
    first = confirmed()
    assert tell(first).state == ReportState.SENT

    second = draft_report(first.event, list(first.candidates.all()), by=make_observer())
    confirm_report(second, make_observer())
    assert tell(second).state == ReportState.SENT

    (before, _), (after, _) = read(kafka, topic)
    assert before["data"]["references"] == []
    reference = {"source": "hop_uuid", "citation": str(first.message_id)}
    assert after["data"]["references"] == [reference]
    assert (
        f'It follows our message "{first.body["title"]}" ({first.message_id}).'
        in (after["message_text"])
    )


@pytest.mark.parametrize(
    "change",
    [{"state": ReportState.UNKNOWN}, {"url": "kafka://kafka.scimma.org/hermes.elsewhere"}],
)
def test_a_draft_refers_to_nothing_that_is_not_there(change: dict[str, str]) -> None:
    first = told_before()
    Report.objects.filter(pk=first.pk).update(**change)

    assert draft_again(first).body["data"]["references"] == []


def test_a_draft_refers_to_nothing_that_was_taken_back() -> None:
    first = told_before()
    assert draft_again(first).body["data"]["references"]
    Report.objects.create(event=first.event, url=first.url, body=first.body, takes_back=first)

    assert draft_again(first).body["data"]["references"] == []


def told_before() -> Report:
    report, now = draft(), timezone.now()
    told = {"state": ReportState.SENT, "confirmed_at": now, "sent_at": now}
    Report.objects.filter(pk=report.pk).update(**told)
    return reload(report)


def draft_again(report: Report) -> Report:
    return draft_report(report.event, list(report.candidates.all()), by=make_observer())


def test_a_draft_asks_as_often_for_many_candidates_as_for_two(django_assert_max_num_queries):
    event, by = make_event(), make_observer()
    candidates = [make_candidate(event, rank=rank) for rank in range(1, 9)]
    with CaptureQueriesContext(connection) as two:
        draft_report(event, candidates[:2], by=by)

    with django_assert_max_num_queries(len(two)):
        report = draft_report(event, candidates, by=by)

    assert len(report.body["data"]["targets"]) == 8


def test_photometry_is_told_with_limits_as_limits():
    report = draft()

    rows = report.body["data"]["photometry"]
    limits = [row for row in rows if "limiting_brightness" in row]
    bright = next(row for row in rows if "brightness" in row)
    assert len(rows) == 7
    assert [row["limiting_brightness"] for row in limits] == [20.8]
    assert bright["brightness"] == 17.5
    assert bright["brightness_error"] == pytest.approx(0.054, abs=1e-3)
    assert (bright["bandpass"], bright["brightness_unit"]) == ("g", "AB mag")
    assert bright["date_obs"].endswith("+00:00")


def test_each_exposure_is_told_once_and_the_alerts_own_measurement_first():
    event = make_event()
    candidate = make_candidate(event)
    points = list(candidate.target.points.all())
    doubled = [
        LightCurvePoint(
            target=point.target,
            survey=point.survey,
            kind="forced",
            key=f"forced:{point.key}",
            time=point.time + timedelta(seconds=0.1),
            band=point.band,
            flux=5e4,
            flux_error=5e2,
            program=point.program,
        )
        for point in points
    ]
    later = {"key": "alone", "time": points[-1].time + timedelta(seconds=40)}
    alone = LightCurvePoint(
        **{name: getattr(doubled[-1], name) for name in TELLING}, kind="forced", **later
    )
    LightCurvePoint.objects.bulk_create([*doubled, alone])

    rows = draft_report(event, [candidate], by=make_observer()).body["data"]["photometry"]

    detections = [point for point in points if point.kind == "alert"]
    forced = [row for row in rows if row.get("brightness") == 19.653]
    assert len(rows) == len(points) + 1
    assert len(forced) == len(points) - len(detections) + 1
    assert len({(row["date_obs"][:19], row["bandpass"]) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("level", "said"),
    [(0.9018, "91%"), (0.9, "90%"), (0.07, "7%"), (0.995, "100%"), (0.0001, "1%"), (1.0, "100%")],
)
def test_the_region_that_is_told_contains_the_candidate(level: float, said: str):
    event = make_event()
    candidate = make_candidate(event)
    candidate.credible_level_2d = level
    candidate.save()

    text = draft_report(event, [candidate], by=make_observer()).body["message_text"]

    assert f"inside the {said} credible region" in text


def test_the_programs_whose_data_it_uses_are_named():
    report = draft()

    assert report.programs == ["ZTF program 1"]
    assert "data of ZTF program 1" in report.body["message_text"]
    assert report.body["data"]["extra_data"]["programs"] == ["ZTF program 1"]


def test_a_private_target_is_refused_by_name():
    event = make_event()
    candidate = make_candidate(event, make_target("ZTF26mine", private=True))

    with pytest.raises(PrivateDataError, match="ZTF26mine"):
        draft_report(event, [make_candidate(event), candidate], by=make_observer())


def test_private_points_of_a_public_target_are_left_out_and_their_program_is_not_named():
    event = make_event()
    candidate = make_candidate(event)
    secret = make_program(2, group=make_group())
    hidden = candidate.target.points.filter(flux__isnull=False).first()
    LightCurvePoint.objects.filter(pk=hidden.pk).update(program=secret)

    report = draft_report(event, [candidate], by=make_observer())

    assert len(report.body["data"]["photometry"]) == 6
    assert "program 2" not in json.dumps(report.body)


def test_a_target_of_which_only_private_points_are_known_is_refused():
    event = make_event()
    secret = make_program(2, group=make_group())
    candidate = make_candidate(event, make_target(program=secret))

    with pytest.raises(PrivateDataError, match="no public data"):
        draft_report(event, [candidate], by=make_observer())


@pytest.mark.parametrize("fields", [{"test_reasons": ["id begins with M"]}, {"retracted": True}])
def test_an_event_that_is_not_live_is_told_on_a_test_topic_only(settings, fields: dict):
    with pytest.raises(NotLiveError):
        draft(**fields)

    settings.TELL_URL = "kafka://kafka.scimma.org/hermes.test"
    assert draft(**fields).state == ReportState.DRAFT


@pytest.mark.parametrize("url", ["https://x/y", "kafka://a/", "kafka://a/x,y"])
def test_without_one_topic_to_tell_on_there_is_nothing_to_draft(settings, url: str):
    settings.TELL_URL = url

    with pytest.raises(CannotTellError, match="TELL_URL"):
        draft()


def test_no_candidate_or_one_of_another_event_is_refused():
    event = make_event()

    for candidates in ([], [make_candidate(make_event())]):
        with pytest.raises(CannotTellError):
            draft_report(event, candidates, by=make_observer())


# --- Confirming -------------------------------------------------------------------------------
def test_a_report_is_confirmed_once():
    report, by = draft(), make_observer()

    assert confirm_report(report, by)
    assert not confirm_report(report, by)
    assert reload(report).confirmed_by == by
    assert list(due_reports(timezone.now())) == [report]


def test_a_target_made_private_after_the_draft_is_refused():
    report = draft()
    target = report.candidates.get().target
    target.permissions = "PRIVATE"
    target.save()

    with pytest.raises(PrivateDataError):
        confirm_report(report, make_observer())
    assert reload(report).state == ReportState.DRAFT


def test_an_event_retracted_after_the_confirmation_is_not_sent(kafka: KafkaPeer, topic: str):
    report = confirmed()
    report.event.retracted = True
    report.event.save()

    told = tell(report)

    assert told.state == ReportState.FAILED
    assert "retracted" in told.reason
    assert read(kafka, topic) == []


def test_only_a_draft_is_discarded():
    assert discard_report(draft())
    assert not discard_report(confirmed())


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_is_just_being_confirmed_is_not_discarded():
    report, by = draft(), make_observer()
    discarded: list[bool] = []

    def discard() -> None:
        discarded.append(discard_report(report))
        connection.close()

    other = threading.Thread(target=discard)
    with transaction.atomic():
        assert confirm_report(report, by)
        other.start()
        wait_for(somebody_waits, seconds=60)
    other.join()

    assert discarded == [False]
    assert reload(report).state == ReportState.CONFIRMED


def somebody_waits() -> bool:
    """Whether another connection waits for the end of this one's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
        )
        return cursor.fetchone() is not None


def test_a_draft_is_never_sent(kafka: KafkaPeer, topic: str):
    report = draft()

    tell(report)

    assert reload(report).state == ReportState.DRAFT
    assert read(kafka, topic) == []


# --- Sending ----------------------------------------------------------------------------------
def test_a_confirmed_report_is_on_the_topic_once_under_our_id(kafka: KafkaPeer, topic: str):
    report = confirmed()

    told = tell(report)
    tell(report)

    assert told.state == ReportState.SENT
    [(content, about)] = read(kafka, topic)
    headers = dict(about.headers)
    assert content == report.body
    assert headers["_id"] == report.message_id.bytes
    assert headers["_sender"] == b"observer-1234"
    assert Change.objects.filter(key=report.event.event_id).exists()


def test_two_workers_at_once_send_it_once(kafka: KafkaPeer, topic: str):
    first = second = confirmed()

    telling.send_report(first, now=timezone.now())

    assert not telling.send_report(second, now=timezone.now())
    assert len(read(kafka, topic)) == 1


def test_a_lost_reply_is_unknown_then_found_by_our_id_and_never_sent_again(
    kafka: KafkaPeer, topic: str
):
    report = confirmed()
    with replies_lost(kafka):
        told = tell(report)
    assert told.state == ReportState.UNKNOWN
    assert told.due_at is not None

    settled = tell(report, timezone.now() + timedelta(seconds=20))

    assert settled.state == ReportState.SENT
    assert settled.reason == ""
    assert len(read(kafka, topic)) == 1


def test_a_worker_killed_while_it_sent_leaves_it_unknown_to_be_settled(
    kafka: KafkaPeer, topic: str
):
    report = confirmed()
    publishing.publish_message(report.url, report.body, message_id=report.message_id)
    now = timezone.now()
    Report.objects.update(state=ReportState.SENDING, tried_at=now, due_at=now)

    assert tell(report).state == ReportState.UNKNOWN
    assert tell(report).state == ReportState.SENT
    assert len(read(kafka, topic)) == 1


def test_a_report_still_being_sent_is_left_alone():
    report = confirmed()
    now = timezone.now()
    Report.objects.update(state=ReportState.SENDING, due_at=now + timedelta(minutes=1))

    assert tell(report).state == ReportState.SENDING
    assert not due_reports(now).exists()


@pytest.mark.django_db(transaction=True)
def test_a_topic_being_read_back_is_not_due_meanwhile(monkeypatch):
    monkeypatch.setattr(publishing, "ASK_SECONDS", 1)
    report = confirmed()
    now = timezone.now()
    due: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as broker:
        url = f"kafka://127.0.0.1:{broker.getsockname()[1]}/hermes.test"
        Report.objects.update(state=ReportState.UNKNOWN, url=url, tried_at=now, due_at=now)

        def sweep() -> None:
            broker.accept()[0].close()
            due.append(due_reports(timezone.now()).exists())
            connection.close()

        sweeper = threading.Thread(target=sweep)
        sweeper.start()
        told = tell(report, now)
        sweeper.join()

    assert due == [False]
    assert told.due_at < now + settling.LOOK_LEASE


def test_of_two_nudges_at_once_one_reads_the_topic_back(monkeypatch):
    monkeypatch.setattr(publishing, "ASK_SECONDS", 0)
    report = confirmed()
    now = timezone.now()
    url = "kafka://127.0.0.1:9/hermes.test"
    Report.objects.update(state=ReportState.UNKNOWN, url=url, tried_at=now, due_at=now)
    first, second = reload(report), reload(report)

    tell_report(first, now=now)
    put_off = reload(report).due_at
    tell_report(second, now=now)

    assert put_off > timezone.now()
    assert reload(report).due_at == put_off


def test_what_is_not_on_the_topic_stays_unknown_for_a_while_then_has_failed(
    kafka: KafkaPeer, topic: str
):
    report = confirmed()
    now = timezone.now()
    Report.objects.update(state=ReportState.UNKNOWN, tried_at=now, due_at=now)
    kafka.produce(topic, [b"{}"], headers=[("_id", uuid.uuid4().bytes)])

    soon = tell(report, now + timedelta(seconds=20))
    assert (soon.state, soon.reason) == (ReportState.UNKNOWN, "not on the topic yet")
    assert soon.due_at is not None
    assert soon.due_at > now + timedelta(seconds=20)

    late = tell(report, now + timedelta(minutes=6))
    assert late.state == ReportState.FAILED
    assert "never arrived" in late.reason


def test_a_topic_that_cannot_be_read_leaves_it_unknown_and_says_so(
    kafka: KafkaPeer, topic: str, monkeypatch
):
    monkeypatch.setattr(publishing, "ASK_SECONDS", 1)
    report = confirmed()
    now = timezone.now()
    Report.objects.update(state=ReportState.UNKNOWN, tried_at=now, due_at=now)

    with broker_away(kafka):
        told = tell(report, now + timedelta(hours=1))

    assert told.state == ReportState.UNKNOWN
    assert "could not look it up" in told.reason
    assert not due_reports(now + timedelta(hours=1)).exists()


def test_a_broker_that_is_away_is_tried_again_and_told_once(
    kafka: KafkaPeer, topic: str, monkeypatch
):
    report = confirmed()
    with broker_away(kafka), monkeypatch.context() as patch:
        patch.setattr(publishing, "ASK_SECONDS", 1)
        told = tell(report)
    assert told.state == ReportState.CONFIRMED
    assert told.reason
    assert not due_reports(timezone.now()).exists()
    assert due_reports(timezone.now() + timedelta(minutes=1)).exists()

    Address.objects.update(rests_until=None)  # it has rested
    assert tell(report).state == ReportState.SENT
    assert len(read(kafka, topic)) == 1


def test_a_broker_that_stays_away_fails_the_report_at_last(
    kafka: KafkaPeer, topic: str, monkeypatch
):
    monkeypatch.setattr(publishing, "ASK_SECONDS", 0)
    report = confirmed()
    Report.objects.update(attempts=report.patience.most_attempts - 1)

    with broker_away(kafka):
        assert tell(report).state == ReportState.FAILED


def test_a_refused_credential_an_unknown_topic_and_a_huge_report_have_failed_and_say_why(
    kafka: KafkaPeer, topic: str, tmp_path: Path
):
    report = confirmed()
    Report.objects.update(url=kafka.url("hermes.nowhere"))
    assert "no topic hermes.nowhere" in tell(report).reason

    report = confirmed()
    Report.objects.filter(pk=report.pk).update(body={"message_text": "x" * 1_100_000})
    assert tell(report).state == ReportState.FAILED

    kafka.write_credentials(tmp_path, password="wrong")
    report = confirmed()
    told = tell(report)
    assert told.state == ReportState.FAILED
    assert "refuses the credential" in told.reason
    assert read(kafka, topic) == []


# --- Seeing -----------------------------------------------------------------------------------
def test_a_report_is_seen_by_those_who_see_all_its_candidates():
    report = draft()
    group = make_group()
    member, other = make_user(), make_user()
    member.groups.add(group)
    assert Report.objects.visible_to(other).get() == report

    hidden = make_target(private=True, owners=[group])
    EventCandidate.objects.filter(reports=report).update(target=hidden)

    assert not Report.objects.visible_to(other).exists()
    assert Report.objects.visible_to(member).get() == report


# --- Sent again after it failed ---------------------------------------------------------------
def test_a_failed_report_that_arrived_after_all_is_not_sent_twice(kafka: KafkaPeer, topic: str):
    report = tell(confirmed())
    Report.objects.filter(pk=report.pk).update(state=ReportState.FAILED)  # as if given up

    assert retry_report(reload(report), make_observer())
    told = tell(report)

    assert told.state == ReportState.SENT
    assert len(read(kafka, topic)) == 1


def test_a_failed_report_that_never_arrived_is_sent_once_more(kafka: KafkaPeer, topic: str):
    report = confirmed()
    Report.objects.filter(pk=report.pk).update(
        state=ReportState.FAILED, tried_at=timezone.now() - timedelta(minutes=1)
    )

    assert retry_report(reload(report), make_observer())
    assert not retry_report(reload(report), make_observer())
    told = tell(report)

    assert told.state == ReportState.SENT
    assert len(read(kafka, topic)) == 1


def test_while_the_topic_cannot_be_looked_at_a_retried_report_is_not_sent(settings):
    settings.TELL_URL = "kafka://127.0.0.1:9/hermes.test"
    report = confirmed()
    long_ago = timezone.now() - timedelta(minutes=1)
    Report.objects.filter(pk=report.pk).update(state=ReportState.FAILED, tried_at=long_ago)

    retry_report(reload(report), make_observer())
    told = tell(report)

    assert told.state == ReportState.CONFIRMED
    assert "could not look" in told.reason
    assert told.tried_at == long_ago  # so that the next attempt looks, too


@pytest.mark.django_db
def test_a_candidate_by_private_points_alone_is_not_told(settings):
    settings.TELL_URL = "kafka://broker/topic"
    event = make_event()
    candidate = make_candidate(event, make_target("ZTF26open"))
    EventCandidate.objects.update(is_public=False)
    candidate.refresh_from_db()

    with pytest.raises(PrivateDataError, match="ZTF26open"):
        draft_report(event, [candidate], by=make_observer())
