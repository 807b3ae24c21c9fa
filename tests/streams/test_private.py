"""Streams of a group: their messages are kept, nothing reads them, and others see no byte."""

import uuid

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.factories import (
    make_admin,
    make_credential,
    make_group,
    make_lead,
    make_observer,
    make_stream,
)
from tests.peers.kafka import PASSWORD, SHORT_SESSION_SECONDS, USER, KafkaPeer
from tests.streams.packets import make_gwalert_json, make_ztf_packet
from tests.streams.quiet import listening, wait_for
from tom import intake
from tom.events.models import NonLocalizedEvent
from tom.streams import consuming
from tom.streams.claims import replay_message
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.services import Incoming, store_messages
from tom.targets.models import SurveyObject

pytestmark = pytest.mark.django_db
TITLE = b'{"title": "a secret burst", "message_text": "do not tell"}'


@pytest.fixture
def team() -> Group:
    return make_group("team")


def keep(team: Group, *payloads: bytes, topic: str = "some.topic") -> list[AlertMessage]:
    """Keep messages of a stream of the group, and do their work."""
    batch = [
        Incoming(
            topic, payload, 0, number, name="secret-name", broker="kafka.example.org",
            headers=[("_sender", "secret-sender")], group_id=team.pk,
        )
        for number, payload in enumerate(payloads)
    ]  # fmt: skip
    ids = store_messages(batch).all_ids
    for pk in ids:
        intake.work_message(pk)
    intake.work_alerts()
    return list(AlertMessage.objects.filter(pk__in=ids).order_by("pk"))


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("igwn.gwalert", make_gwalert_json()),
        ("ztf_test", make_ztf_packet()),
        ("gcn.circulars", b'{"circularId": 1, "subject": "s", "body": "b", "eventId": "GRB 1"}'),
        ("hermes.test", TITLE),
    ],
)
def test_nothing_comes_of_a_private_message_not_even_by_a_replay(
    team: Group, topic: str, payload: bytes
):
    [row] = keep(team, payload, topic=topic)
    first = row.state, row.reason
    replay_message(row)
    intake.work_message(row.pk)
    row.refresh_from_db()

    for state, reason in (first, (row.state, row.reason)):
        assert state == MessageState.UNHANDLED
        assert "kept for the group of its stream" in reason
    assert not NonLocalizedEvent.objects.exists()
    assert not SurveyObject.objects.exists()
    assert row.group == team


def test_members_and_administrators_alone_see_what_is_in_it(client: Client, team: Group):
    [row] = keep(team, TITLE)
    paths = (f"/messages/{row.pk}/", "/messages/", "/api/messages/", f"/messages/{row.pk}/bytes/")

    def seen(user) -> str:
        client.force_login(user)
        return " ".join(client.get(path).content.decode() for path in paths)

    for user in (make_observer("member", groups=[team]), make_admin()):
        told = seen(user)
        assert "secret-name" in told
        assert "secret-sender" in told
        assert "a secret burst" in told
    for user in (make_observer("outsider"), make_lead("lead")):
        assert "secret" not in seen(user)
    assert client.get(f"/messages/{row.pk}/bytes/").status_code == 403


def test_a_page_of_private_messages_asks_for_the_groups_once(
    client: Client, team: Group, django_assert_max_num_queries
):
    keep(team, *[b'{"n": %d}' % number for number in range(30)])
    client.force_login(make_observer(groups=[team]))

    with django_assert_max_num_queries(25):
        client.get("/messages/")


def test_a_stream_of_a_group_is_changed_by_its_members_alone(client: Client, team: Group):
    stream = make_stream("EP", group=team, active=True)
    client.force_login(make_lead("outsider"))
    client.post(f"/streams/{stream.pk}/stop/")
    stream.refresh_from_db()
    assert stream.active
    assert "for team alone" in " ".join(client.get("/streams/").content.decode().split())

    client.force_login(make_lead("member", groups=[team]))
    client.post(f"/streams/{stream.pk}/stop/")
    stream.refresh_from_db()
    assert not stream.active


def test_the_form_says_for_whom_a_stream_is(client: Client, team: Group):
    other = make_group("others")
    client.force_login(make_lead("member", groups=[team]))
    given = {
        "name": "EP", "kind": "kafka", "address": "kafka.example.org", "tls": "tls",
        "topics": "some.topic", "credential": "",
    }  # fmt: skip

    assert client.post("/streams/new/", given).status_code == 422  # nobody chose
    assert client.post("/streams/new/", given | {"readers": other.pk}).status_code == 422
    assert client.post("/streams/new/", given | {"readers": team.pk}).status_code == 302

    assert Stream.objects.get().group == team


@pytest.mark.kafka
@pytest.mark.django_db(transaction=True)
def test_what_comes_by_a_stream_of_a_group_is_the_groups(kafka: KafkaPeer, team, monkeypatch):
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)
    topic = kafka.create_topic(f"igwn.gwalert.{uuid.uuid4().hex[:8]}")
    kafka.produce(topic, [make_gwalert_json()])
    stream = make_stream(
        topics=[topic], address=kafka.address, authority=kafka.ca_file.read_text(),
        credential=make_credential(host="localhost", username=USER, secret=PASSWORD),
        consumer_group=f"{USER}-{uuid.uuid4().hex[:8]}", active=True, group=team,
    )  # fmt: skip
    with listening(stream):
        wait_for(AlertMessage.objects.exists)

    row = AlertMessage.objects.get()
    assert (row.group, row.stream, row.kind) == (team, stream.pk, "igwn.json")
