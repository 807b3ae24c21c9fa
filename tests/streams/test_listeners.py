"""Streams that are rows, read from a real broker: switched on, changed and off while it runs."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.factories import make_credential, make_stream
from tests.peers.kafka import PASSWORD, SHORT_SESSION_SECONDS, USER, KafkaPeer
from tests.peers.tokens import CLIENT, SECRET, running_token_server
from tests.streams.quiet import QUIET
from tom.streams import consuming
from tom.streams.listen import Listener
from tom.streams.listeners import Listeners
from tom.streams.models import AlertMessage, Stream, StreamHealth, StreamPosition

pytestmark = [pytest.mark.kafka, pytest.mark.django_db(transaction=True)]
WAIT_SECONDS = 60


@pytest.fixture(autouse=True)
def short_session(monkeypatch) -> None:
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    """The part of the ingester that follows the rows, at work."""
    listeners = Listeners(lambda source: Listener(source, **QUIET, wake=lambda _: None))
    thread = threading.Thread(target=listeners.run)
    thread.start()
    yield listeners
    listeners.stop_following()
    thread.join(WAIT_SECONDS)
    listeners.stop(seconds=WAIT_SECONDS)


def stream_of(kafka: KafkaPeer, *topics: str, password: str = PASSWORD, **fields) -> Stream:
    log_in = {"host": "localhost", "username": USER, "secret": password}
    credential = make_credential(**(log_in | fields.pop("log_in", {})))
    given = {
        "address": kafka.address,
        "authority": kafka.ca_file.read_text(),
        "credential": credential,
        "consumer_group": f"{USER}-{uuid.uuid4().hex[:8]}",
        "active": True,
        **fields,
    }
    return make_stream(topics=topics, **given)


def new_topic(kafka: KafkaPeer) -> str:
    return kafka.create_topic(f"hermes.l{uuid.uuid4().hex[:8]}")


def wait_for(ready: Callable[[], bool], *, seconds: float = WAIT_SECONDS) -> float:
    """Wait, and return how long."""
    began = time.monotonic()
    while not ready():
        said = list(StreamHealth.objects.values("stream", "topic", "connected", "detail"))
        assert time.monotonic() < began + seconds, said
        time.sleep(0.05)
    return time.monotonic() - began


def has_come(topic: str) -> bool:
    return AlertMessage.objects.filter(topic=topic).exists()


def test_a_stream_is_read_soon_after_it_was_switched_on_and_not_once_it_is_off(
    kafka: KafkaPeer, listeners: Listeners
):
    topic = new_topic(kafka)
    kafka.produce(topic, [b'{"title": "one"}'])
    stream = stream_of(kafka, topic, active=False)
    time.sleep(2)
    assert not has_come(topic)

    Stream.objects.filter(pk=stream.pk).update(active=True)
    took = wait_for(lambda: has_come(topic))
    Stream.objects.filter(pk=stream.pk).update(active=False)
    wait_for(lambda: not any(thread.name == kafka.address for thread in threading.enumerate()))
    kafka.produce(topic, [b'{"title": "two"}'])
    time.sleep(2)

    assert AlertMessage.objects.filter(topic=topic).count() == 1
    assert took < 20  # 4 s on a quiet machine


def test_a_changed_stream_is_read_as_it_is_now(kafka: KafkaPeer, listeners: Listeners):
    first, second = new_topic(kafka), new_topic(kafka)
    kafka.produce(first, [b'{"title": "first"}'])
    kafka.produce(second, [b'{"title": "second"}'])
    stream = stream_of(kafka, first)
    wait_for(lambda: has_come(first))

    stream.topics = [first, second]
    stream.save()

    wait_for(lambda: has_come(second))
    assert AlertMessage.objects.filter(topic=first).count() == 1


def test_wrong_streams_touch_no_other(kafka: KafkaPeer, listeners: Listeners):
    topic, other = new_topic(kafka), new_topic(kafka)
    kafka.produce(topic, [b'{"title": "hello"}'])
    stream_of(kafka, other, password="wrong password")
    make_stream(topics=["x"], address="127.0.0.1:1", tls=False, active=True)
    make_stream(topics=["y"], address="no-such-host.invalid", active=True)
    stream_of(kafka, topic)

    wait_for(lambda: has_come(topic))

    assert not has_come(other)


def test_a_corrected_password_is_used_without_a_restart(kafka: KafkaPeer, listeners: Listeners):
    topic = new_topic(kafka)
    kafka.produce(topic, [b'{"title": "hello"}'])
    stream = stream_of(kafka, topic, password="wrong password")
    took = wait_for(lambda: "refuses the" in detail_of(topic))

    assert stream.credential is not None
    stream.credential.secret = PASSWORD
    stream.credential.save()

    wait_for(lambda: has_come(topic))
    wait_for(lambda: detail_of(topic) == "")
    assert took < 15


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_each_way_to_log_in_works_and_a_wrong_password_is_said_within_15_seconds(
    kafka: KafkaPeer, listeners: Listeners, mechanism: str
):
    good, bad = new_topic(kafka), new_topic(kafka)
    kafka.produce(good, [b'{"title": "hello"}'])
    log_in = {"mechanism": mechanism}
    stream_of(kafka, bad, password="wrong password", log_in=log_in)

    took = wait_for(lambda: "refuses the" in detail_of(bad), seconds=15)
    stream_of(kafka, good, log_in=log_in)

    wait_for(lambda: has_come(good))
    assert took < 15
    assert "wrong password" not in detail_of(bad)


def test_an_oauth_client_gets_its_token_and_a_wrong_secret_is_said_within_15_seconds(
    kafka: KafkaPeer, listeners: Listeners
):
    good, bad = new_topic(kafka), new_topic(kafka)
    kafka.produce(good, [b'{"title": "hello"}'])
    with running_token_server() as server:
        kafka.door.tokens = server.given
        log_in = {"mechanism": "OAUTHBEARER", "token_url": server.url, "username": CLIENT}
        stream_of(kafka, bad, password="wrong password", log_in=log_in)
        took = wait_for(lambda: "token server refuses" in detail_of(bad), seconds=15)
        stream_of(kafka, good, password=SECRET, log_in=log_in)

        wait_for(lambda: has_come(good))
    assert took < 15
    assert server.given
    assert "wrong password" not in detail_of(bad)


def detail_of(topic: str) -> str:
    rows = StreamHealth.objects.filter(topic=topic)
    return rows.values_list("detail", flat=True).first() or ""


def test_the_lag_is_what_the_broker_has_and_the_database_has_not(
    kafka: KafkaPeer, listeners: Listeners
):
    topic = kafka.create_topic(f"hermes.l{uuid.uuid4().hex[:8]}", partitions=3)  # one is empty
    kafka.produce(topic, [b'{"n": %d}' % number for number in range(4)])
    kafka.produce(topic, [b'{"m": %d}' % number for number in range(3)], partition=1)
    stream = stream_of(kafka, topic)
    wait_for(lambda: lag_of(topic) == 0)

    # As where storing stands still: the broker's end goes on, our position does not.
    StreamPosition.objects.filter(topic=topic, partition=1).update(offset=1)

    wait_for(lambda: lag_of(topic) == 2)
    Stream.objects.filter(pk=stream.pk).update(active=False)


def lag_of(topic: str) -> int | None:
    return StreamHealth.objects.filter(topic=topic).values_list("lag", flat=True).first()
