"""Where reading goes on: from the position that was stored together with the data."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from django.db import connection

from tests.peers.kafka import SHORT_SESSION_SECONDS, KafkaPeer
from tests.peers.librdkafka import SmallBroker, running_small_broker
from tests.streams.quiet import WAIT_SECONDS, listening, wait_for
from tom.streams import consuming
from tom.streams.models import AlertMessage, StreamHealth, StreamPosition
from tom.streams.packets import read_packet
from tom.streams.positions import Claim, Held, Move, NotOursError, Positions, Start, find_start

pytestmark = [pytest.mark.kafka, pytest.mark.django_db(transaction=True)]
PROJECT = Path(__file__).resolve().parents[2]
PLACE = ("hermes.some", 0)


@pytest.fixture(autouse=True)
def credentials(kafka: KafkaPeer, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    kafka.write_credentials(tmp_path)


@pytest.fixture(autouse=True)
def short_session(monkeypatch) -> None:
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)


@pytest.fixture(autouse=True)
def group(settings) -> str:
    settings.STREAM_GROUP = f"observer-1234-{uuid.uuid4().hex[:8]}"
    return settings.STREAM_GROUP


@pytest.fixture
def topic(kafka: KafkaPeer) -> str:
    return kafka.create_topic(f"hermes.p{uuid.uuid4().hex[:8]}")


@contextmanager
def listener_process(url: str, group: str, *moment: str) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.streams.listener_process"),
            *(connection.settings_dict["NAME"], url, *moment),
        ],
        cwd=PROJECT,
        env={**os.environ, "STREAM_GROUP": group, "DJANGO_SETTINGS_MODULE": "tom.settings"},
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def numbered(start: int, stop: int) -> list[bytes]:
    return [b'{"number": %d}' % number for number in range(start, stop)]


def payloads(topic: str) -> list[bytes]:
    rows = AlertMessage.objects.filter(topic=topic).order_by("partition", "offset", "id")
    return [bytes(payload) for payload in rows.values_list("payload", flat=True)]


def offsets(topic: str) -> list[int | None]:
    rows = StreamPosition.objects.filter(topic=topic).order_by("partition")
    return list(rows.values_list("offset", flat=True))


def committed(kafka: KafkaPeer, topic: str, group: str) -> int:
    client = Consumer({**kafka.client_config, "group.id": group})
    try:
        return client.committed([TopicPartition(topic, 0)], timeout=60)[0].offset
    finally:
        client.close()


def make_again(kafka: KafkaPeer, topic: str) -> None:
    admin = AdminClient(kafka.client_config)
    for future in admin.delete_topics([topic]).values():
        future.result(60)
    kafka.create_topic(topic)


def test_what_is_stored_before_the_broker_is_told_is_not_read_again(
    kafka: KafkaPeer, topic: str, group: str
):
    kafka.produce(topic, numbered(0, 3))
    with listener_process(kafka.url(topic), group, "committed") as child:
        child.wait(WAIT_SECONDS)
    told = committed(kafka, topic, group)
    stored = AlertMessage.objects.count()
    AlertMessage.objects.all().delete()  # so that what is read again would be seen
    kafka.produce(topic, numbered(3, 5))

    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [5])

    assert told < 0
    assert payloads(topic) == numbered(stored, 5)


def test_a_death_before_the_commit_stores_neither_the_data_nor_the_position(
    kafka: KafkaPeer, topic: str, group: str
):
    kafka.produce(topic, numbered(0, 3))
    with listener_process(kafka.url(topic), group, "stored") as child:
        child.wait(WAIT_SECONDS)

    assert (AlertMessage.objects.count(), offsets(topic)) == (0, [None])
    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [3])
    assert payloads(topic) == numbered(0, 3)


def test_the_position_wins_over_what_the_broker_was_told(kafka: KafkaPeer, topic: str, group: str):
    """As after the database was restored from a backup: the broker's tale is newer."""
    kafka.produce(topic, numbered(0, 4))
    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [4])
    assert committed(kafka, topic, group) == 4
    StreamPosition.objects.update(offset=1)
    AlertMessage.objects.filter(offset__gte=1).delete()

    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [4])

    assert payloads(topic) == numbered(0, 4)


def test_without_a_position_reading_goes_on_where_the_broker_was_told(kafka: KafkaPeer, topic: str):
    kafka.produce(topic, numbered(0, 4))
    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [4])
    StreamPosition.objects.all().delete()  # an installation of before there were any
    AlertMessage.objects.all().delete()
    kafka.produce(topic, numbered(4, 5))

    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [5])

    assert payloads(topic) == numbered(4, 5)


def test_heartbeats_and_tests_move_the_position_too(kafka: KafkaPeer, topic: str):
    kafka.produce(topic, numbered(0, 2), headers=[("_test", b"true")])

    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [2])

    assert payloads(topic) == []


def test_a_topic_that_was_made_again_is_read_from_its_beginning_and_it_is_said(
    kafka: KafkaPeer, topic: str
):
    kafka.produce(topic, numbered(0, 2))
    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [2])
    make_again(kafka, topic)
    kafka.produce(topic, numbered(10, 15))  # more than before: its end says nothing

    with listening(kafka.url(topic)):
        wait_for(lambda: offsets(topic) == [5])

    assert sorted(payloads(topic)) == sorted([*numbered(0, 2), *numbered(10, 15)])
    [health] = StreamHealth.objects.filter(topic=topic)
    assert "made again" in health.notice
    assert (health.lost, health.connected) == (0, True)


@pytest.fixture
def small_broker(tmp_path: Path) -> Iterator[SmallBroker]:
    (tmp_path / "hop" / "auth.toml").unlink()
    with running_small_broker() as broker:
        yield broker


@pytest.mark.soak
def test_messages_deleted_before_they_were_read_are_counted(small_broker: SmallBroker):
    topic = f"hermes.s{uuid.uuid4().hex[:8]}"
    small_broker.produce(topic, numbered(0, 3))
    with listening(small_broker.url(topic)):
        wait_for(lambda: AlertMessage.objects.count() == 3)
    large = [bytes([number]) * 900_000 for number in range(10)]
    small_broker.produce(topic, large)  # it holds five such

    with listening(small_broker.url(topic)):
        wait_for(lambda: AlertMessage.objects.filter(offset=12).exists())

    kept = AlertMessage.objects.filter(offset__gte=3).order_by("offset")
    first = kept.values_list("offset", flat=True)[0]
    assert [read_packet(row) for row in kept] == large[first - 3 :]
    [health] = StreamHealth.objects.filter(topic=topic)
    assert 0 < health.lost == first - 3
    assert f"{health.lost} messages" in health.notice


@pytest.mark.soak
def test_a_broker_that_lost_its_newest_messages_is_read_from_its_oldest(
    small_broker: SmallBroker,
):
    topic = f"hermes.s{uuid.uuid4().hex[:8]}"
    small_broker.produce(topic, numbered(0, 3))
    with listening(small_broker.url(topic)):
        wait_for(lambda: AlertMessage.objects.count() == 3)
    StreamPosition.objects.filter(topic=topic, partition=0).update(offset=9)
    AlertMessage.objects.all().delete()

    with listening(small_broker.url(topic)):
        wait_for(lambda: AlertMessage.objects.count() == 3)

    assert "oldest message" in StreamHealth.objects.get(topic=topic).notice


def test_two_processes_of_a_group_lose_and_double_nothing_though_one_sleeps(
    kafka: KafkaPeer, group: str
):
    topic = kafka.create_topic(f"hermes.two{uuid.uuid4().hex[:8]}", partitions=4)
    sent = numbered(0, 800)

    def feed(part: list[bytes]) -> None:
        for partition in range(4):
            kafka.produce(topic, part[partition::4], partition=partition)

    url = kafka.url(topic)
    with listener_process(url, group) as first, listener_process(url, group):
        feed(sent[:400])
        wait_for(lambda: AlertMessage.objects.count() >= 400)
        os.kill(first.pid, signal.SIGSTOP)
        feed(sent[400:])
        wait_for(lambda: AlertMessage.objects.count() == 800)  # the other has all of it
        before = offsets(topic)
        os.kill(first.pid, signal.SIGCONT)
        feed(numbered(800, 1200))
        wait_for(lambda: AlertMessage.objects.count() == 1200)

    assert before == [200] * 4
    assert offsets(topic) == [300] * 4
    assert sorted(payloads(topic)) == sorted(numbered(0, 1200))
    assert not AlertMessage.objects.filter(is_repeat=True).exists()


def test_who_claimed_before_moves_a_position_no_more():
    positions = Positions("broker", "group")
    old = positions.claim([PLACE])[PLACE]
    positions.move({PLACE: Move(old.number, 10)})
    new = positions.claim([PLACE])[PLACE]
    positions.move({PLACE: Move(new.number, 20)})

    with pytest.raises(NotOursError, match=r"hermes\.some \[0\]"):
        positions.move({PLACE: Move(old.number, 15)})

    assert (old.offset, new.offset) == (None, 10)
    assert offsets("hermes.some") == [20]


def test_groups_and_brokers_have_positions_of_their_own():
    for number, (broker, group) in enumerate([("a", "g"), ("a", "h"), ("b", "g")]):
        positions = Positions(broker, group)
        claim = positions.claim([PLACE])[PLACE]
        positions.move({PLACE: Move(claim.number, number)})

    rows = StreamPosition.objects.order_by("offset")
    assert [(row.broker, row.group, row.offset) for row in rows] == [
        ("a", "g", 0), ("a", "h", 1), ("b", "g", 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "held", "start"),
    [
        (Claim(1, None, ""), Held(7, 9, "x"), Start(7)),
        (Claim(1, 8, "x"), Held(7, 9, "x"), Start(8)),
        (Claim(1, 9, ""), Held(7, 9, ""), Start(9)),
        # Its end is before our position.
        (Claim(1, 10, ""), Held(7, 9, ""), Start(7, note="made again")),
        (Claim(1, 10, "x"), Held(7, 9, "x", refused=True), Start(7, note="made again")),
        # A broker that miscounts its end.
        (Claim(1, 10, "x"), Held(7, 9, "x"), Start(10)),
        # Another topic of this name, whatever its end.
        (Claim(1, 8, "x"), Held(0, 9, "y"), Start(0, note="made again")),
        (
            Claim(1, 4, "x"),
            Held(7, 9, "x"),
            Start(7, 3, note="3 messages of partition 5 were lost"),
        ),
        (Claim(1, 4, ""), Held(7, 9, "", refused=True), Start(7, 3, note="3 messages")),
    ],
)
def test_reading_begins_where_nothing_is_lost_or_read_twice(claim: Claim, held: Held, start: Start):
    found = find_start(5, claim, held)

    assert (found.offset, found.lost, bool(found.note)) == (
        start.offset, start.lost, bool(start.note)
    )  # fmt: skip
    assert start.note in found.note
