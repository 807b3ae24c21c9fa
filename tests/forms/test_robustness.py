"""Whatever the bytes, a parser returns or says why not: nothing else escapes."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.packets import (
    make_circular,
    make_detection,
    make_forced,
    make_gwalert_avro,
    make_gwalert_json,
    make_limit,
    make_ztf_packet,
)
from tom.formats.containers import split_records
from tom.formats.describe import describe
from tom.formats.errors import MalformedAlertError
from tom.forms.circular import parse_circular
from tom.forms.networks import FILE_TOPIC, UNKNOWN
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.missions.lvk.alert import parse_gwalert_avro, parse_gwalert_json
from tom.surveys.ztf.packets import parse_ztf

EPOCHS = {"history": [make_detection(), make_limit()], "forced": [make_forced()]}
SOUND = [
    make_ztf_packet(**EPOCHS, codec="null"),
    make_ztf_packet(**EPOCHS, codec="deflate"),
    make_ztf_packet(**EPOCHS, codec="snappy"),
    make_gwalert_avro(),
    make_gwalert_json(),
    make_circular(),
]


def cut(payload):
    return list(split_records(payload))


PARSERS = [parse_ztf, parse_gwalert_avro, parse_gwalert_json, parse_circular, cut]


@st.composite
def damaged(draw):
    """Take a sound message and overwrite, cut out or double some of its bytes."""
    payload = bytearray(draw(st.sampled_from(SOUND)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(payload)))
        end = start + draw(st.sampled_from([0, 1, 2, 8, 100]))
        payload[start:end] = draw(st.binary(max_size=12)) * draw(st.sampled_from([0, 1, 1, 2]))
    return bytes(payload)


@settings(max_examples=300, deadline=None)
@given(payload=st.one_of(damaged(), st.binary(max_size=200)))
def test_only_malformed_alerts_escape_a_parser(payload):
    for parse in PARSERS:
        with suppress(MalformedAlertError):
            parse(payload)
    assert identify(FILE_TOPIC, payload) in {*forms(), UNKNOWN}
    assert describe(payload)


def test_damaged_real_packets_say_what_is_wrong(real_data):
    for path in sorted((real_data / "malformed").glob("*.avro")):
        with pytest.raises(MalformedAlertError, match=r"^Avro \w+ .{5,}"):
            parse_ztf(path.read_bytes())
        assert "damaged" in describe(path.read_bytes())
