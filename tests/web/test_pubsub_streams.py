"""Streams of Google Pub/Sub in the form and on the page Streams."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.utils import timezone

from tests.factories import make_credential, make_lead, make_stream
from tests.peers.pubsub import EMAIL, write_key
from tom.streams.models import ConnectionTest, Credential, Stream, StreamHealth

pytestmark = pytest.mark.django_db
NEW = {
    "name": "Pitt-Google",
    "kind": "pubsub",
    "address": "",
    "tls": "tls",
    "topics": "lsst-alerts\nztf-loop",
    "credential": "new",
    "mechanism": "GOOGLE",
    "group": "all",
    "readers": "all",
}


@pytest.fixture(scope="module")
def key() -> str:
    return write_key(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_lead("lead"))
    return client


def test_the_key_says_the_project_and_who_we_are_and_is_never_shown(lead, key, caplog):
    answer = lead.post("/streams/new/", NEW | {"secret": key, "do": "start"}, follow=True)

    [stream] = Stream.objects.all()
    [credential] = Credential.objects.all()
    assert (stream.address, stream.kind) == ("pubsub.googleapis.com/my-project-1234", "pubsub")
    assert stream.topics == ["lsst-alerts", "ztf-loop"]
    assert (credential.host, credential.username) == ("pubsub.googleapis.com", EMAIL)
    assert credential.secret == key
    told = [answer.content.decode(), caplog.text]
    told += [lead.get(f"/streams/{stream.pk}/").content.decode()]
    told += [lead.get(f"/streams/credentials/{credential.pk}/").content.decode()]
    lines = json.loads(key)["private_key"].splitlines()
    assert not any(line in text for line in lines for text in told)
    assert EMAIL in told[0]
    assert "Pub/Sub does not say how many messages wait there" in told[0]


def test_another_key_replaces_the_one_that_this_stream_alone_uses(lead, key):
    lead.post("/streams/new/", NEW | {"secret": key})
    stream = Stream.objects.get()
    Credential.objects.update(username="old@example.org")
    page = f"/streams/{stream.pk}/"
    stored = NEW | {"address": stream.address.split("/")[1], "credential": stream.credential_id}

    refused = lead.post(page, stored | {"new_secret": "no key"})
    assert refused.status_code == 422
    assert "This is no key of a Google service account" in refused.text
    answer = lead.post(page, stored | {"new_secret": key.replace("\n", "")})

    assert answer.status_code == 302
    [credential] = Credential.objects.all()
    assert (credential.username, credential.secret) == (EMAIL, key.replace("\n", ""))


def test_a_pasted_key_may_have_lost_its_lines(lead, key):
    lead.post("/streams/new/", NEW | {"secret": key.replace("\n", "")})

    assert Credential.objects.get().username == EMAIL


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"secret": "hunter2-hunter2"}, "This is no key of a Google service account"),
        ({"secret": ""}, "Enter the password"),
        ({"address": "My Project"}, "Write the id of your Google project"),
        ({"address": "http://a/my-project"}, "Write the id of your Google project"),
        ({"topics": "projects/p/subscriptions/s"}, "is no name of a topic or a subscription"),
        ({"tls": "none"}, "Without TLS everybody on the way could read the secret"),
        ({"kind": "kafka", "address": "a.example.org"}, "Pub/Sub takes the key of a Google"),
        ({"mechanism": "PLAIN", "username": "me", "secret": "pass"}, "Pub/Sub takes the key"),
        ({"credential": ""}, "You typed a user or a secret"),
        ({"credential": "", "secret": ""}, "This broker wants a credential"),
    ],
)
def test_what_cannot_be_read_is_refused(lead, key, changed, words):
    given = NEW | {"secret": key, "address": "my-project-1234"} | changed

    answer = lead.post("/streams/new/", given)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert json.loads(key)["private_key"].splitlines()[5] not in answer.content.decode()
    assert not Stream.objects.exists()
    assert not Credential.objects.exists()


def test_an_emulator_on_this_machine_needs_no_key(lead):
    given = NEW | {"credential": "", "address": "127.0.0.1:8085/a-project", "tls": "none"}

    lead.post("/streams/new/", given)

    stream = Stream.objects.get()
    assert (stream.address, stream.credential) == ("127.0.0.1:8085/a-project", None)


def test_a_key_is_changed_for_another_and_stays_without_one(lead, key):
    row = make_credential(mechanism="GOOGLE", username=EMAIL, secret=key)
    page, fields = f"/streams/credentials/{row.pk}/", {"mechanism": "GOOGLE", "group": "all"}

    assert lead.post(page, fields | {"username": EMAIL}).status_code == 302
    assert lead.post(page, fields | {"secret": "no key"}).status_code == 422
    row.refresh_from_db()
    assert row.secret == key

    other = json.loads(key) | {"client_email": "b@my-project-1234.iam.gserviceaccount.com"}
    assert lead.post(page, fields | {"secret": json.dumps(other)}).status_code == 302
    row.refresh_from_db()
    assert row.username == other["client_email"]


def test_a_test_shows_each_subscription(lead):
    stream = make_stream(kind="pubsub", address="pubsub.googleapis.com/my-project-1234")
    found = {
        "user": EMAIL,
        "subscriptions": [
            {"name": "a-1", "fault": "", "waits": True, "sent": timezone.now().isoformat()},
            {"name": "a-2", "fault": "", "waits": False, "sent": ""},
            {"name": "a-3", "fault": "there is no such subscription"},
        ],
    }
    ConnectionTest.objects.create(
        stream=stream, asked=timezone.now(), finished=timezone.now(), found=found
    )

    page = lead.get(f"/streams/{stream.pk}/?part=test").content.decode()

    assert all(words in page for words in ("one waits at least", "none waits now", "no such sub"))
    assert EMAIL in page


def test_the_lag_of_pubsub_is_said_to_be_unknown_and_that_of_kafka_is_shown(lead):
    make_stream(name="a Kafka", active=True)
    StreamHealth.objects.create(stream="kafka.example.org", topic="a.topic", lag=12)

    page = lead.get("/streams/").content.decode()

    assert "does not say how many messages wait" not in page
    assert "12" in page
