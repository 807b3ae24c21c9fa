"""Listening to a real broker behind SASL and TLS, with outages, deaths and damage."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from confluent_kafka import Consumer, TopicPartition
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone
from kombu.exceptions import OperationalError as QueueError

from tests.peers.kafka import SHORT_SESSION_SECONDS, KafkaPeer, broker_away
from tests.streams.quiet import listening, wait_for
from tom.streams import bounded, consuming, kafka_feed, listen, watch
from tom.streams.models import AlertMessage, MessageState, StreamHealth
from tom.streams.packets import read_packet
from tom.streams.sources import read_source

pytestmark = [pytest.mark.kafka, pytest.mark.django_db(transaction=True)]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def credentials(kafka: KafkaPeer, tmp_path: Path, monkeypatch) -> Path:
    """The credential in hop's own store."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    kafka.write_credentials(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def short_session(monkeypatch) -> None:
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)


@pytest.fixture(autouse=True)
def group(settings) -> None:
    """A consumer group of the test's own."""
    settings.STREAM_GROUP = f"observer-1234-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def topic(kafka: KafkaPeer) -> str:
    return kafka.create_topic(f"hermes.t{uuid.uuid4().hex[:8]}")


def payloads(topic: str) -> list[bytes]:
    rows = AlertMessage.objects.filter(topic=topic).order_by("partition", "offset")
    return [read_packet(row) for row in rows]


def count(topic: str) -> int:
    return AlertMessage.objects.filter(topic=topic).count()


def numbered(start: int, stop: int) -> list[bytes]:
    return [b'{"number": %d}' % number for number in range(start, stop)]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_messages_are_kept_with_their_position_and_wake_the_work(
    kafka: KafkaPeer, topic: str, credentials: Path, mechanism: str
):
    kafka.write_credentials(credentials, mechanism=mechanism)
    name = uuid.uuid4()
    before = timezone.now() - timedelta(seconds=1)  # Kafka counts in milliseconds
    kafka.produce(topic, numbered(0, 3), headers=[("_id", name.bytes)])
    woken: list[int] = []

    with listening(kafka.url(topic), lambda ids: woken.extend(*ids.values())):
        wait_for(lambda: len(woken) == 3)

    rows = AlertMessage.objects.order_by("offset")
    assert payloads(topic) == numbered(0, 3)
    assert [(row.partition, row.offset, row.name) for row in rows] == [
        (0, 0, name.hex), (0, 1, name.hex), (0, 2, name.hex)
    ]  # fmt: skip
    assert {row.broker for row in rows} == {read_source(kafka.url(topic)).broker}
    assert all(row.sent and before <= row.sent <= row.received for row in rows)
    assert sorted(woken) == sorted(rows.values_list("pk", flat=True))
    assert set(rows.values_list("state", flat=True)) == {MessageState.RECEIVED}


def test_what_is_malformed_or_empty_is_kept_and_what_follows_too(kafka: KafkaPeer, topic: str):
    sent = [b"{", b"Obj\x01garbage", None, b"\x00\xff", b'{"title": "good"}']
    kafka.produce(topic, sent, headers=[("_format", b"json"), ("_id", b"\x00")])

    with listening(kafka.url(topic)):
        wait_for(lambda: count(topic) == 5)

    assert payloads(topic) == [b"{", b"Obj\x01garbage", b"", b"\x00\xff", b'{"title": "good"}']
    kept = AlertMessage.objects.filter(topic=topic).values_list("headers", flat=True)
    assert list(kept) == [[["_format", "json"], ["_id", "00"]]] * 5


def test_messages_of_several_megabytes_are_kept(kafka: KafkaPeer, topic: str):
    sent = [bytes([number]) * 5_800_000 for number in range(3)]
    kafka.produce(topic, sent)

    with listening(kafka.url(topic)):
        wait_for(lambda: count(topic) == 3)

    assert payloads(topic) == sent


def test_what_is_stored_at_once_is_bounded_by_its_bytes(kafka: KafkaPeer, topic: str, monkeypatch):
    monkeypatch.setattr(consuming, "BATCH_BYTES", 1000)
    kafka.produce(topic, [bytes([number]) * 600 for number in range(6)])
    batches: list[int] = []

    with listening(kafka.url(topic), lambda ids: batches.append(sum(map(len, ids.values())))):
        wait_for(lambda: sum(batches) == 6)

    assert max(batches) <= 2


def test_messages_marked_as_tests_are_left_out(kafka: KafkaPeer, topic: str):
    kafka.produce(topic, [b"a test"], headers=[("_test", b"true")])
    kafka.produce(topic, [b"not one"])

    with listening(kafka.url(topic)):
        wait_for(lambda: count(topic) == 1)

    assert payloads(topic) == [b"not one"]


def test_the_next_listener_goes_on_where_the_last_stopped(kafka: KafkaPeer, topic: str):
    kafka.produce(topic, numbered(0, 5))
    with listening(kafka.url(topic)):
        wait_for(lambda: count(topic) == 5)
    kafka.produce(topic, numbered(5, 8))
    AlertMessage.objects.all().delete()  # so that what is read again would be seen

    with listening(kafka.url(topic)):
        wait_for(lambda: count(topic) == 3)

    assert payloads(topic) == numbered(5, 8)


def test_a_listener_that_is_killed_loses_and_doubles_nothing(kafka: KafkaPeer, settings):
    topic = kafka.create_topic(f"hermes.k{uuid.uuid4().hex[:8]}", partitions=3)
    sent = numbered(0, 1500)
    feeding = threading.Thread(target=lambda: _feed(kafka, topic, sent))
    feeding.start()

    for kept in (200, 700):
        with listener_to_kill(kafka.url(topic), settings.STREAM_GROUP):
            wait_for(lambda kept=kept: count(topic) >= kept)
    feeding.join()
    with listening(kafka.url(topic)):
        wait_for(lambda: count(topic) == len(sent))

    assert sorted(payloads(topic)) == sorted(sent)


def _feed(kafka: KafkaPeer, topic: str, sent: list[bytes]) -> None:
    for partition in range(3):
        kafka.produce(topic, sent[partition::3], partition=partition)


@contextmanager
def listener_to_kill(url: str, group: str) -> Iterator[None]:
    """A listener in a process of its own, killed at the end of the block."""
    database = connection.settings_dict["NAME"]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.streams.listener_process", database, url],
        cwd=PROJECT,
        env={**os.environ, "STREAM_GROUP": group, "DJANGO_SETTINGS_MODULE": "tom.settings"},
    )
    try:
        yield
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()


def test_an_offset_is_marked_only_after_the_message_is_kept(kafka: KafkaPeer, topic: str, settings):
    with ExitStack() as away, listener_to_kill(kafka.url(topic), settings.STREAM_GROUP):
        wait_for(lambda: is_connected(topic))
        away.enter_context(database_away())
        kafka.produce(topic, numbered(0, 3))
        time.sleep(3)  # longer than marked offsets take to be committed
        assert committed(kafka, topic) < 0

    with listening(kafka.url(topic)):
        wait_for(lambda: count(topic) == 3)
    assert committed(kafka, topic) == 3


def test_a_dead_database_loses_nothing_and_listening_goes_on_without_a_restart(
    kafka: KafkaPeer, topic: str
):
    with listening(kafka.url(topic)):
        wait_for(lambda: is_connected(topic))
        with database_away():
            kafka.produce(topic, numbered(0, 3))
            time.sleep(1.5)
        kafka.produce(topic, numbered(3, 5))
        wait_for(lambda: count(topic) == 5)

    assert payloads(topic) == numbered(0, 5)


@pytest.mark.soak
def test_a_database_slower_than_a_group_waits_keeps_our_place_and_loses_nothing(
    kafka: KafkaPeer, topic: str, monkeypatch
):
    monkeypatch.setattr(bounded, "STATEMENT_SECONDS", 2)
    monkeypatch.setattr(consuming, "SESSION_SECONDS", 6)
    monkeypatch.setattr(consuming, "POLL_SECONDS", 6)
    joined: list[bool] = []
    reading = kafka_feed.reading

    def note_joins(*args, **options):
        hear = options.pop("joined")
        return reading(*args, joined=lambda: (joined.append(True), hear()), **options)

    monkeypatch.setattr(kafka_feed, "reading", note_joins)
    with listening(kafka.url(topic)):
        wait_for(lambda: is_connected(topic))
        with table_locked():
            kafka.produce(topic, numbered(0, 3))
            wait_for(lambda: bool(statements_waiting()))
            time.sleep(14)  # twice as long as the group waits for one that is silent
            assert len(statements_waiting()) <= 1
        wait_for(lambda: count(topic) == 3)
        kafka.produce(topic, numbered(3, 4))
        wait_for(lambda: count(topic) == 4)

    assert payloads(topic) == numbered(0, 4)
    assert AlertMessage.objects.filter(is_repeat=True).count() == 0
    assert len(joined) == 1  # else it had been put out, and had to join again


def statements_waiting() -> list[int]:
    """The processes of the database that wait for a lock on our messages."""
    place = connection.settings_dict
    other = psycopg2.connect(host=place["HOST"], user=place["USER"], dbname=place["NAME"])
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_locks WHERE NOT granted")
        return [pid for (pid,) in cursor.fetchall()]


@contextmanager
def table_locked() -> Iterator[None]:
    """Let every statement on the messages wait for as long as the block runs."""
    place = connection.settings_dict
    other = psycopg2.connect(host=place["HOST"], user=place["USER"], dbname=place["NAME"])
    with closing(other), other.cursor() as cursor:
        cursor.execute("LOCK TABLE streams_alertmessage IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_dead_broker_is_said_and_listening_goes_on_without_a_restart(
    kafka: KafkaPeer, topic: str
):
    with listening(kafka.url(topic)):
        wait_for(lambda: is_connected(topic))
        with broker_away(kafka):
            wait_for(lambda: complains(topic, "refused"))
        kafka.produce(topic, numbered(0, 3))
        wait_for(lambda: count(topic) == 3)
        wait_for(lambda: is_connected(topic))

    assert health(topic).detail == ""


@pytest.mark.soak
def test_an_outage_so_long_that_the_connection_is_opened_anew_loses_nothing(
    kafka: KafkaPeer, topic: str, monkeypatch
):
    monkeypatch.setattr(watch, "REOPEN_SECONDS", 1)
    with listening(kafka.url(topic)):
        kafka.produce(topic, numbered(0, 2))
        wait_for(lambda: count(topic) == 2)
        with broker_away(kafka):
            wait_for(lambda: not is_connected(topic))
            time.sleep(4)
        kafka.produce(topic, numbered(2, 4))
        wait_for(lambda: count(topic) == 4)

    assert payloads(topic) == numbered(0, 4)


def test_a_listener_started_before_its_broker_listens_once_it_is_there(
    kafka: KafkaPeer, topic: str
):
    kafka.produce(topic, numbered(0, 1))
    with ExitStack() as away:
        away.enter_context(broker_away(kafka))
        with listening(kafka.url(topic)):
            wait_for(lambda: bool(StreamHealth.objects.filter(topic=topic, connected=False)))
            away.close()
            wait_for(lambda: count(topic) == 1)


def test_a_wrong_password_is_said_and_mended_without_a_restart(
    kafka: KafkaPeer, topic: str, credentials: Path
):
    kafka.produce(topic, numbered(0, 1))
    kafka.write_credentials(credentials, password="wrong")
    with listening(kafka.url(topic)):
        wait_for(lambda: complains(topic, "refuses the credential"))
        assert "wrong" not in health(topic).detail

        kafka.write_credentials(credentials)
        wait_for(lambda: count(topic) == 1)


def test_no_credential_at_all_is_said(settings, credentials: Path):
    (credentials / "hop" / "auth.toml").unlink()

    with listening("kafka://kafka.example.org/some.topic"):
        wait_for(lambda: complains("some.topic", "no credential for kafka.example.org"))


def test_an_unknown_topic_is_said_and_the_others_are_read(kafka: KafkaPeer, topic: str):
    kafka.produce(topic, numbered(0, 1))
    unknown = f"hermes.later{uuid.uuid4().hex[:8]}"

    with listening(kafka.url(unknown, topic)):
        wait_for(lambda: count(topic) == 1)
        wait_for(lambda: complains(unknown, "no such topic"))
        wait_for(lambda: is_connected(topic))


def test_a_topic_that_appears_later_is_read_without_a_restart(
    kafka: KafkaPeer, topic: str, monkeypatch
):
    monkeypatch.setattr(watch, "CHECK_SECONDS", 0.5)
    later = f"hermes.later{uuid.uuid4().hex[:8]}"
    with listening(kafka.url(later, topic)):
        wait_for(lambda: is_connected(topic))
        kafka.create_topic(later)
        kafka.produce(later, numbered(0, 1))

        wait_for(lambda: count(later) == 1)
        wait_for(lambda: is_connected(later))


def test_heartbeats_are_signs_of_life_and_no_messages(kafka: KafkaPeer, topic: str):
    kafka.create_topic("gcn.heartbeat")
    kafka.produce("gcn.heartbeat", [b'{"alert_datetime": "now"}'] * 3)
    kafka.produce(topic, numbered(0, 1))

    with listening(kafka.url("gcn.heartbeat", topic)):
        wait_for(lambda: count(topic) == 1)
        wait_for(lambda: health("gcn.heartbeat").messages == 3)

    assert count("gcn.heartbeat") == 0
    assert health("gcn.heartbeat").last_message is not None
    assert (health(topic).messages, health(topic).size) == (1, len(numbered(0, 1)[0]))


def test_a_queue_that_is_away_does_not_stop_the_listening(kafka: KafkaPeer, topic: str):
    def fail(_: object) -> None:
        raise QueueError

    kafka.produce(topic, numbered(0, 1))
    with listening(kafka.url(topic), fail):
        wait_for(lambda: count(topic) == 1)
        kafka.produce(topic, numbered(1, 2))
        wait_for(lambda: count(topic) == 2)


def test_a_fault_that_nobody_foresaw_is_said_and_does_not_end_the_listening(
    kafka: KafkaPeer, topic: str, monkeypatch
):
    monkeypatch.setattr(listen, "FIRST_PAUSE", 3.0)

    def fail(_: object) -> None:
        raise KeyError(topic)

    kafka.produce(topic, numbered(0, 1))
    with listening(kafka.url(topic), fail):
        wait_for(lambda: complains(topic, "failed, KeyError"))
        kafka.produce(topic, numbered(1, 2))
        wait_for(lambda: count(topic) == 2)


def test_what_the_database_says_of_its_failure_is_said(kafka: KafkaPeer, topic: str):
    def fail(_: object) -> None:
        reason = "could not extend file: No space left on device\nHINT:  Check the disk."
        raise OperationalError(reason)

    kafka.produce(topic, numbered(0, 1))
    with listening(kafka.url(topic), fail):
        wait_for(lambda: complains(topic, "could not extend file: No space left on device"))


def test_a_message_is_kept_soon(kafka: KafkaPeer, topic: str):
    with listening(kafka.url(topic)):
        wait_for(lambda: is_connected(topic))
        began = time.monotonic()
        kafka.produce(topic, numbered(0, 1))
        wait_for(lambda: count(topic) == 1)

    assert time.monotonic() - began < 30  # the median on a quiet machine is 0.2 s


@pytest.mark.parametrize("shut", [False, True])
def test_a_listener_stops_soon_whatever_its_broker_does(kafka: KafkaPeer, topic: str, shut: bool):
    with ExitStack() as away:
        with listening(kafka.url(topic)) as listener:
            wait_for(lambda: is_connected(topic))
            if shut:
                away.enter_context(broker_away(kafka))
            began = time.monotonic()
            listener.stop()
        stopped = time.monotonic() - began

    assert stopped < 30  # 3 s at most on a quiet machine


def health(topic: str) -> StreamHealth:
    return StreamHealth.objects.get(topic=topic)


def complains(topic: str, words: str) -> bool:
    rows = StreamHealth.objects.filter(topic=topic, connected=False)
    return rows.filter(detail__contains=words).exists()


def is_connected(topic: str) -> bool:
    return StreamHealth.objects.filter(topic=topic, connected=True).exists()


def committed(kafka: KafkaPeer, topic: str) -> int:
    """The place that the broker holds for the group; negative where it holds none."""
    client = Consumer({**kafka.client_config, "group.id": settings.STREAM_GROUP})
    try:
        return client.committed([TopicPartition(topic, 0)], timeout=60)[0].offset
    finally:
        client.close()


@contextmanager
def database_away() -> Iterator[None]:
    """Cut every connection to the test's database but the test's own, and let nobody in."""
    connection.ensure_connection()
    mine = connection.connection.get_backend_pid()
    place = connection.settings_dict
    other = psycopg2.connect(host=place["HOST"], user=place["USER"], dbname="postgres")
    other.autocommit = True
    name = place["NAME"]
    with closing(other), other.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> %s",
                [name, mine],
            )
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
