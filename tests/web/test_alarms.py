"""What nobody may miss stands on every page, in plain words."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests import factories
from tom.changes import heartbeat
from tom.reports.alarms.alarms import acknowledge_alarm, raise_alarm
from tom.reports.alarms.contacts import Channel
from tom.reports.alarms.models import Alarm, AlarmSend, SendState
from tom.streams.models import StreamHealth

pytestmark = pytest.mark.django_db
PLACES = ["/", "/events/", "/targets/", "/requests/", "/messages/", "/notifications/", "/account/"]


def make_alarm(event_id: str) -> Alarm:
    """The alarm of a significant event of just now."""
    alarm = raise_alarm(factories.make_event(event_id, time_created=timezone.now()))
    assert alarm is not None
    return alarm


@pytest.fixture
def observer(client: Client) -> Iterator[Client]:
    cache.clear()
    client.force_login(factories.make_observer())
    yield client
    cache.clear()


@pytest.fixture
def alarm(db, settings):
    settings.ALARM_EMAILS = ["shift@example.org"]
    return make_alarm("S261120ab")


@pytest.mark.parametrize("place", PLACES)
def test_an_alarm_without_an_answer_is_a_bar_on_every_page(observer, alarm, place) -> None:
    text = observer.get(place).text

    assert f'role="alert" data-pk="{alarm.pk}"' in text
    assert f"/alarms/{alarm.pk}/acknowledge/" in text


def test_the_bar_goes_with_the_answer(observer, alarm) -> None:
    acknowledge_alarm(alarm, factories.make_user())

    assert "data-pk" not in observer.get("/notifications/alarms/").text


def test_of_many_alarms_the_number_of_the_others_is_said(observer) -> None:
    for number in range(5):
        make_alarm(f"S26112{number}a")

    text = observer.get("/notifications/alarms/").text

    assert text.count("data-pk=") == 3
    assert "2 more" in text


def test_who_may_not_answer_gets_no_button(client, alarm) -> None:
    client.force_login(factories.make_user())

    text = client.get("/").text

    assert f'data-pk="{alarm.pk}"' in text
    assert "acknowledge" not in text


SAID = {
    SendState.SENT: "the alarm was sent.",
    SendState.UNKNOWN: "the alarm was sent, but may not have arrived.",
    SendState.DUE: "the alarm is being sent.",
    SendState.SENDING: "the alarm is being sent.",
    SendState.FAILED: "the alarm was not sent. E-mail: no such host.",
}


@pytest.mark.parametrize("place", ["/", "/events/S261120ab/"])
@pytest.mark.parametrize("state", SAID)
def test_sent_is_said_only_where_it_was_sent(observer, alarm, state, place) -> None:
    AlarmSend.objects.update(state=state, reason="no such host" if state == "failed" else "")

    text = " ".join(observer.get(place).text.split())

    assert SAID[state] in text
    was_sent = state in {SendState.SENT, SendState.UNKNOWN}
    assert ("Nobody has answered" in text) == was_sent


def test_one_channel_that_worked_is_enough(observer, alarm) -> None:
    AlarmSend.objects.update(state=SendState.FAILED, reason="no such host")
    AlarmSend.objects.create(alarm=alarm, channel=Channel.WEBHOOK, state=SendState.SENT)

    assert "Nobody has answered" in observer.get("/notifications/alarms/").text


def test_with_no_channel_it_says_so_and_how_to_set_one(observer, settings) -> None:
    settings.ALARM_EMAILS, settings.ALARM_WEBHOOK = [], ""
    make_alarm("S261120ab")

    text = " ".join(observer.get("/events/S261120ab/").text.split())

    assert (
        "the alarm was not sent, because no channel is set. Set ALARM_EMAILS or ALARM_WEBHOOK"
        in text
    )
    assert "Nobody has answered" not in text


@pytest.fixture
def stream(settings) -> StreamHealth:
    settings.STREAMS = ["kafka://broker.example.org/igwn.gwalert"]
    return StreamHealth.objects.create(
        stream="broker.example.org", topic="igwn.gwalert", connected=True
    )


STREAMS = {
    "well": ({"connected": True, "seconds": 3}, ""),
    "refused": (
        {"connected": False, "detail": "wrong password", "seconds": 3},
        "Nothing comes from igwn.gwalert of broker.example.org: wrong password.",
    ),
    "stopped": (
        {"connected": True, "seconds": 600},
        "Nothing comes from igwn.gwalert of broker.example.org: its listener has stopped.",
    ),
    "starting": ({"connected": False, "detail": "starting", "seconds": 1}, ""),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_that_is_down_is_a_bar_with_its_reason(observer, stream, kind) -> None:
    values, said = STREAMS[kind]
    heard = timezone.now() - timedelta(seconds=values.pop("seconds"))
    StreamHealth.objects.update(last_heard=heard, **values)

    text = observer.get("/targets/").text
    values["seconds"] = (timezone.now() - heard).total_seconds()

    assert said in text
    assert ("alarm down" in text) == bool(said)


def test_a_stream_that_is_read_no_more_is_no_alarm(observer, stream, settings) -> None:
    StreamHealth.objects.update(connected=False, detail="wrong password")
    settings.STREAMS = []

    assert "alarm down" not in observer.get("/targets/").text


def test_workers_that_do_not_answer_are_a_bar(observer) -> None:
    cache.set(heartbeat.KEY, timezone.now() - timedelta(minutes=5))

    assert "The workers have not answered for 5 min" in observer.get("/events/").text


def test_an_answered_alarm_stands_on_the_page_of_its_event_alone(client: Client) -> None:
    client.force_login(factories.make_observer("vera"))
    event, other = factories.make_event(), factories.make_event()
    now = timezone.now()
    Alarm.objects.create(event=event, cause="significant", title="Woken", acknowledged_at=now)

    assert "<b>Woken</b>" in client.get(f"/events/{event.event_id}/").text
    assert "<b>Woken</b>" not in client.get(f"/events/{other.event_id}/").text


HEARTBEATS = {
    "as it should": ({"last_message": 3}, "", "well"),
    "silent": (
        {"last_message": 420},
        "No heartbeat comes from gcn.heartbeat of kafka.gcn.nasa.gov for 7 min: its alerts",
        "no heartbeat",
    ),
    "not one": (
        {},
        "No heartbeat comes from gcn.heartbeat of kafka.gcn.nasa.gov: its alerts",
        "no heartbeat",
    ),
    "silent, for nothing is read": ({"last_message": 420, "connected": False}, "", "not connected"),
}


@pytest.mark.parametrize("kind", HEARTBEATS)
def test_a_heartbeat_that_stops_is_a_bar_and_no_green_dot(observer, settings, kind) -> None:
    settings.STREAMS = ["kafka://kafka.gcn.nasa.gov/gcn.heartbeat"]
    values, said, dot = HEARTBEATS[kind]
    now = timezone.now()
    times = {name: now - timedelta(seconds=values[name]) for name in {"last_message"} & {*values}}
    StreamHealth.objects.create(
        stream="kafka.gcn.nasa.gov",
        topic="gcn.heartbeat",
        last_heard=now,
        **{"connected": True, **values, **times},
    )

    assert ("No heartbeat comes" in observer.get("/targets/").text) == bool(said)
    assert said in observer.get("/targets/").text
    assert f'aria-label="{dot}"' in observer.get("/?part=streams").text


def test_of_several_lines_a_small_screen_has_one_with_their_number(observer, stream) -> None:
    make_alarm("S261120ab")
    StreamHealth.objects.update(connected=False, detail="wrong password")

    text = " ".join(observer.get("/notifications/alarms/").text.split())

    assert '<label class="alarm fold" for="alarms-unfolded"> <b>2 alarms</b>' in text
    assert '<span class="first" role="alert">S261120ab: ' in text


def test_one_line_is_not_folded(observer, alarm) -> None:
    assert "alarms-unfolded" not in observer.get("/notifications/alarms/").text


def test_alarms_that_the_bar_only_counts_are_in_the_number(observer) -> None:
    for number in range(5):
        make_alarm(f"S26112{number}a")

    assert "<b>5 alarms</b>" in observer.get("/notifications/alarms/").text
