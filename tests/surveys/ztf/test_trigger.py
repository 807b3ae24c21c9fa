"""A packet's trigger says what the whole packet says, and needs nothing that comes after it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.packets import (
    SCHEMA,
    encoded,
    make_candidate,
    make_container,
    make_detection,
    make_forced,
    make_ztf_packet,
)
from tom.formats.containers import MAGIC, read_record
from tom.formats.errors import MalformedAlertError
from tom.formats.prefixes import read_prefix
from tom.surveys.ztf import ZTF
from tom.surveys.ztf.packets import parse_ztf, read_ztf_trigger


def agrees(payload: bytes) -> bool:
    whole, trigger = parse_ztf(payload), read_ztf_trigger(payload)
    return (
        trigger.survey, trigger.object_id, trigger.alert_id, trigger.time, trigger.ra, trigger.dec,
        trigger.band, trigger.flux_njy, trigger.program, trigger.is_solar_system,
        trigger.reliability,
    ) == (
        whole.survey, whole.object_id, whole.alert_id, whole.time, whole.ra, whole.dec,
        whole.trigger.band, whole.trigger.flux_njy, whole.program,
        whole.solar_system is not None, whole.scores.get("drb", whole.scores.get("rb")),
    )  # fmt: skip


@given(
    magpsf=st.floats(10, 22), ra=st.floats(0, 360), dec=st.floats(-90, 90),
    fid=st.sampled_from([1, 2, 3]), isdiffpos=st.sampled_from(["t", "f", "1", "0"]),
    drb=st.none() | st.floats(0, 1, width=32), rb=st.none() | st.floats(0, 1, width=32),
    ssnamenr=st.sampled_from([None, "null", "2004BT1"]), programid=st.integers(0, 3),
    codec=st.sampled_from(["null", "deflate", "snappy"]),
)  # fmt: skip
def test_a_trigger_says_what_its_packet_says(codec: str, **values: object) -> None:
    history = [make_detection(), make_detection(-3.0)]
    assert agrees(make_ztf_packet(codec=codec, history=history, **values))


def test_the_values_are_those_of_the_packet() -> None:
    trigger = read_ztf_trigger(make_ztf_packet(magpsf=31.4 - 2.5 * 4, isdiffpos="f", drb=0.25))

    assert trigger.flux_njy == pytest.approx(-1e4, rel=1e-6)
    assert (trigger.reliability, trigger.band) == (0.25, "r")


def test_what_comes_after_the_trigger_is_not_decoded() -> None:
    record = {
        "schemavsn": "4.02", "publisher": "tests", "objectId": "ZTF26aaaaaaa", "candid": 7,
        "candidate": make_candidate(candid=7), "prv_candidates": [make_detection()],
        "fp_hists": [make_forced()],
    }  # fmt: skip
    whole = encoded(SCHEMA, record)
    head = encoded({**SCHEMA, "fields": SCHEMA["fields"][:5]}, record)
    broken = head + b"\xff" * (len(whole) - len(head))
    packet = make_container(SCHEMA, [record])
    damaged = packet.replace(whole, broken)

    assert damaged != packet
    assert read_ztf_trigger(damaged) == read_ztf_trigger(packet)
    with pytest.raises(MalformedAlertError):
        parse_ztf(damaged)


@pytest.mark.parametrize(
    "packet",
    [
        b"", b"not Avro", make_ztf_packet()[:2000], make_ztf_packet(object_id=None),
        make_ztf_packet(magpsf=None), make_ztf_packet(ra=400.0), make_ztf_packet(copies=2),
    ],
    ids=["empty", "text", "cut", "no object", "no magnitude", "no place", "two"],
)  # fmt: skip
def test_what_has_no_usable_trigger_is_malformed(packet: bytes) -> None:
    with pytest.raises(MalformedAlertError):
        read_ztf_trigger(packet)


def test_the_survey_declares_how_its_trigger_is_read() -> None:
    assert {form.read_trigger for form in ZTF.forms} == {read_ztf_trigger}


def test_a_prefix_ends_with_the_last_field_that_is_needed() -> None:
    packet = make_ztf_packet()

    assert list(read_prefix(packet, ["candid", "objectId"])) == [
        "schemavsn", "publisher", "objectId", "candid"
    ]  # fmt: skip
    assert read_prefix(packet, ["no such field"]) == {}
    assert read_prefix(packet, list(read_record(packet))) == read_record(packet)


def test_real_packets_have_the_triggers_that_they_had_whole(real_data: Path) -> None:
    readable = [packet for packet in _packets(real_data) if _is_readable(packet)]

    assert len(readable) > 100
    assert all(agrees(packet) for packet in readable)


def _packets(real_data: Path) -> Iterator[bytes]:
    for path in sorted((real_data / "ztf").rglob("*.avro")):
        packet = path.read_bytes()
        if packet.startswith(MAGIC):
            yield packet


def _is_readable(packet: bytes) -> bool:
    try:
        parse_ztf(packet)
    except MalformedAlertError:
        return False
    return True
