"""An alert that could not be read stands on every page until somebody looks at it."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_group, make_message, make_observer, make_user
from tests.streams.packets import make_gwalert, make_gwalert_json
from tom.intake import work_message
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message

pytestmark = pytest.mark.django_db
TOPIC = "igwn.gwalert"
BAR = "/notifications/alarms/"


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(make_observer())
    return client


def dead(**fields: object) -> AlertMessage:
    given = {"topic": TOPIC, "kind": "igwn.json", "state": "dead", "reason": "no event"}
    return make_message(**{**given, **fields})  # type: ignore[arg-type]


def ago(**span: float) -> None:
    AlertMessage.objects.update(received=timezone.now() - timedelta(**span))


BROKEN = {
    "another type": (make_gwalert_json(alert_type="FOO"), "alert_type: it should be "),
    "without an event": (json.dumps(make_gwalert(event=None)).encode(), "only a retraction comes"),
    "an empty id": (make_gwalert_json(superevent_id=""), "superevent_id: an event's id is 1 to 64"),
    "without a type": (make_gwalert_json(alert_type=None), "it has no alert_type"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_an_alert_of_lvk_that_cannot_be_read_is_on_every_page_in_plain_words(observer, kind):
    payload, reason = BROKEN[kind]
    message, _ = store_message(TOPIC, payload)
    work_message(message.pk)

    message.refresh_from_db()
    text = " ".join(observer.get("/targets/").text.split())

    assert message.state == MessageState.DEAD
    assert message.reason.startswith(reason)
    assert "An alert of igwn.gwalert could not be read" in text
    assert f'href="/messages/{message.pk}/"' in text


def test_who_may_not_read_messages_is_told_that_there_is_one(client):
    client.force_login(make_user())
    dead()

    text = client.get(BAR).text

    assert "An alert of igwn.gwalert could not be read" in text
    assert "/messages/" not in text
    assert "no event" not in text


def test_the_alerts_of_a_topic_are_one_line(observer):
    for _ in range(4):
        newest = dead()

    text = observer.get(BAR).text

    assert text.count("data-pk=") == 1
    assert "4 alerts of igwn.gwalert could not be read" in text
    assert f'href="/messages/{newest.pk}/"' in text


def test_marked_as_seen_it_is_gone_and_a_later_one_is_told(observer):
    dead()
    newest = dead()

    answer = observer.post(f"/messages/{newest.pk}/seen/", follow=True)
    before = observer.get(BAR).text
    later = dead()

    assert "Marked as seen" in answer.text
    assert "could not be read" not in before
    assert f'data-pk="message-{later.pk}"' in observer.get(BAR).text


def test_what_was_replayed_is_told_no_more_though_it_is_dead_again(observer):
    message = dead()
    observer.post(f"/messages/{message.pk}/replay/")
    AlertMessage.objects.update(state=MessageState.DEAD)

    assert "could not be read" not in observer.get(BAR).text


NOT_TOLD = {
    "of a survey": {"topic": "ztf_x", "kind": "ztf.avro"},
    "a test": {"topic": "igwn.gwalert-test"},
    "of a file": {"topic": "file"},
    "read": {"state": "stored"},
}


@pytest.mark.parametrize("kind", NOT_TOLD)
def test_nothing_else_that_is_dead_is_on_the_bar(observer, kind):
    dead(**NOT_TOLD[kind])

    assert "could not be read" not in observer.get(BAR).text


def test_what_came_for_a_group_is_not_told_to_all(observer):
    dead(group=make_group("theirs"))

    assert "could not be read" not in observer.get(BAR).text


def test_after_a_day_the_bar_tells_of_it_no_more(observer):
    dead()
    ago(hours=23)
    before = observer.get(BAR).text
    ago(hours=25)

    assert "could not be read" in before
    assert "could not be read" not in observer.get(BAR).text
