"""Tables of photometry that people bring."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.photometry import magnitude_of
from tom.targets.photometry_table import (
    MOST_ROWS,
    NoTableError,
    Reading,
    guess_columns,
    read_points,
    read_table,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def read(text: str, *, unit: str = "ujy") -> Reading:
    table = read_table(text)
    return read_points(table, guess_columns(table.headings), flux_unit=unit, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "mjd,filter,mag,magerr\n61000.25,r,19.5,0.1\n",
        "MJD\tBand\tMag\te_mag\n61000.25\tr\t19.5\t0.1\n",
        "# mjd band mag err\n 61000.25 r   19.5 0.1\n",
        "\ufeffJD;flt;AB mag;mag err\n2461000.75;r;19.5;0.1",
        "date_obs|filter|magnitude|magnitude_error\n2025-11-21T06:00:00Z | ztfr | 19.5 | 0.1",
        "time,band,mag,err\n2025/11/21 06:00,sdss r,19.5,0.1",
    ],
)
def test_each_way_of_a_table_is_the_same_point(text: str) -> None:
    reading = read(text)
    (point,) = reading.points

    assert reading.errors == []
    assert point.time == datetime(2025, 11, 21, 6, tzinfo=UTC)
    assert (point.band, point.kind) == ("r", "alert")
    told = magnitude_of(flux=point.flux_njy, flux_error=point.flux_error_njy)
    assert told.magnitude == pytest.approx(19.5)
    assert told.error == pytest.approx(0.1)


def test_a_limit_stands_in_its_column_or_behind_a_sign() -> None:
    reading = read("mjd,band,mag,magerr,limit\n61000,r,,,20.5\n61001,r,>20.5,,\n61002,r,99.0,,20.5")

    limits = [magnitude_of(flux=p.flux_njy, flux_error=p.flux_error_njy) for p in reading.points]
    assert [told.limit for told in limits] == [pytest.approx(20.5)] * 3
    assert {point.kind for point in reading.points} == {"limit"}


@pytest.mark.parametrize(("unit", "njy"), [("njy", 50.0), ("ujy", 50e3), ("mjy", 50e6)])
def test_a_flux_has_the_unit_that_was_chosen(unit: str, njy: float) -> None:
    (point,) = read("mjd,band,flux,flux_err\n61000,r,-50,10", unit=unit).points

    assert (point.flux_njy, point.flux_error_njy) == (-njy, njy / 5)
    assert point.kind == "forced"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("yesterday,r,19,0.1", "neither MJD, JD nor a date"),
        ("12,r,19,0.1", "neither MJD nor JD"),
        ("89000,r,19,0.1", "future"),
        ("61000,,19,0.1", "band"),
        ("61000,1,19,0.1", "band"),
        ("61000,r,19,", "no error"),
        ("61000,r,19,0", "not above 0"),
        ("61000,r,19,-0.1", "not above 0"),
        ("61000,r,bright,0.1", "is not a number"),
        ("61000,r,400,0.1", "is not an AB magnitude"),
        ("61000,r,1e400,0.1", "is not a number"),
        ("61000,r,,", "no magnitude, flux or limit"),
        ("61000", "band"),
    ],
)
def test_a_row_that_ails_is_named_with_why(row: str, why: str) -> None:
    reading = read(f"mjd,band,mag,err\n61000,g,19,0.1\n{row}\n")

    ((number, told),) = reading.errors
    assert number == 2
    assert why in told
    assert len(reading.points) == 1


def test_the_same_time_and_band_twice_is_an_error() -> None:
    reading = read("mjd,band,mag,err\n61000,r,19,0.1\n61000,r,19.2,0.1")

    assert reading.errors == [(2, "the same time and band as row 1")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(("", "headings"), ("mjd,band", "headings"), ("a\nb", "columns")),
        ("61000,18,19,0.1\n61001,18,19,0.1", "needs headings"),
        ("mjd,band,mag,err\n" + "61000,r,19,0.1\n" * (MOST_ROWS + 1), "rows"),
        ("x" * 1_000_001, "characters"),
        (",".join(["a"] * 100) + "\n1", "columns"),
    ],
)
def test_a_text_that_is_no_table_says_why(text: str, why: str) -> None:
    with pytest.raises(NoTableError, match=why):
        read_table(text)


@given(st.text(max_size=200) | st.text('0123456789.,;|\t\n"-+>eEmjdbag ', max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        reading = read(f"mjd,band,mag,err,flux,flux_err,limit\n{text}")
    except NoTableError:
        return
    for point in reading.points:
        assert point.flux_error_njy > 0
        assert point.time < NOW + timedelta(hours=2)
