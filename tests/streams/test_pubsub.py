"""Streams of Google Pub/Sub, read from Google's own emulator."""

import base64
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.db import connection
from django.utils import timezone

from tests.factories import make_credential, make_stream
from tests.peers.pubsub import EMAIL, PROJECT, PubSubPeer, find_emulator, running_pubsub, write_key
from tests.peers.serving import serving
from tests.streams.quiet import listening, wait_for
from tom import intake
from tom.streams import bounded, pubsub_feed
from tom.streams.models import AlertMessage, ConnectionTest, MessageState, Stream, StreamHealth
from tom.streams.packets import read_packet
from tom.streams.pubsub_api import Subscriber
from tom.streams.pubsub_key import read_key
from tom.streams.trying import ask_for_test, try_connection
from tom.targets.models import LightCurvePoint, SurveyObject

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("pubsub")]
ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 15
ZTF = "ztf/pitt-google-broker/ZTF*.avro"


@pytest.fixture(scope="module")
def pubsub() -> Iterator[PubSubPeer]:
    script = find_emulator()
    if script is None:
        pytest.skip("no emulator of Pub/Sub: it comes with Google's SDK, and wants Java")
    with running_pubsub(script) as peer:
        yield peer


@pytest.fixture(autouse=True)
def short_waits(monkeypatch) -> None:
    """Pub/Sub gives a message again soon."""
    monkeypatch.setattr(pubsub_feed, "LEASE_SECONDS", 2)


@pytest.fixture
def topic(pubsub: PubSubPeer) -> str:
    return pubsub.create(f"t{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key_file(key: rsa.RSAPrivateKey) -> str:
    """What Google's console gives for a service account."""
    return write_key(key)


def stream_at(address: str, *subscriptions: str, **fields: object) -> Stream:
    given = {"kind": "pubsub", "address": address, "tls": False, "active": True, **fields}
    return make_stream(topics=subscriptions, **given)


def count(topic: str) -> int:
    return AlertMessage.objects.filter(topic=topic).count()


def came(topic: str) -> int:
    """How many messages were stored or known, each time that one came."""
    return sum(StreamHealth.objects.filter(topic=topic).values_list("messages", flat=True))


def payloads(topic: str) -> list[bytes]:
    return sorted(read_packet(row) for row in AlertMessage.objects.filter(topic=topic))


def real_packets(real_data: Path, most: int = 6) -> list[bytes]:
    return [path.read_bytes() for path in sorted(real_data.glob(ZTF))[:most]]


def numbered(start: int, stop: int) -> list[bytes]:
    return [b'{"number": %d}' % number for number in range(start, stop)]


# --- What comes -------------------------------------------------------------------------------
def test_messages_are_kept_with_their_id_and_acknowledged(pubsub: PubSubPeer, topic: str):
    before = timezone.now() - timedelta(seconds=1)
    ids = pubsub.publish(topic, numbered(0, 3), candid="64", objectId="ZTF18abc")
    woken: list[int] = []

    with listening(pubsub.url(topic), lambda kept: woken.extend(*kept.values())):
        wait_for(lambda: len(woken) == 3)

    rows = AlertMessage.objects.filter(topic=topic)
    assert payloads(topic) == numbered(0, 3)
    assert {row.name for row in rows} == set(ids)
    assert {(row.broker, row.partition, row.offset) for row in rows} == {
        (pubsub.address, None, None)
    }
    assert all(sorted(row.headers) == [["candid", "64"], ["objectId", "ZTF18abc"]] for row in rows)
    assert all(row.sent and before <= row.sent <= row.received for row in rows)
    assert sorted(woken) == sorted(rows.values_list("pk", flat=True))
    time.sleep(pubsub_feed.LEASE_SECONDS + 0.5)
    assert pubsub.pull(topic) == []


def test_real_packets_become_targets_and_one_that_comes_again_adds_nothing(
    pubsub: PubSubPeer, topic: str, real_data: Path, monkeypatch
):
    sent = real_packets(real_data)
    heard = []
    acknowledge = Subscriber.acknowledge

    def hear_the_second(subscriber, subscription, ack_ids):
        heard.append(len(ack_ids))
        if len(heard) > 1:
            acknowledge(subscriber, subscription, ack_ids)

    monkeypatch.setattr(Subscriber, "acknowledge", hear_the_second)
    pubsub.publish(topic, sent)

    with listening(pubsub.url(topic)):
        wait_for(lambda: count(topic) == len(sent))
        while intake.work_alerts():
            pass
        stored = SurveyObject.objects.count(), LightCurvePoint.objects.count()
        wait_for(lambda: came(topic) >= 2 * len(sent))
    while intake.work_alerts():
        pass

    assert count(topic) == len(sent)
    assert set(AlertMessage.objects.values_list("state", flat=True)) == {MessageState.STORED}
    assert stored[0] == len(sent)
    assert stored[1] > len(sent)
    assert (SurveyObject.objects.count(), LightCurvePoint.objects.count()) == stored
    assert pubsub.pull(topic) == []


@pytest.mark.parametrize("moment", ["stored", "committed"])
def test_a_listener_killed_about_its_commit_loses_and_doubles_nothing(
    pubsub: PubSubPeer, topic: str, moment: str
):
    pubsub.publish(topic, numbered(0, 5))
    database = connection.settings_dict["NAME"]
    argv = [sys.executable, "-m", "tests.streams.listener_process", database, pubsub.url(topic)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tom.settings"}

    died = subprocess.run([*argv, moment], cwd=ROOT, env=environment, timeout=90, check=False)
    left = count(topic)
    with listening(pubsub.url(topic)):
        wait_for(lambda: came(topic) >= 5)

    assert died.returncode == -9
    assert (left == 0) == (moment == "stored")
    assert payloads(topic) == numbered(0, 5)


def test_a_poison_message_is_dead_with_its_reason_and_what_follows_is_stored(
    pubsub: PubSubPeer, topic: str, real_data: Path
):
    [packet] = real_packets(real_data, most=1)
    pubsub.publish(topic, [packet[:-100]])
    pubsub.publish(topic, [b""], only="attributes")
    pubsub.publish(topic, [packet])

    with listening(pubsub.url(topic)):
        wait_for(lambda: count(topic) == 3)
    while intake.work_alerts():
        pass

    dead = AlertMessage.objects.get(topic=topic, state=MessageState.DEAD)
    assert dead.reason == "Avro container cut short"
    assert AlertMessage.objects.filter(topic=topic, state=MessageState.STORED).count() == 1
    assert pubsub.pull(topic) == []


def test_several_subscriptions_of_a_row_and_two_ingesters_store_each_message_once(
    pubsub: PubSubPeer, topic: str
):
    other = pubsub.create(f"{topic}-2")
    stream = stream_at(pubsub.address, topic, other)
    pubsub.publish(topic, numbered(0, 250))
    pubsub.publish(other, numbered(0, 7))

    with listening(stream), listening(stream):
        wait_for(lambda: (count(topic), count(other)) == (250, 7))

    assert payloads(topic) == sorted(numbered(0, 250))


# --- Outages ----------------------------------------------------------------------------------
def test_what_the_database_does_not_take_is_not_acknowledged_and_stored_later(
    pubsub: PubSubPeer, topic: str, monkeypatch
):
    monkeypatch.setattr(bounded, "STATEMENT_SECONDS", 1)
    told: list[int] = []
    acknowledge = Subscriber.acknowledge

    def note(subscriber, subscription, ack_ids):
        told.append(count(topic))
        acknowledge(subscriber, subscription, ack_ids)

    monkeypatch.setattr(Subscriber, "acknowledge", note)
    with listening(pubsub.url(topic)):
        with messages_locked():
            pubsub.publish(topic, numbered(0, 3))
            time.sleep(2.5)
            assert not told
        wait_for(lambda: count(topic) == 3)
        wait_for(lambda: bool(told))

    assert told[0] > 0
    assert payloads(topic) == numbered(0, 3)


@contextmanager
def messages_locked() -> Iterator[None]:
    """Let every statement on the messages wait for as long as the block runs."""
    place = connection.settings_dict
    other = psycopg2.connect(host=place["HOST"], user=place["USER"], dbname=place["NAME"])
    with closing(other), other.cursor() as cursor:
        cursor.execute("LOCK TABLE streams_alertmessage IN ACCESS EXCLUSIVE MODE")
        yield


def test_one_missing_subscription_is_said_and_the_other_is_read(pubsub: PubSubPeer, topic: str):
    stream = stream_at(pubsub.address, topic, "no-such")
    pubsub.publish(topic, numbered(0, 1))

    with listening(stream):
        wait_for(lambda: count(topic) == 1)
        wait_for(lambda: bool(health("no-such").detail))

    assert health("no-such").detail.startswith("there is no such subscription in this project")
    assert health(topic).detail == ""
    assert (health(topic).connected, health("no-such").connected) == (True, False)


def health(topic: str) -> StreamHealth:
    return StreamHealth.objects.filter(topic=topic).first() or StreamHealth()


def test_nothing_is_pulled_of_what_waits_for_scoring(pubsub: PubSubPeer, real_data: Path, settings):
    settings.SCORING_BACKLOG = 1
    topic = pubsub.create(f"lsst-alerts-{uuid.uuid4().hex[:8]}")  # the topic says what it carries
    pubsub.publish(topic, numbered(0, 2))

    with listening(pubsub.url(topic), backlog=lambda: 5):
        wait_for(lambda: health(topic).waits_for == 5)
        time.sleep(1)
    assert count(topic) == 0
    with listening(pubsub.url(topic)):
        wait_for(lambda: count(topic) == 2)


# --- The test of a connection ------------------------------------------------------------------
def tried(stream: Stream) -> ConnectionTest:
    """Test a stream's connection, in time."""
    began = time.monotonic()
    test = ask_for_test(stream)
    try_connection(test)
    test.refresh_from_db()
    assert time.monotonic() - began < LONGEST_SECONDS
    assert test.finished is not None
    return test


def test_a_test_says_what_waits_where_and_takes_nothing(pubsub: PubSubPeer, topic: str):
    empty = pubsub.create(f"{topic}-empty")
    pubsub.publish(topic, numbered(0, 1))

    test = tried(stream_at(pubsub.address, topic, empty, "no-such"))

    assert (test.fault, test.found["user"]) == ("", "")
    full, nothing, missing = test.found["subscriptions"]
    assert (full["name"], full["waits"], full["fault"]) == (topic, True, "")
    assert (nothing["waits"], nothing["sent"], nothing["fault"]) == (False, "", "")
    assert missing["fault"].startswith("there is no such subscription in this project")
    assert pubsub.pull(topic) == numbered(0, 1)
    assert not AlertMessage.objects.exists()


ADDRESSES = {
    "no such host": (f"no-such-host.invalid/{PROJECT}", "there is no such host"),
    "nothing there": (f"127.0.0.1:1/{PROJECT}", "nothing listens at this port"),
}


@pytest.mark.parametrize(("address", "words"), ADDRESSES.values(), ids=ADDRESSES)
def test_a_wrong_address_is_said(address: str, words: str):
    assert tried(stream_at(address, "a-subscription")).fault.startswith(words)


def test_no_tls_where_it_is_asked_for_is_said(pubsub: PubSubPeer, topic: str):
    test = tried(stream_at(pubsub.address, topic, tls=True))

    assert test.fault.startswith("the host does not speak TLS at this port")


# What Google answers, as its API's documents and its users' reports have it: the emulator takes
# every credential. https://cloud.google.com/apis/design/errors
REFUSALS = {
    "key": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", {}),
    "right": (403, "PERMISSION_DENIED", "User not authorized to perform this action.", {}),
    "off": (
        403,
        "PERMISSION_DENIED",
        "Cloud Pub/Sub API has not been used in project 1234 before or it is disabled.",
        {"reason": "SERVICE_DISABLED", "domain": "googleapis.com"},
    ),
    "busy": (429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric.", {}),
    "away": (503, "UNAVAILABLE", "The service was unable to fulfill your request.", {}),
}
WORDS = {
    "key": "Google refuses the key",
    "right": "no right to read this subscription, or there is none of this name",
    "off": "Pub/Sub is not switched on in this project",
    "busy": "the project's quota of calls is used up",
    "away": "Pub/Sub fails at present (503)",
}


@contextmanager
def refusing(status: int, name: str, said: str, details: dict[str, str]) -> Iterator["Refusing"]:
    """A server that answers every call as Google refuses one."""
    told = {"code": status, "message": said, "status": name}
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", **details}
    body = json.dumps({"error": told | ({"details": [info]} if details else {})}).encode()
    state = Refusing()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            state.authorizations.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        state.address = f"127.0.0.1:{port}/{PROJECT}"
        yield state


class Refusing:
    """Where it is, and what it was shown."""

    def __init__(self) -> None:
        self.address = ""
        self.authorizations: list[str] = []


@pytest.mark.parametrize("name", REFUSALS)
def test_what_google_refuses_is_said_in_words_without_the_key(name: str, key_file: str, caplog):
    with refusing(*REFUSALS[name]) as google:
        credential = make_credential(
            host="127.0.0.1", mechanism="GOOGLE", username=EMAIL, secret=key_file
        )
        stream = stream_at(google.address, "a-subscription", credential=credential)
        test = tried(stream)
        with listening(stream):
            wait_for(lambda: bool(health("a-subscription").detail not in {"", "starting"}))

    found = test.found.get("subscriptions", [{}])[0].get("fault", "")
    said = test.fault or found
    assert said.startswith(WORDS[name])
    assert REFUSALS[name][2] in said
    assert health("a-subscription").detail == said
    kept = caplog.text + said
    assert "PRIVATE KEY" not in kept
    assert not any(line in kept for line in json.loads(key_file)["private_key"].splitlines())
    assert google.authorizations[0].removeprefix("Bearer ") not in kept


# --- The key -----------------------------------------------------------------------------------
def test_a_call_is_signed_by_the_key_for_pubsub_alone(key: rsa.RSAPrivateKey, key_file: str):
    with refusing(*REFUSALS["key"]) as google:
        credential = make_credential(
            host="127.0.0.1", mechanism="GOOGLE", username=EMAIL, secret=key_file
        )
        tried(stream_at(google.address, "a-subscription", credential=credential))

    kind, _, token = google.authorizations[0].partition(" ")
    signed, _, signature = token.rpartition(".")
    claims = json.loads(_decoded(signed.partition(".")[2]))
    key.public_key().verify(
        _decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert kind == "Bearer"
    assert (claims["iss"], claims["sub"]) == (EMAIL, EMAIL)
    assert claims["aud"] == "https://pubsub.googleapis.com/"
    assert 0 < claims["exp"] - time.time() <= 3600


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_key_shows_nothing_of_itself(key_file: str):
    account = read_key(key_file)

    assert (account.email, account.project) == (EMAIL, "my-project-1234")
    assert repr(account) == f"ServiceAccount(email='{EMAIL}', project='my-project-1234')"


@pytest.mark.parametrize("changed", [{"type": "authorized_user"}, {"private_key": "x"}, None])
def test_what_is_no_key_is_refused_and_not_repeated(key_file: str, changed: dict[str, str] | None):
    text = "hunter2" if changed is None else json.dumps(json.loads(key_file) | changed)

    with pytest.raises(ValueError, match="no key of a Google service account") as refusal:
        read_key(text)

    assert "hunter2" not in str(refusal.value)


def test_the_environments_key_is_a_file(
    pubsub: PubSubPeer, topic: str, settings, tmp_path, key_file
):
    pubsub.publish(topic, numbered(0, 1))
    settings.GOOGLE_APPLICATION_CREDENTIALS = str(tmp_path / "absent.json")
    with listening(pubsub.url(topic)):
        wait_for(lambda: "names no readable key" in health(topic).detail)
    assert count(topic) == 0

    settings.GOOGLE_APPLICATION_CREDENTIALS = str(tmp_path / "key.json")
    (tmp_path / "key.json").write_text(key_file)
    with listening(pubsub.url(topic)):
        wait_for(lambda: count(topic) == 1)
