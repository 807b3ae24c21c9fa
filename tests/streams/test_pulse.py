"""What a listener says of itself outlives its database connection."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.factories import make_stream
from tom.changes.models import Change, Topic
from tom.streams.models import HeartbeatGap, Stream, StreamHealth, TopicMinute
from tom.streams.pulse import Pulse
from tom.streams.sources import Source

SOURCE = Source("kafka.example.org", ("a.topic",))
START = datetime(2026, 11, 26, 20, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_what_a_closed_connection_did_not_take_is_written_with_the_next() -> None:
    pulse = Pulse(SOURCE)
    pulse.write()
    pulse.note_message("a.topic", 100)
    connection.connection.close()

    pulse.write()
    assert StreamHealth.objects.get().messages == 0
    pulse.write()

    assert StreamHealth.objects.get().messages == 1


@pytest.mark.django_db
def test_a_complaint_that_no_database_stores_is_cleaned() -> None:
    pulse = Pulse(SOURCE)
    pulse.complain("a NUL \0 and half a pair \ud800")

    pulse.write()

    assert StreamHealth.objects.get().detail == "a NUL  and half a pair ?"


HEARTBEATS = Source("kafka.example.org", ("sys.heartbeat", "a.topic"))


def hear_at(pulse: Pulse, monkeypatch, *times: datetime, topic: str = "sys.heartbeat") -> None:
    for when in times:
        monkeypatch.setattr("tom.streams.pulse.timezone.now", lambda when=when: when)
        pulse.note_message(topic, 100)


@pytest.mark.django_db
def test_messages_are_counted_by_the_minute_in_which_they_came(monkeypatch) -> None:
    pulse = Pulse(SOURCE)
    times = [START, START + timedelta(seconds=59), START + timedelta(seconds=60)]
    hear_at(pulse, monkeypatch, *times[:1], topic="a.topic")
    pulse.write()
    hear_at(pulse, monkeypatch, *times[1:], topic="a.topic")

    pulse.write()
    pulse.write()

    counted = TopicMinute.objects.order_by("minute").values_list("minute", "messages")
    assert list(counted) == [(START, 2), (START + timedelta(minutes=1), 1)]
    health = StreamHealth.objects.get()
    assert (health.messages, health.size) == (3, 300)


@pytest.mark.django_db
def test_a_silence_of_a_heartbeat_is_a_gap_and_one_of_another_topic_is_none(monkeypatch) -> None:
    pulse = Pulse(HEARTBEATS)
    silence = [START, START + timedelta(seconds=29), START + timedelta(seconds=60)]
    hear_at(pulse, monkeypatch, *silence)
    hear_at(pulse, monkeypatch, *silence, topic="a.topic")

    pulse.write()
    pulse.write()

    gap = HeartbeatGap.objects.get()
    assert (gap.health.topic, gap.began, gap.ended) == ("sys.heartbeat", *silence[1:])


@pytest.mark.django_db
def test_while_nobody_listened_there_is_a_gap_but_not_where_the_stream_was_off(monkeypatch) -> None:
    stream = make_stream(topics=HEARTBEATS.topics)
    source = replace(HEARTBEATS, stream=stream.pk)
    Stream.objects.update(changed=START - timedelta(hours=1))
    hear_at(before := Pulse(source), monkeypatch, START)
    before.write()

    after = Pulse(source)
    after.write()
    hear_at(after, monkeypatch, START + timedelta(minutes=5))
    after.write()
    Stream.objects.update(changed=START + timedelta(minutes=6))
    last = Pulse(source)
    last.write()
    hear_at(last, monkeypatch, START + timedelta(minutes=9))
    last.write()

    gap = HeartbeatGap.objects.get()
    assert (gap.began, gap.ended) == (START, START + timedelta(minutes=5))


@pytest.mark.django_db
def test_pages_hear_of_a_changed_state_and_not_of_every_report() -> None:
    pulse = Pulse(SOURCE)
    pulse.write()
    pulse.hear(["a.topic"])
    pulse.write()
    told = Change.objects.filter(topic=Topic.STREAM).count()

    pulse.note_message("a.topic", 100)
    pulse.write()
    assert Change.objects.filter(topic=Topic.STREAM).count() == told
    pulse.complain("no route to the host")
    pulse.write()

    assert Change.objects.filter(topic=Topic.STREAM).count() == told + 1
