import json
import zlib

import pytest

from tests.streams.packets import (
    SCHEMA,
    make_candidate,
    make_circular,
    make_container,
    make_gwalert_avro,
    make_gwalert_json,
    make_ztf_packet,
    rewritten,
)
from tom.formats.describe import describe, read_json_object
from tom.forms import recognition
from tom.forms.declared import Encoding, Form
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import claims, identify

HERMES = json.dumps({"title": "t", "submitter": "s", "message_text": "m"}).encode()
OTHER_SCHEMA = {
    "type": "record",
    "name": "other.alert",
    "fields": [{"name": "a", "type": "int"}],
}
VOEVENT = b"""<?xml version="1.0"?>
<!-- made by the tests -->
<voe:VOEvent ivorn="ivo://nasa.gsfc.gcn/x#1" role="test" version="2.0"/>"""
NOTICE = json.dumps({"$schema": "https://gcn.nasa.gov/schema/v4/x.json", "ra": 1.0}).encode()


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (make_ztf_packet(), "ztf.avro"),
        (make_gwalert_avro(), "igwn.avro"),
        (make_gwalert_json(), "igwn.json"),
        (make_circular(), "gcn.circular"),
        (NOTICE, "gcn.notice"),
        (HERMES, "hermes"),
        (b'{"anything": 1}', "unknown"),
        (b"[]", "unknown"),
        (b"\x00\x00\x00\x04\x4d rubin", "lsst.framed"),
        (b"\x00\x00\x00\x00\x64 another registry's", "unknown"),
        (b"", "unknown"),
    ],
)
def test_a_file_is_known_by_its_content(payload, kind):
    assert identify(FILE_TOPIC, payload) == kind


@pytest.mark.parametrize(
    ("topic", "payload", "kind"),
    [
        ("igwn.gwalert", b"{}", "igwn.json"),
        ("igwn.gwalert-playground", make_gwalert_avro(), "igwn.avro"),
        ("gcn.circulars", b"", "gcn.circular"),
        ("gcn.heartbeat", b"{}", "heartbeat"),
        ("gcn.notices.black_cat.alert", b"{}", "gcn.notice"),
        ("gcn.notices.icecube.gold_bronze_track_alerts", b"{}", "gcn.icecube"),
        ("gcn.notices.icecube.lvk_nu_track_search", b"{}", "gcn.icecube.search"),
        ("ztf_20260101_programid1", b"damaged", "ztf.avro"),
        ("hermes.discovery", b"{}", "hermes"),
    ],
)
def test_a_listed_topic_decides_whatever_the_content(topic, payload, kind):
    assert identify(topic, payload) == kind


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (make_ztf_packet(), "ztf.avro"),
        (HERMES, "hermes"),
        (b'{"anything": 1}', "hopskotch.text"),
        (b"plain words", "unknown"),
    ],
)
def test_another_topic_is_known_by_its_content(payload, kind):
    assert identify("someone.topic", payload) == kind


@pytest.mark.parametrize("payload", [make_gwalert_json(), make_gwalert_avro()])
def test_an_event_is_not_believed_on_a_topic_that_is_not_its_senders(payload):
    assert identify("someone.topic", payload) in ("hopskotch.text", "unknown")


@pytest.mark.parametrize(
    ("survey", "kind"),
    [("pgir", "pgir.avro"), ("winter", "winter.avro"), ("turbo", "unknown"), ("lsst", "unknown")],
)
def test_a_packet_of_another_survey_is_not_ztf(survey, kind):
    record = {"objectId": "A1", "candid": 1, "candidate": make_candidate()}
    packet = make_container(SCHEMA | {"name": f"{survey}.alert"}, [record])

    assert identify(FILE_TOPIC, packet) == kind


def test_a_history_of_fluxes_on_another_scale_is_not_ztf():
    fields = [field for field in SCHEMA["fields"] if field["name"] != "prv_candidates"]
    flux = {"type": "record", "name": "flux", "fields": [{"name": "psfFlux", "type": "double"}]}
    history = {"name": "prv_candidates", "type": {"type": "array", "items": flux}}
    record = {"objectId": "A1", "candid": 1, "candidate": make_candidate(), "prv_candidates": []}
    packet = make_container(SCHEMA | {"fields": [*fields, history]}, [record])

    assert identify(FILE_TOPIC, packet) == "unknown"


def test_the_texts_of_a_json_object_are_such_as_a_database_stores():
    payload = b'{"ti\\u0000tle": ["a\\ud800", {"b": "\\u0000"}, 1.5, null, true]}'

    assert read_json_object(payload) == {"title": ["a?", {"b": ""}, 1.5, None, True]}


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_json_may_begin_with_a_mark_of_byte_order(coding):
    payload = json.dumps({"title": "t", "submitter": "é", "message_text": "m"}).encode(coding)

    assert read_json_object(payload)["submitter"] == "é"
    assert identify(FILE_TOPIC, payload) == "hermes"


def test_json_too_deep_to_be_read_is_none():
    assert read_json_object(b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b"}") is None


def test_real_packets_of_other_surveys_and_scales_are_not_ztf(real_data):
    others = sorted((real_data / "other_surveys").rglob("*.avro"))
    babamul = real_data / "brokers" / "recorded" / "babamul_alert.avro"

    kinds = {identify(FILE_TOPIC, path.read_bytes()) for path in [*others, babamul]}

    assert len(others) == 13
    assert "ztf.avro" not in kinds


def test_a_real_ztf_packet_that_a_broker_added_to_is_the_broker_s(real_data):
    path = real_data / "brokers" / "fink-client" / "fink-broker-sample-alert-1.avro"

    assert identify("any.topic", path.read_bytes()) == "fink.alert"


def many_records(count: int) -> bytes:
    """A small packet of so many records that they are better not read."""
    squeezer = zlib.compressobj(wbits=-15)
    block = squeezer.compress(b"\x02" * count) + squeezer.flush()
    return rewritten(make_container(OTHER_SCHEMA, [{"a": 1}]), "deflate", block, count=count)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "empty"),
        (make_container(OTHER_SCHEMA, [{"a": 1}]), "1 records other.alert"),
        (many_records(4_000_000), "4000000 records"),
        (b"Obj\x01broken", "damaged"),
        (make_ztf_packet()[:-5], "damaged"),
        (b"\x00\x00\x00\x04\x4d rubin", "schema id 1101"),
        (b'{"type": "record", "name": "x"}', "schema"),
        (b'{"a": 1}', "JSON object with keys a"),
        (b"SIMPLE  =", "a FITS file"),
        (b" \n", "blank"),
        (b"TITLE: GCN NOTICE\nRA: 1", "plain text of 23 characters"),
        (VOEVENT, "XML, a VOEvent with ivorn ivo://nasa.gsfc.gcn/x"),
        (b"<html><body>503</body></html>", "XML, a html"),
        (b"[1, 2]", "a JSON list of 2"),
        (b'"words"', "a JSON text"),
        (b"7.5", "a JSON number"),
        (b"true", "a JSON truth value"),
        (b"null", "JSON's null"),
        (b'{"url": "https://example.org/m/1"}', "kept at example.org"),
        (b'{"a": ', "damaged JSON"),
        (b"\x9c\x80\x01", "no known format"),
        (b"ab\x01cd", "no known format"),
        (make_container({"type": "array", "items": "int"}, [[1]]), "values that are not records"),
    ],
)
def test_what_an_unknown_payload_looks_like_is_said(payload, words):
    assert words in describe(payload)


QUOTABLE = [
    b"Secret17.3 is at 197.45 -23.38",
    b'"Secret17.3"',
    b'{"Secret17.3": 1, "mag": "Secret17.3"}',
    b'["Secret17.3"]',
    b'{"mag": Secret17.3}',
    b"< Secret17.3",
    b"<?Secret17.3",
    b"<a ivorn='ivo://x/y#Secret17.3'>Secret17.3</a>",
    b'{"url": "https://example.org/Secret17.3?Secret17.3"}',
    b'{"url": "https://[Secret17.3"}',
    b"\x01\x02Secret17.3",
    b"Secret17.3\xff\x00",
    b"\x1f\x8bSecret17.3",
    make_container(OTHER_SCHEMA, [{"a": 1}])[:-16] + b"Secret17.3",
]


@pytest.mark.parametrize("payload", QUOTABLE)
def test_nothing_of_a_payload_s_content_is_quoted(payload):
    assert "Secret17" not in describe(payload)
    assert "17.3" not in describe(payload)


OTHER = make_container(OTHER_SCHEMA, [{"a": 1}])


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("igwn.json", make_gwalert_json()[:300]),
        ("igwn.json", b'[{"alert_type": 7}]'),
        ("igwn.avro", make_gwalert_avro()[:-3]),
        ("igwn.avro", b"Obj\x01broken"),
        ("gcn.circular", make_circular()[:-9]),
        ("ztf.avro", make_ztf_packet()[:-9]),
    ],
)
def test_a_damaged_message_still_claims_its_kind(kind, payload):
    assert claims(kind, payload)


@pytest.mark.parametrize(
    "payload", [b"", b"words", VOEVENT, b"[]", b'"x"', b"{}", OTHER, b"\x00\x01"]
)
@pytest.mark.parametrize("kind", ["igwn.json", "igwn.avro", "gcn.circular", "ztf.avro"])
def test_what_does_not_look_like_a_kind_does_not_claim_it(kind, payload):
    assert not claims(kind, payload)


def test_a_whole_message_claims_its_kind_without_keys(monkeypatch):
    form = Form(name="ep.json", encoding=Encoding.JSON, recognises=lambda said: "snr" in said)
    monkeypatch.setattr(recognition, "forms", lambda: {form.name: form})

    assert claims("ep.json", b'{"snr": "high"}')
    assert not claims("ep.json", b'{"far": 1}')
    assert not claims("ep.json", b'{"snr": "hi')
