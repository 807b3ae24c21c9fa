"""The pages of messages: whose bytes are shown to whom, and many replayed at once."""

import re

import pytest

from tests import factories
from tests.streams.packets import make_ztf_packet
from tests.web.api.conftest import take_nudges
from tom.formats.errors import MalformedAlertError
from tom.streams.models import AlertMessage
from tom.surveys.ztf.packets import parse_ztf

BYTES = [
    (b"Obj\x01damaged private packet", "unknown", 403),
    (b"\x00\x00\x00\x00\x01private", "unknown", 403),
    (b"private", "ztf.avro", 403),
    (b'{"objectId": "ZTF26private", "magpsf": 18.25}', "unknown", 403),
    (b"ZTF26private 18.25 mag", "unknown", 403),
    (b"a notice", "gcn.notice", 200),
    (b"Obj\x01a public alert", "igwn.avro", 200),
]


@pytest.mark.parametrize(("payload", "kind", "status"), BYTES)
@pytest.mark.django_db
def test_what_may_be_a_private_alert_is_for_administrators(client, payload, kind, status):
    message = factories.make_message(payload, topic="file", state="dead", kind=kind)
    client.force_login(factories.make_observer())

    assert client.get(f"/messages/{message.pk}/bytes/").status_code == status
    page = client.get(f"/messages/{message.pk}/")
    assert page.context["readable"] == (status == 200)
    client.force_login(factories.make_admin())
    assert client.get(f"/messages/{message.pk}/bytes/").status_code == 200


@pytest.mark.django_db
def test_headers_stand_with_the_bytes_that_one_may_read(client):
    headers = [["_sender", "someone-1"], ["_format", "voevent"], ["empty", ""]]
    open_one = factories.make_message(b"<x/>", kind="hopskotch.text", headers=headers)
    private = factories.make_message(b"a packet", kind="unknown", headers=headers)
    client.force_login(factories.make_observer())

    assert "someone-1" in client.get(f"/messages/{open_one.pk}/").content.decode()
    assert "someone-1" not in client.get(f"/messages/{private.pk}/").content.decode()


SPOILT = [
    {"magpsf": 18.2571, "sigmapsf": 0.0},
    {"ra": 512.3456, "magpsf": 18.2571},
    {"isdiffpos": "18.2571"},
]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_the_reason_of_a_dead_alert_quotes_none_of_its_values(spoilt):
    with pytest.raises(MalformedAlertError) as refusal:
        parse_ztf(make_ztf_packet(programid=2, **spoilt))

    assert not re.search(r"\d\.\d", str(refusal.value))


@pytest.mark.django_db(transaction=True)
def test_many_are_replayed_by_a_few_questions_and_one_nudge(client, django_assert_max_num_queries):
    for _ in range(30):
        factories.make_message(state="dead", reason="bad luck", kind="unknown")
    other = factories.make_message(state="dead", reason="else", kind="unknown")
    client.force_login(factories.make_observer())
    take_nudges()

    with django_assert_max_num_queries(12):
        client.post("/messages/replay/", {"reason": "bad luck"})

    assert AlertMessage.objects.filter(state="received", replays=1).count() == 30
    assert AlertMessage.objects.get(pk=other.pk).state == "dead"
    assert [task for task, _ in take_nudges()] == ["tom.sweeping.sweep"]


@pytest.mark.django_db
def test_what_is_left_to_replay_is_said(client, monkeypatch):
    monkeypatch.setattr("tom.web.views.messages.MOST_REPLAYED", 2)
    lost = factories.make_message(state="dead", reason="bad luck", kind="unknown")
    AlertMessage.objects.filter(pk=lost.pk).update(payload=None)
    for _ in range(3):
        factories.make_message(state="dead", reason="bad luck", kind="unknown")
    client.force_login(factories.make_observer())

    said = [
        client.post("/messages/replay/", {"reason": "bad luck"}, follow=True).text for _ in range(3)
    ]

    assert "2 worked on again. Left of the same reason: 1." in said[0]
    assert "1 worked on again." in said[1]
    assert "Left of the same reason" not in said[1]
    assert "None is replayed" in said[2]


@pytest.mark.django_db
def test_dead_letters_of_a_group_are_counted_and_replayed_by_its_members(client):
    team, other = factories.make_group("team"), factories.make_group("other")
    moved = factories.make_stream(group=other)
    for row in ({}, {"group": team}, {"group": team}, {"group": team, "stream": moved.pk}):
        factories.make_message(state="dead", reason="bad luck", kind="unknown", **row)
    people = {
        "outsider": (factories.make_observer(), 1),
        "member": (factories.make_observer(groups=[team]), 3),
        "of both": (factories.make_observer(groups=[team, other]), 4),
        "admin": (factories.make_admin(), 4),
    }

    for name, (user, n) in people.items():
        client.force_login(user)
        [reason] = client.get("/messages/?state=dead").context["reasons"]
        assert reason["n"] == n, name
    for name, left in (("outsider", 3), ("member", 1), ("of both", 0)):
        client.force_login(people[name][0])
        client.post("/messages/replay/", {"reason": "bad luck"})
        assert AlertMessage.objects.filter(state="dead").count() == left, name


@pytest.mark.parametrize(
    "address", ["/messages/", "/messages/{}/", "/api/messages/", "/api/messages/{}/"]
)
@pytest.mark.django_db
def test_the_name_of_a_survey_packet_s_file_is_for_who_may_read_its_bytes(client, address):
    packet = factories.make_message(
        make_ztf_packet(programid=2), kind="ztf.avro", name="ZTF26secrets.avro"
    )
    told = []
    for user in (factories.make_observer(), factories.make_admin()):
        client.force_login(user)
        told.append("ZTF26secrets" in client.get(address.format(packet.pk)).text)

    assert told == [False, True]
