"""A Rubin packet's trigger says what the whole packet says, and needs nothing that comes after."""

import time
from typing import Any

import pytest

from tests.surveys.lsst.made import make_file, make_forced, make_framed, make_source
from tests.surveys.lsst.test_packets import make_real, real_records
from tom.formats.errors import MalformedAlertError, UnknownSchemaError
from tom.records import ObjectAlert, Trigger
from tom.surveys.lsst import LSST
from tom.surveys.lsst.packets import (
    parse_container,
    parse_framed,
    read_contained_trigger,
    read_framed_trigger,
)
from tom.surveys.lsst.schemas import published


def agrees(whole: ObjectAlert, trigger: Trigger) -> bool:
    return (
        trigger.survey, trigger.object_id, trigger.alert_id, trigger.time, trigger.ra, trigger.dec,
        trigger.band, trigger.flux_njy, trigger.program, trigger.is_solar_system,
        trigger.reliability,
    ) == (
        whole.survey, whole.object_id, whole.alert_id, whole.time, whole.ra, whole.dec,
        whole.trigger.band, whole.trigger.flux_njy, whole.program,
        whole.solar_system is not None, whole.scores.get("reliability"),
    )  # fmt: skip


@pytest.mark.parametrize("version", sorted(published()))
@pytest.mark.parametrize("values", [{}, {"psfFlux": -7.0, "ssObjectId": 9, "diaObjectId": 0}])
def test_a_trigger_says_what_its_packet_says(version: int, values: dict[str, Any]) -> None:
    more = {"history": [make_source(diaSourceId=3)], "forced": [make_forced()]}
    more |= {"top": {"diaObject": None}} if values else {}

    framed, contained = (make(version, **values, **more) for make in (make_framed, make_file))

    assert agrees(parse_framed(framed), read_framed_trigger(framed))
    assert agrees(parse_container(contained), read_contained_trigger(contained))


def test_what_comes_after_the_trigger_is_not_decoded() -> None:
    packet = make_framed(forced=[make_forced()] * 5)
    damaged = packet[:-100]

    assert read_framed_trigger(damaged) == read_framed_trigger(packet)
    with pytest.raises(MalformedAlertError):
        parse_framed(damaged)


@pytest.mark.parametrize(
    "packet",
    [
        *(b"", b"\0", b"\0\0\0\4\x4d", make_framed()[:60]),
        *(make_framed(psfFlux_flag=True), make_framed(ra=400.0), make_framed(band="w")),
    ],
)
def test_what_has_no_usable_trigger_is_malformed(packet: bytes) -> None:
    with pytest.raises(MalformedAlertError):
        read_framed_trigger(packet)


def test_an_unknown_schema_is_told() -> None:
    with pytest.raises(UnknownSchemaError):
        read_framed_trigger(b"\0" + (1207).to_bytes(4, "big") + make_framed()[5:])


def test_every_form_of_the_survey_has_its_reader() -> None:
    assert [form.read_trigger for form in LSST.forms] == [
        read_framed_trigger,
        read_contained_trigger,
    ]


def test_real_triggers_are_read_without_the_rest(real_data: Any) -> None:
    packets = [make_real(record) for record in real_records(real_data)]

    assert all(agrees(parse_framed(packet), read_framed_trigger(packet)) for packet in packets)
    begun = time.process_time()
    for _ in range(50):
        for packet in packets:
            read_framed_trigger(packet)
    alone = time.process_time() - begun
    begun = time.process_time()
    for packet in packets:
        parse_framed(packet)
    assert alone < 50 * (time.process_time() - begun) / 20
