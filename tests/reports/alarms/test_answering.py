"""Answers that a gateway hands in: signed, once, lately, and of a person who may answer."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tests.peers.webhook import Webhook
from tests.reports.alarms.conftest import make_contact, make_rule, make_step
from tom.joining.events import join_events
from tom.reports.alarms.alarms import raise_alarm, send_alarm
from tom.reports.alarms.answer_channels import AnswerChannel, HandedIn
from tom.reports.alarms.answering import LONGEST_BODY, make_channel, remove_channel, sign
from tom.reports.alarms.contacts import Channel
from tom.reports.alarms.models import Alarm

pytestmark = pytest.mark.django_db
NUMBER = "+33612345678"


@pytest.fixture(autouse=True)
def counts() -> Iterator[None]:
    """No count of calls of another test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def channel() -> tuple[AnswerChannel, str]:
    return make_channel("the gateway")


@pytest.fixture
def ada() -> User:
    ada = factories.make_observer("ada")
    make_contact(ada, Channel.SMS, NUMBER)
    make_contact(ada, Channel.EMAIL, "Ada@example.org")
    return ada


@pytest.fixture
def alarm() -> Alarm:
    alarm = raise_alarm(factories.make_event("S261120ab", time_created=timezone.now()))
    assert alarm is not None
    return alarm


def hand_in(
    channel: tuple[AnswerChannel, str],
    said: dict[str, object] | bytes,
    *,
    ago: float = 0,
    signature: str = "",
) -> HttpResponse:
    """What a gateway does that received an SMS."""
    row, secret = channel
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    stamp = str(int(time.time() - ago))
    headers = {
        "X-Answer-Time": stamp,
        "X-Answer-Signature": signature or sign(secret, stamp, body),
    }
    # Its checks of a browser's forms are on: the address is no form's.
    return Client(enforce_csrf_checks=True).post(
        f"/api/alarm-answers/{row.pk}/", body, "application/octet-stream", headers=headers
    )


def is_open(alarm: Alarm) -> bool:
    return Alarm.objects.unacknowledged().filter(pk=alarm.pk).exists()


@pytest.mark.parametrize(
    "sender", [NUMBER, "33612345678", "0033 6 12 34 56 78", "ada@EXAMPLE.org", "ada"]
)
def test_whoever_sends_ack_and_the_number_has_answered(channel, ada, alarm, sender) -> None:
    answer = hand_in(channel, {"from": sender, "text": f"ack #{alarm.pk} on it"})

    assert (answer.status_code, answer.json()["is_first"]) == (200, True)
    assert answer.json()["detail"] == f"{alarm.title}: ada answers."
    alarm.refresh_from_db()
    assert alarm.acknowledged_by == ada
    channel[0].refresh_from_db()
    assert channel[0].last_used is not None


def test_a_form_is_as_good_as_json(channel, ada, alarm) -> None:
    body = urlencode({"From": NUMBER, "Body": f"ACK {alarm.pk}"}).encode()

    assert hand_in(channel, body).status_code == 200
    assert not is_open(alarm)


def test_the_second_answer_is_told_that_there_was_one(channel, ada, alarm) -> None:
    said = {"from": NUMBER, "text": f"ACK {alarm.pk}"}
    hand_in(channel, said)

    again = hand_in(channel, said, ago=60)

    assert (again.status_code, again.json()["is_first"]) == (200, False)
    assert "answered before" in again.json()["detail"]


@pytest.mark.parametrize("why", ["signature", "secret", "old", "early", "removed", "none"])
def test_what_no_channel_signed_lately_is_refused(channel, ada, alarm, why) -> None:
    said, values = {"from": NUMBER, "text": f"ACK {alarm.pk}"}, {}
    match why:
        case "signature":
            values = {"signature": "0" * 64}
        case "secret":
            channel = (channel[0], make_channel("another")[1])
        case "old":
            values = {"ago": 360}
        case "early":
            values = {"ago": -360}
        case "removed":
            remove_channel(channel[0], now=timezone.now())
        case "none":
            channel = (AnswerChannel(pk=channel[0].pk + 99), channel[1])

    answer = hand_in(channel, said, **values)

    assert answer.status_code == 401
    assert is_open(alarm)
    assert not HandedIn.objects.exists()


def test_the_signature_is_of_the_body_and_of_the_time(channel, ada, alarm) -> None:
    body, stamp = b'{"from": "ada", "text": "ACK 0"}', str(int(time.time()))
    good = sign(channel[1], stamp, body)
    other = json.dumps({"from": NUMBER, "text": f"ACK {alarm.pk}"}).encode()

    assert hand_in(channel, other, signature=good).status_code == 401
    assert hand_in(channel, body, ago=9, signature=good).status_code == 401


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "9" * 30, "\u0661"])
def test_a_time_that_is_none_is_refused(channel, alarm, stamp) -> None:
    body = b"{}"
    headers = {"X-Answer-Time": stamp, "X-Answer-Signature": sign(channel[1], stamp, body)}

    answer = Client().post(
        f"/api/alarm-answers/{channel[0].pk}/", body, "application/json", headers=headers
    )

    assert answer.status_code == 401


def test_the_same_answer_is_taken_once(channel, ada, alarm) -> None:
    said = {"from": NUMBER, "text": f"ACK {alarm.pk}"}
    stamp = str(int(time.time()) - 5)
    signature = sign(channel[1], stamp, json.dumps(said).encode())
    address = f"/api/alarm-answers/{channel[0].pk}/"
    headers = {"X-Answer-Time": stamp, "X-Answer-Signature": signature}
    statuses = [
        Client().post(address, said, "application/json", headers=headers).status_code
        for _ in range(2)
    ]

    assert statuses == [200, 409]


def test_a_signature_is_kept_for_as_long_as_it_could_be_used_again(channel, ada, alarm) -> None:
    hand_in(channel, {"from": NUMBER, "text": "hello"})
    kept = HandedIn.objects.get()
    HandedIn.objects.update(created=timezone.now() - timedelta(minutes=10))
    hand_in(channel, {"from": NUMBER, "text": "hello 2"})
    assert HandedIn.objects.filter(pk=kept.pk).exists()

    HandedIn.objects.update(created=timezone.now() - timedelta(minutes=12))
    hand_in(channel, {"from": NUMBER, "text": "hello 3"})

    assert not HandedIn.objects.filter(pk=kept.pk).exists()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"from": NUMBER, "text": "yes"}, 422),
        ({"from": NUMBER, "text": "ACK"}, 422),
        ({"from": NUMBER, "text": "ACK 99999999999"}, 422),
        ({"from": NUMBER, "text": 12}, 422),
        ({"from": NUMBER}, 422),
        (b"[" * 2000, 422),
        (b"\xff\xfe", 422),
        (b"{" * 2000, 422),
        ({"from": NUMBER, "text": "ACK 999999999"}, 404),
        ({"from": "+33600000000", "text": "ACK {pk}"}, 403),
        ({"from": "nobody", "text": "ACK {pk}"}, 403),
        ({"from": "a\0b", "text": "ACK {pk}"}, 403),
        ({"from": "\ud800", "text": "ACK {pk}"}, 403),
        ({"text": "ACK {pk}"}, 403),
        (b"x" * (LONGEST_BODY + 1), 413),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(channel, ada, alarm, said, status) -> None:
    if isinstance(said, dict) and isinstance(said.get("text"), str):
        said = said | {"text": said["text"].replace("{pk}", str(alarm.pk))}

    answer = hand_in(channel, said)

    assert answer.status_code == status
    assert answer.json()["detail"]
    assert is_open(alarm)


@pytest.mark.parametrize("who", ["a reader", "switched off", "a removed contact", "the team"])
def test_nobody_answers_who_may_not(channel, alarm, who) -> None:
    person = factories.make_user("bob") if who == "a reader" else factories.make_observer("bob")
    contact = make_contact(None if who == "the team" else person, Channel.SMS, NUMBER)
    if who == "switched off":
        person.is_active = False
        person.save()
    if who == "a removed contact":
        contact.removed = timezone.now()
        contact.save()

    assert hand_in(channel, {"from": NUMBER, "text": f"ACK {alarm.pk}"}).status_code == 403
    assert is_open(alarm)


def test_who_guesses_is_held_up(channel, alarm) -> None:
    statuses = [hand_in(channel, b"{}", signature="0").status_code for _ in range(31)]

    assert statuses == [401] * 30 + [429]
    other = make_channel("another")
    assert hand_in(other, b"{}").status_code == 422


def test_the_alarm_of_a_joined_event_answers_for_the_event_that_is_kept(channel, ada) -> None:
    one = factories.make_event("S261120ab", time_created=timezone.now())
    two = factories.make_event("GRB261120A", kind="grb", time_created=timezone.now())
    first, second = raise_alarm(one), raise_alarm(two)
    assert first is not None
    assert second is not None
    join_events(one, two, by=ada)

    assert hand_in(channel, {"from": NUMBER, "text": f"ACK {second.pk}"}).json()["is_first"]

    assert not is_open(first)


def test_an_sms_says_how_it_is_answered_once_there_is_a_channel(
    gateway: Webhook, settings: Settings
) -> None:
    rule = make_rule()
    make_step(rule, make_contact(None, Channel.SMS, NUMBER))
    texts = []
    for event_id in ("S261120ab", "S261120ac"):
        event = factories.make_event(event_id, time_created=timezone.now())
        alarm = raise_alarm(event)
        assert alarm is not None
        send_alarm(alarm, now=timezone.now())
        texts.append(gateway.posts[-1]["message"])
        make_channel(event_id)

    assert "ACK" not in texts[0]
    assert f"Answer: ACK {alarm.pk}" in texts[1].splitlines()
