"""A VOEvent is read within bounds, and what is dangerous or damaged is refused with its reason."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.missions.voevents import IVORNS, make_voevent
from tom.formats.errors import MalformedAlertError
from tom.formats.voevent import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, is_xml, read_voevent

FORM = "gcn.fermi.gbm.voevent"
SOUND = make_voevent(FORM)


def after_head(text: bytes, payload: bytes = SOUND) -> bytes:
    """Put a text between the declaration of XML and the root."""
    declaration, end, rest = payload.partition(b"?>")
    return declaration + end + text + rest


def test_a_voevent_says_who_when_where_and_of_which_it_speaks() -> None:
    cites = [("followup", "ivo://a/b#1"), ("retraction", "ivo://a/b#2")]
    voevent = read_voevent(make_voevent(FORM, cites=cites))

    assert (voevent.ivorn, voevent.role) == (IVORNS[FORM], "observation")
    assert voevent.date == datetime(2026, 1, 1, 5, 5, tzinfo=UTC)
    assert voevent.event_time == datetime(2026, 1, 1, 5, 4, 46, 430_000, tzinfo=UTC)
    assert voevent.place is not None
    assert (voevent.place.ra, voevent.place.dec, voevent.place.radius_deg) == (50.0, 20.0, 3.0)
    assert voevent.value("TrigID") == "789000001"
    assert voevent.value("TrigID", "GW_SKYMAP") is None
    assert voevent.citations == tuple(cites)
    assert voevent.cites("retraction")
    assert voevent.left_out == ()


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd">',
        b'<!DOCTYPE l [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
    ],
)
def test_a_document_type_is_refused_and_nothing_of_it_is_opened(text: bytes) -> None:
    with pytest.raises(MalformedAlertError, match="document type or an entity: refused"):
        read_voevent(after_head(text))


def test_an_entity_that_nobody_declares_is_damage() -> None:
    with pytest.raises(MalformedAlertError, match="damaged XML: undefined entity"):
        read_voevent(SOUND.replace(b"789000001", b"&x;"))


def test_size_depth_and_number_are_bounded() -> None:
    deep = b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH
    for inside, reason in (
        (b" " * MAX_BYTES, "longer than"),
        (deep, "XML deeper than"),
        (b"<a/>" * MAX_ELEMENTS, "more than 5000 elements"),
    ):
        with pytest.raises(MalformedAlertError, match=reason):
            read_voevent(SOUND.replace(b"<What>", b"<What>" + inside))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"<html><body>503</body></html>", "no VOEvent: it is a html"),
        (b"<VOEvent role='test'/>", "without an ivorn"),
        (make_voevent(FORM, role="sermon"), "with the role 'sermon'"),
        (SOUND[:-20], "damaged XML"),
        (b"", "damaged XML"),
        (b"{}", "damaged XML"),
        (SOUND.replace(b"UTF-8", b"no-such-code"), "damaged XML: unknown encoding"),
    ],
)
def test_what_is_no_sound_voevent_says_why(payload: bytes, reason: str) -> None:
    with pytest.raises(MalformedAlertError, match=reason):
        read_voevent(payload)


@pytest.mark.parametrize(
    ("values", "left_out"),
    [
        ({"place": (0.0, 0.0, 0.0)}, ()),
        ({"place": None}, ()),
        ({"place": (10.0, 20.0, 0.0)}, ("its place (without an error: no map is made of it)",)),
        ({"place": (10.0, 20.0, -1.0)}, ("its place (without an error: no map is made of it)",)),
        ({"place": (400.0, 20.0, 1.0)}, ("its place 400, 20 (outside of the sky)",)),
        ({"frame": "UTC-GAL-GEO"}, ("its place (in a frame of GAL, not of ICRS)",)),
    ],
)
def test_a_place_that_cannot_be_used_is_none(values: dict[str, object], left_out: object) -> None:
    voevent = read_voevent(make_voevent(FORM, **values))

    assert voevent.place is None
    assert voevent.left_out == left_out


def test_coordinates_are_told_apart_by_their_names() -> None:
    swapped = SOUND.replace(b"<Name1>RA", b"<Name1>Dec").replace(b"<Name2>Dec", b"<Name2>RA")
    place = read_voevent(swapped).place

    assert place is not None
    assert (place.ra, place.dec) == (20.0, 50.0)


def test_a_time_that_is_none_is_left_out_and_said() -> None:
    voevent = read_voevent(make_voevent(FORM, time="yesterday", date="3026-01-01"))

    assert (voevent.date, voevent.event_time) == (None, None)
    assert voevent.left_out == ("Date 3026-01-01 (not a time)", "ISOTime yesterday (not a time)")


def test_a_value_may_stand_in_an_element_and_of_two_the_first_counts() -> None:
    other = b'<Param name="TrigID"><Value>1</Value></Param><Param name="a"><Value>b</Value></Param>'
    voevent = read_voevent(SOUND.replace(b"</What>", other + b"</What>"))

    assert (voevent.value("TrigID"), voevent.value("a")) == ("789000001", "b")


@pytest.mark.parametrize("coding", ["utf-8-sig", "latin-1"])
def test_voevents_are_read_in_the_coding_that_they_declare(coding: str) -> None:
    text = make_voevent(FORM, TrigID="1").decode()
    if coding == "latin-1":
        text = text.replace("UTF-8", "ISO-8859-1").replace('value="1"', 'value="é"')
    payload = text.encode(coding)

    assert is_xml(payload)
    assert read_voevent(payload).value("TrigID") == ("é" if coding == "latin-1" else "1")


@given(st.binary(max_size=300), st.integers(0, len(SOUND)))
def test_only_malformed_alerts_escape_whatever_the_bytes(inside: bytes, where: int) -> None:
    for payload in (inside, SOUND[:where] + inside + SOUND[where:]):
        with suppress(MalformedAlertError):
            read_voevent(payload)
