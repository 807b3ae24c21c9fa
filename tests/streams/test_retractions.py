"""What its author took back on HERMES is shown as such, and no more once he thinks again."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_message, make_observer
from tests.peers.archive import Archive, running_archive
from tom.reports.notifications.follows import follow
from tom.reports.notifications.messages import notify_message
from tom.reports.notifications.models import Notification
from tom.streams.models import AlertMessage, StreamHealth
from tom.streams.retractions import ArchiveError, Changed, note_retractions
from tom.sweeping import ask_archive

pytestmark = pytest.mark.django_db
TOPIC = "hermes.spectra"


@pytest.fixture
def archive(settings: Any) -> Iterator[Archive]:
    StreamHealth.objects.create(stream="kafka.scimma.org", topic=TOPIC)
    StreamHealth.objects.create(stream="kafka.scimma.org", topic="igwn.gwalert")
    with running_archive() as running:
        settings.HOP_ARCHIVE = running.url
        yield running


def send(name: uuid.UUID, **fields: Any) -> AlertMessage:
    body = {"title": "A spectrum", "submitter": "x", "message_text": "", "n": name.hex}
    values: dict[str, Any] = {"topic": TOPIC, "kind": "hermes", "name": name.hex, **fields}
    return make_message(json.dumps(body).encode(), **values)


def test_a_message_is_retracted_and_restored_as_the_archive_has_it(
    archive: Archive, client: Client
) -> None:
    ids = [uuid.uuid4() for _ in range(5)]
    rows = [send(each) for each in ids]
    told = {str(each): False for each in ids[:4]} | {ids[4].bytes: True}  # either way of an id
    archive.topics[TOPIC] = told
    client.force_login(make_observer())

    taken_back = note_retractions(timezone.now())
    again = note_retractions(timezone.now())
    page, listed = client.get(f"/messages/{rows[4].pk}/").text, client.get("/messages/").text
    over_api = client.get(f"/api/messages/{rows[4].pk}/").json()
    told[ids[4].bytes] = False
    taken_up = note_retractions(timezone.now())

    assert taken_back == Changed(retracted=[rows[4].pk])
    assert again == Changed()
    assert "took this message back" in page
    assert listed.count(">Retracted<") == 1
    assert over_api["retracted"]
    assert taken_up == Changed(restored=[rows[4].pk])
    assert "took this message back" not in client.get(f"/messages/{rows[4].pk}/").text
    assert not AlertMessage.objects.exclude(retracted=None).exists()
    # Three pages of the topic each time, and no other topic.
    assert len(archive.asked) == 9
    assert all(path.startswith(f"/topic/{TOPIC}?") for path in archive.asked)


def test_a_message_that_the_archive_is_silent_on_stays_as_it_is(archive: Archive) -> None:
    message = send(uuid.uuid4(), retracted=timezone.now())
    archive.topics[TOPIC] = {
        "no uuid": True, str(uuid.uuid4()): True, "": True, message.name: "yes",
    }  # fmt: skip

    assert note_retractions(timezone.now()) == Changed()


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"\x05\x00\x00\x00\x01", b"\xff\xff\xff\x7f" + b"a" * 99]
)
def test_an_answer_that_is_none_changes_nothing(archive: Archive, raw: bytes) -> None:
    message = send(uuid.uuid4(), retracted=timezone.now())
    archive.raw = raw

    with pytest.raises(ArchiveError, match=TOPIC):
        note_retractions(timezone.now())
    ask_archive()  # logs it

    message.refresh_from_db()
    assert message.retracted


def test_an_archive_that_is_away_is_asked_again_later(settings: Any, archive: Archive) -> None:
    settings.HOP_ARCHIVE = "http://127.0.0.1:9/"

    with pytest.raises(ArchiveError, match="not reached: it is down, or this machine has no way"):
        note_retractions(timezone.now())


def test_without_the_setting_nobody_is_asked(settings: Any, archive: Archive) -> None:
    settings.HOP_ARCHIVE = ""

    assert note_retractions(timezone.now()) == Changed()
    assert archive.asked == []


def test_whoever_was_told_of_a_message_is_told_that_it_was_taken_back(archive: Archive) -> None:
    name = uuid.uuid4()
    message = send(name)
    follow(make_observer(), kind="topic", value=TOPIC)
    notify_message(message)
    Notification.objects.update(read_at=timezone.now())
    said = Notification.objects.get().title
    archive.topics[TOPIC] = {str(name): True}

    ask_archive()
    ask_archive()
    back = Notification.objects.get()
    archive.topics[TOPIC] = {str(name): False}
    ask_archive()
    up = Notification.objects.get()

    assert (back.title, back.read_at) == (f"Retracted: {said}", None)
    assert up.title == said
