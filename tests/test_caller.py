"""Calls to a silent address keep nothing waiting: real workers, and servers that never answer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone
from pytest_django.fixtures import Settings

from tests import factories
from tests.followup.conftest import make_request
from tests.peers.site import running_workers, site_environment
from tests.peers.webhook import Webhook, running_webhook
from tests.streams.packets import make_gwalert_json
from tom import queues
from tom.changes.addresses import silent_addresses
from tom.followup.facilities.practice.rows import PracticeObservation
from tom.followup.models import FacilityWatch, ObservationRequest
from tom.pipeline import alarm, ingest, nudge, submit
from tom.reports.alarms.contacts import Channel
from tom.reports.alarms.models import Alarm, AlarmSend
from tom.streams.models import AlertMessage, MessageState
from tom.sweeping import sweep

REQUESTS = 10
# A call without an answer is given up after twenty seconds: whoever waited for it comes later.
SOON = 8


@pytest.fixture
def silent_server() -> Iterator[list[socket.socket]]:
    """The connections to a server that takes them and says nothing."""
    taken: list[socket.socket] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_take_all, args=(listener, taken), daemon=True).start()
        taken.append(listener)  # the first is the server itself
        yield taken
    for client in taken[1:]:
        client.close()


def _take_all(listener: socket.socket, taken: list[socket.socket]) -> None:
    while True:
        try:
            taken.append(listener.accept()[0])
        except OSError:
            return


def end_silence(taken: list[socket.socket]) -> None:
    """Hang up on all, so that a worker that is stopped need not wait for an answer."""
    taken[0].shutdown(socket.SHUT_RDWR)
    for client in taken[1:]:
        client.close()


def waits(client: socket.socket) -> bool:
    """Whether a client still waits for its answer."""
    client.setblocking(False)
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:  # it hung up on what it had not read
        return False
    return False


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with running_webhook() as hook:
        yield hook


@pytest.fixture
def workers(
    silent_server: list[socket.socket],
    webhook: Webhook,
    settings: Settings,
    tmp_path: Path,
    transactional_db: None,
) -> Iterator[None]:
    """The worker and the caller; their portal is silent, their webhook answers."""
    settings.OCS_PORTAL_URL = f"http://127.0.0.1:{silent_server[0].getsockname()[1]}"
    settings.OCS_API_TOKEN, settings.OCS_PROPOSAL = "token", "TOM-001"
    settings.OCS_PRACTICE = True
    environment = site_environment(tmp_path) | {
        "OCS_PORTAL_URL": settings.OCS_PORTAL_URL,
        "OCS_API_TOKEN": "token",
        "OCS_PROPOSAL": "TOM-001",
        "OCS_PRACTICE": "true",
        "ALARM_WEBHOOK": webhook.url,
    }
    with current_app.connection_for_read() as broker:
        for queue in queues.ALL.split(","):
            broker.default_channel.queue_purge(queue)
    # Nothing else is asked of the portal: after the first silence its address rests.
    later = timezone.now() + timedelta(days=1)
    FacilityWatch.objects.create(facility="LCO", next_poll=later, next_listing=later)
    with running_workers(tmp_path, environment, with_scorer=False):
        warm = make_alert("S261120a")
        nudge(ingest, warm.pk)
        seconds_until(lambda: state_of(warm) == MessageState.STORED, most=60)
        yield
        end_silence(silent_server)


def make_alert(superevent_id: str) -> AlertMessage:
    return factories.make_message(
        make_gwalert_json(superevent_id=superevent_id, event={"skymap": None}),
        state=MessageState.RECEIVED,
        kind="igwn.json",
    )


def state_of(message: AlertMessage) -> str:
    return AlertMessage.objects.values_list("state", flat=True).get(pk=message.pk)


def seconds_until(ready: Callable[[], bool], *, most: float) -> float:
    began = time.monotonic()
    while not ready():
        assert time.monotonic() - began < most
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.timeout(180)
def test_an_alert_and_a_page_do_not_wait_for_a_silent_portal(
    workers: None, silent_server: list[socket.socket], webhook: Webhook
) -> None:
    observer = factories.make_user("vera")
    requests = [
        make_request(factories.make_target(f"T{number}"), observer, facility="LCO")
        for number in range(REQUESTS)
    ]
    for request in requests:
        nudge(submit, request.pk)
    rows = ObservationRequest.objects.all()
    seconds_until(lambda: rows.filter(state="submitting").exists(), most=90)
    seconds_until(lambda: len(silent_server) > 1, most=30)

    alert = make_alert("S261120b")
    event = factories.make_event("S261119a")
    woken = Alarm.objects.create(event=event, cause="significant", title="Woken", body="")
    AlarmSend.objects.create(alarm=woken, channel=Channel.WEBHOOK)
    nudge(ingest, alert.pk)
    nudge(alarm, woken.pk)
    ingested = seconds_until(lambda: state_of(alert) == MessageState.STORED, most=30)
    alarmed = seconds_until(lambda: "Woken" in str(webhook.posts), most=30)

    assert ingested < SOON
    assert alarmed < SOON
    assert sum(map(waits, silent_server[1:])) <= 1, "one request asks at a time"
    seconds_until(lambda: bool(silent_addresses()), most=60)
    seconds_until(lambda: rows.filter(state="unknown").exists(), most=30)
    states = list(rows.values_list("state", flat=True))
    assert states.count("unknown") == 1
    assert set(states) <= {"unknown", "approved", "retry_at"}
    assert len(states) == len(requests)


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_one_telescope_is_followed_while_the_portal_of_another_is_silent(
    workers: None, silent_server: list[socket.socket]
) -> None:
    observer, now = factories.make_user("vera"), timezone.now()
    silent, practice = (
        make_request(
            factories.make_target(name),
            observer,
            facility=name,
            state="accepted",
            remote_id=remote_id,
            tried_at=now,
        )
        for name, remote_id in (("LCO", "1"), ("PRACTICE", "practice-2"))
    )
    PracticeObservation.objects.create(
        pk=2,
        key=practice.key,
        body=practice.body,
        created=now - timedelta(hours=1),
        step_seconds=60,
    )

    FacilityWatch.objects.update(next_poll=now)
    nudge(sweep)
    seconds_until(lambda: len(silent_server) > 1, most=90)
    rows = ObservationRequest.objects.filter(pk=practice.pk)
    followed = seconds_until(lambda: rows.filter(state="completed").exists(), most=30)

    assert followed < SOON
    silent.refresh_from_db()
    assert (silent.state, silent.polled) == ("accepted", None)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "channel", [Channel.WEBHOOK, pytest.param(Channel.EMAIL, marks=pytest.mark.soak)]
)
def test_an_alert_and_the_other_channel_do_not_wait_for_a_silent_one(
    silent_server: list[socket.socket],
    webhook: Webhook,
    transactional_db: None,
    tmp_path: Path,
    channel: Channel,
) -> None:
    silent = f"127.0.0.1:{silent_server[0].getsockname()[1]}"
    hook = f"http://{silent}/hook" if channel == Channel.WEBHOOK else webhook.url
    environment = site_environment(tmp_path) | {
        "ALARM_WEBHOOK": hook,
        "ALARM_EMAILS": "shift@example.org",
        "EMAIL_URL": f"smtp://{silent}",
    }
    with current_app.connection_for_read() as broker:
        for queue in queues.ALL.split(","):
            broker.default_channel.queue_purge(queue)
    with running_workers(tmp_path, environment, with_scorer=False):
        warm = make_alert("S261120a")
        nudge(ingest, warm.pk)
        seconds_until(lambda: state_of(warm) == MessageState.STORED, most=90)
        for number in range(REQUESTS):
            event = factories.make_event(f"S261119{chr(97 + number)}")
            woken = Alarm.objects.create(event=event, cause="significant", title="Woken", body="")
            AlarmSend.objects.create(alarm=woken, channel=channel)
            nudge(alarm, woken.pk)
        seconds_until(lambda: len(silent_server) > 1, most=90)

        alert, event = make_alert("S261120b"), factories.make_event("S261118a")
        other = Alarm.objects.create(event=event, cause="significant", title="Other", body="")
        if channel == Channel.EMAIL:
            AlarmSend.objects.create(alarm=other, channel=Channel.WEBHOOK)
        nudge(ingest, alert.pk)
        nudge(alarm, other.pk)
        ingested = seconds_until(lambda: state_of(alert) == MessageState.STORED, most=30)

        assert ingested < SOON
        if channel == Channel.EMAIL:
            assert seconds_until(lambda: "Other" in str(webhook.posts), most=30) < SOON
        end_silence(silent_server)
