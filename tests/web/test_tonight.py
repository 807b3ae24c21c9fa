"""The first page's parts."""

import pytest

from tests import factories
from tom.changes.demonstration import forget_progress, say_progress
from tom.streams.models import StreamHealth

pytestmark = pytest.mark.django_db


def test_streams_are_shown_by_topic_and_only_those_that_are_read(client, settings):
    settings.STREAMS = ["kafka://one.example/b.topic", "a.topic", "kafka://two.example/c.topic"]
    for broker, topic in [
        ("one.example", "b.topic"),
        ("one.example", "a.topic"),
        ("one.example", "dropped.topic"),
        ("gone.example", "c.topic"),
        ("two.example", "c.topic"),
    ]:
        StreamHealth.objects.create(stream=broker, topic=topic, connected=True)
    client.force_login(factories.make_user())

    answer = client.get("/?part=streams")

    assert [(row.topic, row.stream) for row in answer.context["streams"]] == [
        ("a.topic", "one.example"),
        ("b.topic", "one.example"),
        ("c.topic", "two.example"),
    ]
    assert "a.topic" in answer.text


def test_a_stream_says_how_many_messages_were_lost(client, settings):
    settings.STREAMS = ["kafka://one.example/a.topic"]
    StreamHealth.objects.create(
        stream="one.example", topic="a.topic", connected=True, lost=40, notice="40 messages of ..."
    )
    client.force_login(factories.make_user())

    page = client.get("/?part=streams").text

    assert "40 lost" in page
    assert "40 messages of ..." in page


def test_work_begun_shows_by_itself_to_whoever_may_not_read_messages(client):
    client.force_login(factories.make_user())

    idle = client.get("/?part=progress").text
    factories.make_message(state="received")
    busy = client.get("/?part=progress").text

    assert "every 15s" in idle
    assert "every 2s" in busy
    assert "Working through messages" in busy


@pytest.fixture
def loader():
    """What the loader of the demonstration night says, until the test ends."""
    yield say_progress
    forget_progress()


def test_the_demonstration_night_shows_while_it_is_made(client, loader):
    client.force_login(factories.make_user())

    loader("taken up again, 400 of 3000 messages are kept")
    page, made = client.get("/").text, client.get("/?part=progress").text
    factories.make_message(state="received")
    worked_on = client.get("/?part=progress").text
    forget_progress()
    over = client.get("/?part=progress").text

    for text in (page, made, worked_on):
        assert "The demonstration night is being made" in text
        assert "taken up again, 400 of 3000 messages are kept" in text
    assert "every 2s" in made
    assert "demonstration" not in over
