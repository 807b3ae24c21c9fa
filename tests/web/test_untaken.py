"""What a survey's own topic brings and no parser takes is counted wherever dead letters are."""

import json

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.factories import make_message, make_observer, make_stream
from tests.streams.packets import SCHEMA, make_candidate, make_container
from tom.forms.recognition import tell_missing
from tom.intake import work_alerts
from tom.intake_verdicts import FOR_GROUP
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming, store_messages

pytestmark = pytest.mark.django_db
BROKER = "kafka.example.org"
ZTF = "ztf_20260101_programid1"


def without(field: str, *, inside: str = "") -> bytes:
    """A packet of ZTF whose schema has another name for a field."""
    schema = json.loads(json.dumps(SCHEMA))
    fields = schema["fields"]
    if inside:
        fields = next(each for each in fields if each["name"] == inside)["type"]["fields"]
    next(each for each in fields if each["name"] == field)["name"] = f"new_{field}"
    record = {"objectId": "ZTF26aaaaaaa", "candid": 1, "candidate": make_candidate()}
    part = record[inside] if inside else record
    part[f"new_{field}"] = part.pop(field)
    return make_container(schema, [record])


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(make_observer())
    return client


@pytest.fixture
def night() -> None:
    """A stream of a survey and one of nobody's, and on both what no parser takes."""
    make_stream(active=True, topics=[ZTF, "somebodys.topic"])
    payloads = [without("candidate"), b"garbage", b"\0\0\0\0\7a packet of another survey"]
    store_messages(
        Incoming(topic, payload, 0, at, broker=BROKER)
        for topic in (ZTF, "somebodys.topic")
        for at, payload in enumerate(payloads)
    )
    work_alerts()
    AlertMessage.objects.filter(topic="somebodys.topic").update(
        state=MessageState.UNHANDLED, reason="no parser takes this: no known format"
    )


def test_tonight_counts_them(observer, night):
    page = observer.get("/?part=arrivals").text

    assert page.count("unhandled\n") == 1
    assert f'href="/messages/?state=unhandled&amp;topic={ZTF}"' in page
    assert "3 unhandled" in page


def test_the_page_of_the_streams_counts_them(observer, night):
    page = observer.get("/streams/").text

    assert page.count(" unhandled</a>") == 1
    assert "3 unhandled</a>" in page
    topics = observer.get("/api/streams/").json()[0]["topics"]
    assert [topic["unhandled"] for topic in topics] == [3, 0]


def test_of_very_many_the_newest_alone_are_read(observer, night, monkeypatch):
    monkeypatch.setattr("tom.web.untaken.MOST_READ", 4)

    topics = observer.get("/api/streams/").json()[0]["topics"]

    assert topics[0]["unhandled"] == 1  # the other three are of somebody's topic


def test_prometheus_counts_them(observer, night):
    text = observer.get("/api/metrics/").text

    counted = {
        sample.labels["topic"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "counterpart_stream_unhandled_messages"
    }
    assert counted == {ZTF: 3, "somebodys.topic": 0}


def test_what_nothing_is_to_read_is_not_counted(observer):
    make_stream(active=True, topics=["igwn.gwalert"])
    make_message(broker=BROKER, state="unhandled", reason=FOR_GROUP.reason)

    assert "unhandled" not in observer.get("/streams/").text
    assert "unhandled" not in observer.get("/?part=arrivals").text


def test_the_reason_names_the_field_that_a_survey_s_packet_lacks(night):
    reason = AlertMessage.objects.get(topic=ZTF, offset=0).reason

    assert reason.startswith("no parser takes this: an Avro container of 1 records ztf.alert")
    assert reason.endswith(", it lacks candidate")


def test_a_field_inside_of_another_is_named_with_it():
    assert tell_missing(without("magpsf", inside="candidate")) == "it lacks candidate.magpsf"


def test_of_a_container_of_nobody_s_nothing_is_said():
    schema = {"type": "record", "name": "nobodys.alert", "fields": []}

    assert tell_missing(make_container(schema, [{}])) == ""
    assert tell_missing(b"garbage") == ""
