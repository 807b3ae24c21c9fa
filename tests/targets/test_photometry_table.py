"""Tables of photometry that people bring."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.photometry import magnitude_of
from tom.targets.photometry_table import (
    MOST_COLUMNS,
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


# --- Cells --------------------------------------------------------------------------------------
ROW = {"mjd": "61000", "band": "r", "mag": "", "err": "", "limit": "", "flux": "", "flux_err": ""}


def read_one(**cells: str) -> Reading:
    row = {**ROW, **cells}
    return read(f"{';'.join(row)}\n{';'.join(row.values())}")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("61000", datetime(2025, 11, 21, tzinfo=UTC)),
        ("2461000.5", datetime(2025, 11, 21, tzinfo=UTC)),
        ("61000.000001", datetime(2025, 11, 21, 0, 0, 0, 86_400, tzinfo=UTC)),
        ("15020", datetime(1900, 1, 1, tzinfo=UTC)),
        ("2415020.5", datetime(1900, 1, 1, tzinfo=UTC)),
        ("2025-11-21", datetime(2025, 11, 21, tzinfo=UTC)),
        ("2025-11-21T06:00:00+02:00", datetime(2025, 11, 21, 4, tzinfo=UTC)),
        ("2025/11/21 23:30:00-01:00", datetime(2025, 11, 22, 0, 30, tzinfo=UTC)),
        ("2026-11-25T01:00:00", NOW + timedelta(hours=1)),  # a clock may be wrong
    ],
)
def test_a_time_is_read_as_utc(text: str, time: datetime) -> None:
    (point,) = read_one(mjd=text, mag="19", err="0.1").points

    assert point.time == time


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("15019.9", "before 1900"),
        ("14999", "neither MJD nor JD"),
        ("2490001", "neither MJD nor JD"),
        ("90000.1", "neither MJD nor JD"),
        ("2026-11-25T01:00:01", "in the future"),
        ("1899-12-31T23:59:59", "before 1900"),
        ("2025-13-01", "neither MJD, JD nor a date"),
        ("", "neither MJD, JD nor a date"),
        ("inf", "neither MJD, JD nor a date"),
    ],
)
def test_a_time_that_cannot_be_says_why(text: str, why: str) -> None:
    ((_, told),) = read_one(mjd=text, mag="19", err="0.1").errors

    assert why in told


@pytest.mark.parametrize(
    ("text", "band"),
    [
        *(("ZTF_r", "r"), ("ztf-g", "g"), ("LSST:i", "i"), ("PS1.z", "z"), ("Sloan u", "u")),
        *(("atlaso", "o"), ("desy", "y"), ("panstarrs w", "w"), ("swope B", "B"), ("sdssr", "r")),
        *(("ZTF", "ZTF"), ("des", "des"), ("r'", "r'"), ("F606W", "F606W"), ("UVW2", "UVW2")),
        *((" r ", "r"), ("abcdefgh", "abcdefgh")),
    ],
)
def test_a_band_is_told_without_its_survey(text: str, band: str) -> None:
    (point,) = read_one(band=text, mag="19", err="0.1").points

    assert point.band == band


@pytest.mark.parametrize("text", ["", "2", "abcdefghi", "r/g", "*", "_r", "r g"])
def test_what_is_no_band_is_named(text: str) -> None:
    assert read_one(band=text, mag="19", err="0.1").errors == [
        (1, f"“{text}” is not a band: a letter, and up to 8 characters")
    ]


NONE = ["", "-", "--", "nan", "NaN", "None", "null", "N/A", "na", "99", "99.0", "99.99", "-99"]


@pytest.mark.parametrize("none", NONE)
def test_what_stands_for_nothing_leaves_the_next_column_to_speak(none: str) -> None:
    flux = read_one(mag=none, err=none, flux="-50", flux_err="10", limit="20").points
    limit = read_one(mag=none, err=none, flux=none, flux_err=none, limit="20").points
    nothing = read_one(mag=none, flux=none, limit=none)

    assert [(p.kind, p.flux_njy, p.flux_error_njy) for p in flux] == [("forced", -50e3, 10e3)]
    # Magnitude 20 is 36,308 nJy (AB), and a limit lies five errors above nothing.
    assert [(p.kind, p.flux_njy) for p in limit] == [("limit", None)]
    assert limit[0].flux_error_njy == pytest.approx(36_307.8 / 5, rel=1e-5)
    assert nothing.errors == [(1, "it has no magnitude, flux or limit")]
    assert "has no error" in read_one(mag="19", err=none).errors[0][1]


@pytest.mark.parametrize("sign", [">", "<", "> ", ">>"])
def test_a_sign_before_a_magnitude_makes_it_a_limit(sign: str) -> None:
    for cells in ({"mag": f"{sign}20"}, {"limit": f"{sign}20"}):
        (point,) = read_one(**cells).points
        assert (point.kind, point.flux_njy) == ("limit", None)
        assert point.flux_error_njy == pytest.approx(36_307.8 / 5, rel=1e-5)


@pytest.mark.parametrize("error", ["0.001", "0.3", "2"])
def test_an_error_in_magnitudes_is_one_of_the_flux(error: str) -> None:
    (point,) = read_one(mag="20", err=error).points

    assert (point.kind, point.flux_njy) == ("alert", pytest.approx(36_307.8, rel=1e-5))
    wanted = point.flux_njy * float(error) / 1.0857362
    assert point.flux_error_njy == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"mag": "20", "err": "2.01"}, "the magnitude error 2.01 is not above 0 and at most 2"),
        ({"mag": "-5.1", "err": "0.1"}, "the magnitude -5.1 is not an AB magnitude"),
        ({"mag": "40.1", "err": "0.1"}, "the magnitude 40.1 is not an AB magnitude"),
        ({"mag": "20", "err": "small"}, "the magnitude error “small” is not a number"),
        ({"limit": "0"}, "the limit 0 is not an AB magnitude"),
        ({"limit": "41"}, "the limit 41 is not an AB magnitude"),
        ({"limit": "deep"}, "the limit “deep” is not a number"),
        ({"flux": "many"}, "the flux “many” is not a number"),
        ({"flux": "5"}, "the flux error “” is not a number"),
        ({"flux": "5", "flux_err": "0"}, "the flux error must be above 0"),
        ({"flux": "5", "flux_err": "-1"}, "the flux error must be above 0"),
        ({"flux": "5", "flux_err": "1e27"}, "both must be below 1e30 nJy"),
        ({"flux": "-1e27", "flux_err": "1"}, "both must be below 1e30 nJy"),
    ],
)
def test_a_brightness_that_cannot_be_says_why(cells: dict[str, str], why: str) -> None:
    ((number, told),) = read_one(**cells).errors

    assert number == 1
    assert why in told


@pytest.mark.parametrize("magnitude", ["-5", "0", "40"])
def test_the_brightest_and_the_faintest_magnitudes_are_taken(magnitude: str) -> None:
    (point,) = read_one(mag=magnitude, err="0.1").points

    wanted = 31.4 - 2.5 * math.log10(point.flux_njy)
    assert wanted == pytest.approx(float(magnitude), abs=1e-9)


def test_a_telescope_is_told_in_40_characters_that_can_be_printed() -> None:
    row = f"61000,r,19,0.1,VLT\a {'x' * 60}"

    (point,) = read(f"mjd,band,mag,err,telescope\n{row}").points

    assert point.telescope == "VLT " + "x" * 36


def test_one_moment_has_a_point_of_each_band_and_kind_and_each_bad_row_its_number() -> None:
    reading = read(
        "mjd,band,mag,err,limit\n61000,r,19,0.1,\n61000,g,19,0.1,\n61000,r,,,20\n61000,r,,,21\n"
        "61000,z,,,\n61000,g,18,0.1,\n61001,r,19\n61000,r,,,22"
    )

    assert [(p.band, p.kind) for p in reading.points] == [
        *(("r", "alert"), ("g", "alert"), ("r", "limit"))
    ]
    assert reading.errors == [
        (4, "the same time and band as row 3"),
        (5, "it has no magnitude, flux or limit"),
        (6, "the same time and band as row 2"),
        (7, "the magnitude has no error"),
        (8, "the same time and band as row 3"),
    ]


# --- Lines and headings -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "# by hand\n# new\n# mjd band mag err\n61000 r 19 0.1\n# bad: 2 r 19\n61001 r 19 0.1",
        "mjd | band | mag | err\n----+----+---+---\n61000|r|19|0.1\n\n61001|r|19|0.1\n=====",
        "mjd band mag err\n# seen twice\n61000 r 19 0.1\n61001 r 19 0.1",
        'mjd,band,mag,err\r\n"61000","r",19,0.1\r\n 61001 , r ,19,0.1\r\n',
        "m\0jd,band,mag,err\n61000,r,19,0.1\n,,,\n61001,r,19,0.1",
    ],
)
def test_lines_without_a_cell_and_notes_are_passed_over(text: str) -> None:
    reading = read(text)

    assert [point.time.day for point in reading.points] == [21, 22]
    assert reading.errors == []


def test_a_quoted_cell_may_hold_what_stands_between_cells() -> None:
    (point,) = read('mjd,band,mag,err,tel\n61000,r,19,0.1,"VLT, UT1"').points

    assert point.telescope == "VLT, UT1"


@pytest.mark.parametrize(("columns", "rows"), [(2, 1), (MOST_COLUMNS, 1), (2, MOST_ROWS)])
def test_the_largest_table_is_read(columns: int, rows: int) -> None:
    table = read_table("\n".join([",".join(["x" * 50] * columns), *["1,2"] * rows]))

    assert table.headings == ["x" * 40] * columns
    assert len(table.rows) == rows


@pytest.mark.parametrize(
    "text", [",".join(["a"] * (MOST_COLUMNS + 1)) + "\n1", 'a,b\n"' + "x" * 200_000, "#\n#\n#"]
)
def test_a_table_that_is_too_wide_or_broken_is_none(text: str) -> None:
    with pytest.raises(NoTableError):
        read_table(text)


@pytest.mark.parametrize(
    ("headings", "found"),
    [
        ("JD Filter Mag_AB", {"time": 0, "band": 1}),
        ("obs-date filter mag mag_err", None),
        ("mag mag MJD", {"magnitude": 0, "time": 2}),
        ("e e_mag m", {"magnitude": 2, "magnitude_error": 0}),
        ("T [UTC]", {}),
        ("mjd fid magpsf sigmapsf diffmaglim", None),
        ("fnu e_flux limiting_mag instrument", None),
        ("ra dec name", {}),
    ],
)
def test_a_column_is_guessed_by_its_heading(headings: str, found: dict[str, int] | None) -> None:
    words = headings.split() if "[" not in headings else [headings]
    complete = {
        "obs-date": ["time", "band", "magnitude", "magnitude_error"],
        "mjd": ["time", "band", "magnitude", "magnitude_error", "limit"],
        "fnu": ["flux", "flux_error", "limit", "telescope"],
    }
    wanted = found or {name: n for n, name in enumerate(complete.get(words[0], []))}

    assert guess_columns(words) == wanted


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        *(("Flux (uJy)", "flux"), ("flux [mJy]", "flux"), ("Flux Err. (uJy)", "flux_error")),
        *(("f_nu", "flux"), ("nJy", "flux"), ("dUJy", "flux_error"), ("forcedflux", "flux")),
        *(("AB mag", "magnitude"), ("Upper Limit", "limit"), ("date-obs", "time")),
        *(("pass band", ""), ("magnetism", ""), ("timeout", ""), ("filters", "")),
    ],
)
def test_units_and_signs_in_a_heading_do_not_matter(heading: str, name: str) -> None:
    assert guess_columns(["x", heading]) == ({name: 1} if name else {})
