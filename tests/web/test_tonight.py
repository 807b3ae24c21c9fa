"""The first page's parts."""

import pytest

from tests import factories
from tom.candidates.models import EventCandidate
from tom.changes.demonstration import forget_progress, say_progress
from tom.streams.models import StreamHealth
from tom.web.views import tonight

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


def test_the_best_of_all_events_are_found_behind_many_that_were_rejected(client, monkeypatch):
    monkeypatch.setattr(tonight, "SHOWN", 3)
    monkeypatch.setattr(tonight, "FEW_PLACES", 4)
    first, second, third = (factories.make_event(f"MS26112{n}ab") for n in range(3))
    chances = {
        first: [0.2, 0.19, 0.18, 0.17, 0.16, 0.15, 0.14],
        second: [0.155, 0.1, 0.09, 0.08, 0.07],
        third: [0.145],  # it has no others
    }
    made = {
        (event, rank): factories.make_candidate(event, posterior=chance, rank=rank)
        for event, all_chances in chances.items()
        for rank, chance in enumerate(all_chances, 1)
    }

    def shown() -> list[tuple[str, int]]:
        rows = client.get("/?part=candidates").context["candidates"]
        return [(row.event.event_id, row.rank) for row in rows]

    client.force_login(factories.make_user())
    assert shown() == [("MS261120ab", rank) for rank in (1, 2, 3)]

    for rank in (1, 2, 3, 4):
        EventCandidate.objects.filter(pk=made[first, rank].pk).update(vetting="rejected")
    assert shown() == [("MS261120ab", 5), ("MS261121ab", 1), ("MS261120ab", 6)]
