"""The test of a connection: at a real broker, and at whatever else stands at an address."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from confluent_kafka import KafkaError

from tests.bench.broker import running_broker
from tests.factories import make_credential, make_stream
from tests.peers.kafka import PASSWORD, USER, KafkaPeer
from tests.peers.serving import serving
from tests.peers.tokens import CLIENT, SECRET, running_token_server
from tom.streams import probing, trying
from tom.streams.faults import NO_NAME_SERVER, say_fault
from tom.streams.models import AlertMessage, ConnectionTest, Stream
from tom.streams.probing import probe
from tom.streams.trying import ask_for_test, try_connection

pytestmark = [pytest.mark.kafka, pytest.mark.django_db]
LONGEST_SECONDS = 15
HURRIED_SECONDS = 4
"""By how much a hurried test tries for less long to log in."""


def stream_at(kafka: KafkaPeer, *topics: str, **fields: object) -> Stream:
    log_in = {"host": "localhost", "username": USER, "secret": PASSWORD}
    log_in |= fields.pop("log_in", {})  # type: ignore[arg-type]
    given = {
        "address": kafka.address,
        "authority": kafka.ca_file.read_text(),
        "credential": make_credential(**log_in),
        **fields,
    }
    return make_stream(topics=topics or ("x",), **given)


def tried(stream: Stream, *, longest: float = LONGEST_SECONDS) -> ConnectionTest:
    """Test a stream's connection, in time."""
    began = time.monotonic()
    test = ask_for_test(stream)
    try_connection(test)
    test.refresh_from_db()
    assert time.monotonic() - began < longest
    assert test.finished is not None
    return test


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_it_says_who_we_are_and_what_each_topic_has(kafka: KafkaPeer, mechanism: str):
    full = kafka.create_topic(f"hermes.f{uuid.uuid4().hex[:8]}", partitions=2)
    empty = kafka.create_topic(f"hermes.e{uuid.uuid4().hex[:8]}")
    kafka.produce(full, [b"1", b"2"])
    kafka.produce(full, [b"3"], partition=1)

    test = tried(stream_at(kafka, full, empty, "no.such", log_in={"mechanism": mechanism}))

    assert (test.fault, test.found["user"]) == ("", USER)
    first, second, third = test.found["topics"]
    assert (first["partitions"], first["messages"], first["fault"]) == (2, 3, "")
    age = datetime.now(UTC) - datetime.fromisoformat(first["newest"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert (second["partitions"], second["messages"], "newest" in second) == (1, 0, False)
    assert third["fault"].startswith("there is no such topic: check its spelling")


def test_a_test_reads_nothing_and_leaves_no_place(kafka: KafkaPeer):
    topic = kafka.create_topic(f"hermes.f{uuid.uuid4().hex[:8]}")
    kafka.produce(topic, [b"1"])

    first = tried(stream := stream_at(kafka, topic))
    again = ask_for_test(stream)
    try_connection(again)
    again.refresh_from_db()

    assert not AlertMessage.objects.exists()
    assert again.found == first.found


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_said_and_not_repeated(kafka: KafkaPeer, mechanism: str):
    log_in = {"mechanism": mechanism, "secret": "hunter2-hunter2"}

    test = tried(stream_at(kafka, log_in=log_in))

    assert test.fault.startswith("the broker refuses the credential: correct the user name")
    assert "hunter2" not in test.fault


def test_gcns_oauth_lets_in_who_has_the_secret(kafka: KafkaPeer):
    with running_token_server() as server:
        kafka.door.tokens = server.given
        log_in = {"mechanism": "OAUTHBEARER", "token_url": server.url, "username": CLIENT}

        well = tried(stream_at(kafka, log_in=log_in | {"secret": SECRET}))
        wrong = tried(stream_at(kafka, log_in=log_in | {"secret": "hunter2-hunter2"}))
        kafka.door.tokens = ()
        stranger = tried(stream_at(kafka, log_in=log_in | {"secret": SECRET}))
    away = tried(stream_at(kafka, log_in=log_in | {"secret": SECRET}))

    assert (well.fault, well.found["user"]) == ("", CLIENT)
    assert wrong.fault.startswith("the token server refuses the client: correct the client's id")
    assert stranger.fault.startswith("the broker refuses the credential")
    assert away.fault.startswith("the token server gives no token: check its address")


class WebServer(BaseHTTPRequestHandler):
    """Knows GET alone, and answers everything else in its own way."""

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def tansu_alone() -> Iterator[str]:
    """The address of a broker without a door: it knows neither TLS nor log-ins."""
    with running_broker() as broker:
        yield broker.address


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try for 3 s to log in, not 7: whoever answers says within one what is wrong."""
    monkeypatch.setattr(trying, "LOG_IN_SECONDS", trying.LOG_IN_SECONDS - HURRIED_SECONDS)


@pytest.mark.usefixtures("hurried")
def test_a_token_server_that_is_silent_is_said(kafka: KafkaPeer):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        log_in = {"mechanism": "OAUTHBEARER", "token_url": url, "username": CLIENT}
        test = tried(stream_at(kafka, log_in=log_in | {"secret": SECRET}))

    assert test.fault == probing.OAUTH_SILENT


@pytest.mark.usefixtures("hurried")
def test_a_broker_that_takes_no_tls_is_said(tansu_alone: str):
    stream = make_stream(address=tansu_alone, topics=["x"], consumer_group="x")

    assert tried(stream).fault == probing.TAKES_NO_TLS


FAULTS = {
    "no log-in": ({"credential": None}, "the broker answers, but not without a log-in"),
    "no such host": ({"address": "no-such-host.invalid"}, "there is no such host"),
    "nothing there": ({"address": "127.0.0.1:1"}, "nothing listens at this port"),
    "TLS wanted": ({"tls": False}, "the broker wants TLS at this port: choose TLS"),
    "another authority": ({"authority": ""}, "the broker's certificate is not one that we trust"),
}


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(("fields", "words"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_said_in_words_that_say_what_to_do(kafka: KafkaPeer, fields, words):
    assert tried(stream_at(kafka, **fields)).fault.startswith(words)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("tls", "words"),
    [
        (True, "the broker does not speak TLS at this port"),
        (False, "what answers at this port is no Kafka broker"),
    ],
)
def test_another_server_is_no_broker(kafka: KafkaPeer, tls: bool, words: str):
    with serving(HTTPServer(("127.0.0.1", 0), WebServer)) as port:
        test = tried(stream_at(kafka, address=f"127.0.0.1:{port}", tls=tls))

    assert test.fault.startswith(words)


def test_a_silent_server_is_given_up_in_time(kafka: KafkaPeer):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        test = tried(stream_at(kafka, address=f"127.0.0.1:{silent.getsockname()[1]}", tls=False))

    assert "port" in test.fault


@pytest.mark.usefixtures("hurried")
def test_a_silent_server_is_given_up_in_time_where_tls_was_asked_for(kafka: KafkaPeer):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stream = stream_at(kafka, address=f"127.0.0.1:{silent.getsockname()[1]}")
        test = tried(stream, longest=LONGEST_SECONDS - HURRIED_SECONDS)

    assert "port" in test.fault


@pytest.mark.usefixtures("hurried")
def test_a_name_server_that_hangs_is_given_up_in_time(kafka: KafkaPeer, monkeypatch):
    """librdkafka looks names up by itself: what hangs here is the probe's own look-up."""
    hung = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hung.wait(60) and [])

    stream = stream_at(kafka, address="no-such-host.invalid")
    test = tried(stream, longest=LONGEST_SECONDS - HURRIED_SECONDS)
    said = probe("no-such-host.invalid", tls=True)
    hung.set()

    assert test.fault.startswith("there is no such host")
    assert said == NO_NAME_SERVER


def test_a_test_that_hangs_is_given_up_in_time(kafka: KafkaPeer, monkeypatch):
    monkeypatch.setattr(trying, "MOST_SECONDS", 0.1)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        test = tried(stream_at(kafka, address=f"127.0.0.1:{silent.getsockname()[1]}"))

    assert test.fault == trying.TOO_SLOW


def test_a_damaged_certificate_of_the_authority_is_said(kafka: KafkaPeer):
    test = tried(stream_at(kafka, authority="-----BEGIN CERTIFICATE-----\nAAAA"))

    assert "ssl.ca.pem" in test.fault


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "no right to read this topic"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "no right to use this consumer group"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "there is no such topic"),
        (KafkaError.UNSUPPORTED_SASL_MECHANISM, "the broker does not take this way to log in"),
        (KafkaError._ALL_BROKERS_DOWN, "the broker does not answer"),
    ],
)
def test_a_lack_of_rights_is_said(code: int, words: str):
    assert say_fault(KafkaError(code)).startswith(words)


def test_an_answer_of_an_older_test_is_not_that_of_the_newest(kafka: KafkaPeer):
    stream = stream_at(kafka)
    older = ask_for_test(stream)
    newest = ask_for_test(stream)

    try_connection(older)
    newest.refresh_from_db()

    assert newest.finished is None
