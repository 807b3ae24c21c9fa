"""The headers of a message: kept as texts within bounds, whatever stands in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.streams.headers import (
    MOST_HEADERS,
    MOST_NAME,
    MOST_VALUE,
    describe_format,
    find_id,
    is_test,
    read_headers,
)

KINDS_OF_HOP = ["voevent", "circular", "json", "avro", "blob", "external"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"json", "json"),
        (b"", ""),
        (None, ""),
        ("already a text", "already a text"),
        ("Zo\u00eb".encode(), "Zo\u00eb"),
        (b"\x00\x01\xff", "0001ff"),
        (b"a\x00b", "610062"),
        (b"\xff\xfej\x00", "fffe6a00"),
        (b"x" * 5000, "x" * MOST_VALUE),
        (b"two\nlines", "74776f0a6c696e6573"),
    ],
)
def test_a_value_is_kept_as_text_or_as_hexadecimal_digits(value: object, kept: str) -> None:
    assert read_headers([("_format", value)]) == [["_format", kept]]


def test_no_message_has_headers_without_bound_and_one_without_any_has_none() -> None:
    assert len(read_headers([("x" * 500, b"y")] * 10_000)) == MOST_HEADERS
    assert read_headers(None) == []
    assert find_id(None) == ""


@given(st.lists(st.tuples(st.text(), st.none() | st.binary() | st.text())))
def test_no_header_ends_a_listener(headers: list[tuple[str, object]]) -> None:
    kept = read_headers(headers)

    assert all("\0" not in text and text.encode() is not None for pair in kept for text in pair)
    find_id(headers)
    describe_format(kept)


@pytest.mark.parametrize("name", KINDS_OF_HOP)
def test_the_form_that_hop_names_is_said(name: str) -> None:
    assert describe_format([["_id", "00"], ["_format", name.upper()]]) == f"said to be {name}"


@pytest.mark.parametrize("value", ["ZTF26secret 17.3", "", "x" * 900])
def test_a_form_that_nobody_knows_is_not_quoted(value: str) -> None:
    assert describe_format([["_format", value]]) == "said to be of an unknown format"


@pytest.mark.parametrize("headers", [[], None, {}, [[]], ["_format"], [["_format", None]], "x"])
def test_nothing_is_said_where_nothing_is_named(headers: object) -> None:
    assert describe_format(headers) == ""


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([("_id", b"\x01\xff")], "01ff"),
        ([("_id", b""), ("_id", b"\x02"), ("_id", b"\x03")], "02"),  # the first that says any
        ([("_id", "text")], ""),
        ([("id", b"\x01")], ""),
        ([("_id", None)], ""),
    ],
)
def test_hop_s_id_is_its_bytes_in_digits(headers: list[tuple[str, object]], found: str) -> None:
    assert find_id(headers) == found


@pytest.mark.parametrize(
    ("headers", "marked"),
    [
        ([("_test", b"true")], True),
        ([("_id", b"\x01"), ("_test", b"")], True),  # its name says it, whatever its value
        ([("test", b"true")], False),
        ([], False),
        (None, False),
    ],
)
def test_a_test_is_marked_by_hop_s_header(headers: object, *, marked: bool) -> None:
    assert is_test(headers) is marked  # type: ignore[arg-type]


def test_a_long_name_is_cut_and_what_is_no_text_is_written_as_one() -> None:
    assert read_headers([("n" * 500, 7)]) == [["n" * MOST_NAME, "7"]]


def test_the_first_format_that_is_a_text_counts() -> None:
    assert describe_format([["_format", 3], ["_format", " AVRO "], ["_format", "json"]]) == (
        "said to be avro"
    )
