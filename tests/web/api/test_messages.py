"""Messages over the API."""

import pytest

from tests.factories import make_message
from tom.streams.models import MessageState

pytestmark = pytest.mark.django_db


def test_dead_messages_are_told_with_their_reason(observer):
    dead = make_message(state="dead", reason="no event")
    make_message()

    found = observer.get("/api/messages/?state=dead").json()["results"]

    assert [(row["id"], row["reason"]) for row in found] == [(dead.pk, "no event")]
    assert "payload" not in found[0]


def test_messages_are_told_by_topic(observer):
    make_message(topic="igwn.gwalert")
    make_message(topic="gcn.circulars")

    found = observer.get("/api/messages/?topic=gcn.circulars").json()["results"]

    assert [row["topic"] for row in found] == ["gcn.circulars"]


def test_a_state_that_is_none_is_a_400(observer):
    assert observer.get("/api/messages/?state=lost").status_code == 400


def test_messages_take_a_permission(plain):
    message = make_message(state="dead")

    assert plain.get("/api/messages/").status_code == 403
    assert plain.get(f"/api/messages/{message.pk}/").status_code == 403
    assert plain.post(f"/api/messages/{message.pk}/replay/").status_code == 403


def test_a_replay_puts_the_message_back_and_wakes_its_work(
    observer, nudges, django_capture_on_commit_callbacks
):
    message = make_message(state="dead", reason="no event", kind="igwn.json")

    with django_capture_on_commit_callbacks(execute=True):
        response = observer.post(f"/api/messages/{message.pk}/replay/")

    assert response.status_code == 202
    assert (response.json()["state"], response.json()["replays"]) == (MessageState.RECEIVED, 1)
    assert nudges() == [("tom.pipeline.ingest", [message.pk])]


def test_what_waits_already_is_not_replayed(observer):
    message = make_message(state="received")

    assert observer.post(f"/api/messages/{message.pk}/replay/").status_code == 409


@pytest.mark.parametrize("number", [1, 4])
def test_a_list_takes_as_many_queries_whatever_its_length(
    observer, django_assert_num_queries, number
):
    for _ in range(number):
        make_message()

    with django_assert_num_queries(3):
        found = observer.get("/api/messages/").json()

    assert found["count"] == number
