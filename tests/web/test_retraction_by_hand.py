"""The retraction of an event that a person made by hand: each wire, from the click to its end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_candidate, make_observer, make_target
from tests.followup.conftest import make_request, point_at
from tests.peers.kafka import KafkaPeer
from tests.peers.ocs import Operator, opposite_the_sun
from tests.peers.smtp import MailSink
from tests.reports.alarms.conftest import mails as mails
from tests.reports.alarms.conftest import make_contact, make_rule, make_step
from tests.reports.hermes.test_telling import read
from tests.reports.hermes.test_telling import topic as topic
from tests.web.test_events_by_hand import form, make
from tests.web.test_events_by_hand import vera as vera
from tests.woken import woken
from tom import pipeline, sweeping
from tom.embedded.portal import Portal
from tom.events.by_hand import retract_event
from tom.events.models import NonLocalizedEvent
from tom.followup.facilities.practice.rows import PracticeObservation
from tom.followup.models import ObservationRequest
from tom.followup.services import submit_request
from tom.followup.states import RequestState
from tom.reports.alarms.models import AlarmCause
from tom.reports.hermes.models import ReportState
from tom.reports.hermes.telling import confirm_report, draft_report
from tom.streams.models import AlertMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("servers")]
S = RequestState
Retract = Callable[[], None]


@pytest.fixture
def made(client: Client, vera: User, settings: Settings) -> NonLocalizedEvent:
    settings.PRACTICE_STEP_SECONDS = 3600  # the telescope does not end a request by itself
    return make(client, time=f"{timezone.now() - timedelta(minutes=5):%Y-%m-%d %H:%M:%S}")


@pytest.fixture(params=["page", "api"])
def retract(request: pytest.FixtureRequest, client: Client, made: NonLocalizedEvent) -> Retract:
    """Retract the event, by its page or by the API; then do the task that this wakes."""

    def by_page() -> None:
        first = made.sequences.order_by("pk").first()
        assert first is not None
        client.post(f"/events/by-hand/{first.pk}/", {"do": "retract"})

    def by_api() -> None:
        address = f"/api/events/{made.event_id}/by-hand/"
        assert client.delete(address, {}, content_type="application/json").status_code == 200

    def say() -> None:
        woken()
        by_page() if request.param == "page" else by_api()
        task = ("ingest", AlertMessage.objects.latest("pk").pk)
        assert task in woken()
        pipeline.ingest(task[1])

    return say


def at_the_telescope(event: NonLocalizedEvent, by: User, **fields: object) -> ObservationRequest:
    """A request that the practice telescope has accepted."""
    request = make_request(make_target(), by, event=event, **fields)
    submit_request(request)
    request.refresh_from_db()
    assert request.state == S.ACCEPTED
    return request


def is_cancelled(request: ObservationRequest) -> bool:
    """Whether it ended at the telescope, too."""
    request.refresh_from_db()
    there = PracticeObservation.objects.get(key=request.key)
    return request.state == S.CANCELED and there.canceled is not None


def test_what_asked_for_it_is_cancelled_at_once_and_the_rest_when_asked(
    client: Client, vera: User, made: NonLocalizedEvent, retract: Retract
) -> None:
    at_once = at_the_telescope(made, vera, cancel_if_retracted=True)
    by_click = at_the_telescope(made, vera)

    retract()
    tasks = woken()
    assert ("cancel", at_once.pk) in tasks
    assert ("cancel", by_click.pk) not in tasks
    pipeline.cancel(at_once.pk)
    assert is_cancelled(at_once)
    assert not is_cancelled(by_click)

    assert "Cancel all 1" in client.get(f"/events/{made.event_id}/").text
    client.post(f"/events/{made.event_id}/going-on/cancel/")
    pipeline.cancel(by_click.pk)
    assert is_cancelled(by_click)


@pytest.mark.portal
@pytest.mark.timeout(600)  # it may wait until the portal is installed and has started
def test_the_answer_yes_cancels_what_the_real_portal_has(
    client: Client,
    vera: User,
    made: NonLocalizedEvent,
    settings: Settings,
    ocs_portal: Portal,
    operator: Operator,
) -> None:
    point_at(settings, ocs_portal)
    up = make_target(ra=opposite_the_sun(timezone.now()), dec=-5.0)
    request = make_request(up, vera, event=made, facility="LCO")
    submit_request(request)

    client.post(f"/events/by-hand/{made.sequences.get().pk}/", {"do": "retract"})
    pipeline.ingest(AlertMessage.objects.latest("pk").pk)
    assert ("cancel", request.pk) not in woken()
    assert [group["state"] for group in operator.groups(request.key)] == ["PENDING"]
    client.post(f"/events/{made.event_id}/going-on/cancel/")
    sweeping.sweep()
    assert ("cancel", request.pk) in woken()
    pipeline.cancel(request.pk)

    assert [group["state"] for group in operator.groups(request.key)] == ["CANCELED"]
    request.refresh_from_db()
    assert request.state == S.CANCELED


def test_what_was_not_sent_is_held_until_a_person_decides(
    client: Client, vera: User, made: NonLocalizedEvent, retract: Retract
) -> None:
    unsent = [
        make_request(make_target(), vera, event=made, state=state)
        for state in (S.PROPOSED, S.APPROVED, S.RETRY_AT)
    ]

    retract()

    states = ObservationRequest.objects.filter(pk__in=[each.pk for each in unsent])
    assert set(states.values_list("state", flat=True)) == {S.HELD}
    assert not [task for task in woken() if task[0] == "submit"]
    client.post(f"/requests/{unsent[1].pk}/release/")
    unsent[1].refresh_from_db()
    assert unsent[1].state == S.HELD  # nobody can send it for a retracted event


def test_a_report_that_was_told_is_taken_back_on_its_topic(
    vera: User, made: NonLocalizedEvent, retract: Retract, kafka: KafkaPeer, topic: str
) -> None:
    report = draft_report(made, [make_candidate(made)], by=vera)
    confirm_report(report, vera)
    pipeline.tell(report.pk)

    retract()
    report.refresh_from_db()
    answer = report.taken_back_by
    assert ("tell", answer.pk) in woken()
    pipeline.tell(answer.pk)

    answer.refresh_from_db()
    assert answer.state == ReportState.SENT
    (_, second) = read(kafka, topic)
    assert second[0]["data"]["event_id"] == made.public_name
    assert second[0]["data"]["extra_data"] == {"takes_back": str(report.message_id)}


def test_whom_an_alarm_of_it_reached_is_called_again(
    client: Client, vera: User, retract: Retract, made: NonLocalizedEvent, mails: MailSink
) -> None:
    make_contact(vera)
    make_contact(make_observer("otto"))  # whom nobody called
    make_step(make_rule(only_significant=False), vera)
    now = f"{timezone.now():%Y-%m-%d %H:%M:%S}"
    client.post(f"/events/by-hand/{made.sequences.get().pk}/", form(do="correct", time=now))
    pipeline.alarm(made.alarms.get().pk)

    retract()
    called_off = made.alarms.get(cause=AlarmCause.RETRACTION)
    assert ("alarm", called_off.pk) in woken()
    pipeline.alarm(called_off.pk)

    assert [recipients for recipients, _ in mails.mails] == [["vera@example.org"]] * 2
    assert mails.mails[-1][1]["Subject"] == f"{made.event_id} is retracted"


def test_all_of_it_is_done_by_the_sweep_if_the_page_died_once_the_message_was_kept(
    vera: User, made: NonLocalizedEvent
) -> None:
    at_once = at_the_telescope(made, vera, cancel_if_retracted=True)
    retract_event(made.sequences.get(), why="", now=timezone.now())
    AlertMessage.objects.update(received=timezone.now() - timedelta(minutes=1))
    woken()

    sweeping.sweep()
    (task,) = [each for each in woken() if each[0] == "ingest"]
    pipeline.ingest(int(task[1]))

    assert ("cancel", at_once.pk) in woken()
