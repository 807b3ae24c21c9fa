"""Times as surveys and missions send them, against astropy."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.formats.base64_text import decode_base64
from tom.formats.errors import MalformedAlertError
from tom.formats.json_text import cleaned, read_json
from tom.formats.times import JD_OF_MJD, in_utc, middle_of_exposure, time_of_jd
from tom.formats.values import integer, magnitude, separation


@given(st.floats(2_451_545.0, 2_463_000.0), st.floats(0.001, 3599))
def test_the_middle_of_an_exposure_is_that_of_astropy(jd: float, seconds: float) -> None:
    expected = Time(jd, format="jd", scale="utc").to_datetime(UTC) + timedelta(seconds=seconds / 2)

    found = middle_of_exposure(jd, seconds)

    assert found is not None
    assert abs(found - expected) <= timedelta(milliseconds=1)
    assert found.microsecond % 1000 == 0


@pytest.mark.parametrize("seconds", [None, 0, -1, 3600, 1e9, float("nan"), "30"])
def test_an_exposure_that_cannot_be_is_the_usual_one(seconds: object) -> None:
    begin = datetime(2026, 1, 1, 6, tzinfo=UTC)

    assert middle_of_exposure(2_461_041.75, seconds) == begin + timedelta(seconds=15)
    assert middle_of_exposure(2_461_041.75, seconds, usual_s=100) == begin + timedelta(seconds=50)


def test_a_julian_date_alone_is_a_moment() -> None:
    assert time_of_jd(61_041.25 + JD_OF_MJD) == datetime(2026, 1, 1, 6, tzinfo=UTC)
    for jd in (2_451_544.5, 2_488_070.0, None, "2461041.75", True):
        assert time_of_jd(jd) is None


@pytest.mark.parametrize(
    ("time", "utc"),
    [
        (datetime(2026, 1, 1, 6), datetime(2026, 1, 1, 6, tzinfo=UTC)),  # noqa: DTZ001
        (
            datetime(2026, 1, 1, 6, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 1, 1, 4, tzinfo=UTC),
        ),
        (datetime(1900, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)),
        (datetime(2099, 12, 31, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)),
    ],
)
def test_a_time_is_taken_in_utc(time: datetime, utc: datetime) -> None:
    found = in_utc(time)

    assert found == utc
    assert found.tzinfo is UTC


@given(st.datetimes(timezones=st.none() | st.timezones()))
@settings(max_examples=40)
def test_any_time_is_taken_or_out_of_range(time: datetime) -> None:
    try:
        assert in_utc(time).utcoffset() == timedelta(0)
    except ValueError as error:
        assert str(error) == "out of range"  # noqa: PT017  either is right
        assert not 1900 <= time.year < 2100


# --- Single values ------------------------------------------------------------------------------
@pytest.mark.parametrize(("value", "size"), [(19, 19.0), (0.01, 0.01), (39.99, 39.99)])
def test_a_magnitude_is_read(value: float, size: float) -> None:
    assert magnitude(value) == size


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (2**63 - 1, 2**63 - 1),
        (-(2**63) + 1, -(2**63) + 1),
        *((2**63, None), (-(2**63), None), (1.0, None), (True, None), ("1", None), (None, None)),
    ],
)
def test_an_integer_is_one_that_a_column_holds(value: object, number: int | None) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(("value", "arcsec"), [(900, 900.0), (900.1, None), (-0.1, None)])
def test_a_separation_has_its_ends(value: float, arcsec: float | None) -> None:
    assert separation(value) == arcsec


# --- JSON and base64 ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"a": [1, NaN]}', None),
        (b'"a\\ud800b"', "a?b"),  # half of a character: the tolerant reader takes it
        (b'{"\\ud800": "\\udfff"}', {"?": "?"}),
        ("\ufeff[1]".encode(), [1]),
        ('{"a": "\u00e4"}'.encode("utf-16"), {"a": "\u00e4"}),
        (b" true ", True),
    ],
)
def test_json_is_read_as_senders_write_it(payload: bytes, value: object) -> None:
    read = read_json(payload)

    assert value is None or read == value


@pytest.mark.parametrize("payload", [b"", b"{", b"[1,]", b"\xff\xfe\xff", b"[" * 5000, b"words"])
def test_what_is_no_json_is_refused_with_the_reason(payload: bytes) -> None:
    with pytest.raises(MalformedAlertError, match="not JSON"):
        read_json(payload)


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    )
)
@settings(max_examples=40)
def test_cleaning_leaves_nothing_that_no_database_stores(value: object) -> None:
    text = repr(cleaned(value))

    assert "\\x00" not in text
    assert text.encode()


@pytest.mark.parametrize("value", [b"raw", 7, None, ["x"]])
def test_what_is_no_text_is_not_decoded(value: object) -> None:
    assert decode_base64(value) is value


@pytest.mark.parametrize(("text", "data"), [("", b""), ("AAE=", b"\0\1"), (" AA\r\nE= ", b"\0\1")])
def test_base64_is_decoded_over_its_lines(text: str, data: bytes) -> None:
    assert decode_base64(text) == data


@pytest.mark.parametrize("text", ["A", "AAE", "A*==", "\u00e4AA=", "AAE=AAE=x"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the map is not base64"):
        decode_base64(text)
