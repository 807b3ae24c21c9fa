"""A report as a circular, and its table as a person edits it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.reports.hermes.circular_form import (
    COLUMNS,
    TableError,
    percent_of,
    read_rows,
    write_circular,
    write_rows,
)

ROWS = [
    {
        "target_name": "ZTF26a",
        "date_obs": "2026-11-20T05:00:00+00:00",
        "bandpass": "r",
        "telescope": "Palomar 1.2m Oschin",
        "instrument": "ZTF",
        "brightness": 18.512,
        "brightness_error": 0.05,
        "brightness_unit": "AB mag",
    },
    {
        "target_name": "ZTF26longer",
        "date_obs": "2026-11-19T05:00:00+00:00",
        "bandpass": "g",
        "telescope": "Palomar 1.2m Oschin",
        "instrument": "ZTF",
        "limiting_brightness": 20.8,
        "limiting_brightness_unit": "AB mag",
    },
]
BODY = {
    "title": "S261120ab: 2 candidates\nfrom Counterpart",
    "authors": "V. Rubin (Counterpart)",
    "message_text": "A first line.\n\n" + "word " * 40,
    "data": {
        "targets": [
            {"name": "ZTF26a", "ra": 197.45, "dec": -23.38},
            {"name": "ZTF26longer", "ra": 0.5, "dec": 3.0},
        ],
        "photometry": ROWS,
        "extra_data": {
            "candidates": [{"name": "ZTF26a", "posterior": 0.8, "credible_level_2d": 0.9018}]
        },
    },
}


def test_a_circular_has_subject_authors_text_and_tables_of_one_width() -> None:
    text = write_circular(BODY)
    lines = text.splitlines()

    assert lines[0] == "SUBJECT: S261120ab: 2 candidates from Counterpart"
    assert lines[2] == "FROM:    V. Rubin (Counterpart)"
    assert all(len(line) <= 78 for line in lines)
    assert "ZTF26a      | 197.45000 | -23.38000 | 0.8   | 91%" in lines
    assert "ZTF26longer | 0.50000   | +3.00000  | -     | -" in lines
    assert "ZTF26a      | 2026-11-20 05:00:00 | r    | 18.51 +/- 0.05 | ZTF" in lines
    assert "ZTF26longer | 2026-11-19 05:00:00 | g    | > 20.80        | ZTF" in lines


def test_a_report_of_nothing_is_a_circular_of_its_text() -> None:
    assert write_circular({"title": "T", "authors": "A", "message_text": "x"}).endswith("x\n")


def test_the_table_is_read_back_as_it_was_written() -> None:
    assert read_rows(write_rows(ROWS), targets=["ZTF26a", "ZTF26longer"]) == ROWS


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ZTF26b,2026-11-25,r,19,0.1,,T,I", "row 1 is of “ZTF26b”"),
        ("ZTF26a,yesterday,r,19,0.1,,T,I", "no date"),
        ("ZTF26a,2026-11-25,,19,0.1,,T,I", "empty band"),
        ("ZTF26a,2026-11-25,r,,,,T,I", "neither a magnitude nor a limit"),
        ("ZTF26a,2026-11-25,r,nan,0.1,,T,I", "is not a number"),
        ("ZTF26a,2026-11-25,r,400,0.1,,T,I", "is not an AB magnitude"),
        ("ZTF26a,2026-11-25,r,19,0,,T,I", "an error that is not above 0"),
        ("ZTF26a,2026-11-25,r,19,0.1,,T", "7 cells, not 8"),
        ("x" * 500_001, "characters"),
        ("ZTF26a,2026-11-25,r,19,0.1,,T,I\n" * 2_001, "more than 2,000 rows"),
    ],
)
def test_a_row_that_cannot_be_told_is_named_with_why(line: str, why: str) -> None:
    with pytest.raises(TableError, match=why):
        read_rows(line, targets=["ZTF26a"])


# --- What is told of a region -------------------------------------------------------------------
@given(st.floats(0, 1))
def test_a_region_told_of_holds_what_lies_in_it_and_is_no_larger_than_it_need(level: float) -> None:
    percent = percent_of(level)

    assert 0 <= percent <= 100
    assert percent >= 100 * level - 1e-7
    assert percent < 100 * level + 1


@pytest.mark.parametrize("percent", range(101))
def test_a_whole_percentage_stays_what_it_is(percent: int) -> None:
    # 0.07 * 100 is more than 7 in a computer's numbers.
    assert percent_of(percent / 100) == percent


def test_the_table_and_the_text_tell_of_one_region() -> None:
    candidates = [{"name": "ZTF26a", "posterior": None, "credible_level_2d": 0.07}]
    data = BODY["data"] | {"photometry": [], "extra_data": {"candidates": candidates}}

    text = write_circular(BODY | {"data": data})

    assert "ZTF26a      | 197.45000 | -23.38000 | -     | 7%" in text.splitlines()


def test_no_probability_is_told_as_certain() -> None:
    candidates = [{"name": "ZTF26a", "posterior": 0.9999, "credible_level_2d": None}]
    data = BODY["data"] | {"photometry": [], "extra_data": {"candidates": candidates}}

    assert "| > 0.99 |" in write_circular(BODY | {"data": data})


# --- The circular -------------------------------------------------------------------------------
def cells_of(**row: object) -> list[str]:
    data = {"targets": [], "photometry": [{"target_name": "T", "bandpass": "r"} | row]}
    return [cell.strip() for cell in write_circular({"data": data}).splitlines()[-1].split("|")]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"date_obs": "2026-11-20T05:00:00+02:00"}, "2026-11-20 03:00:00"),
        ({"date_obs": "2026-11-20T05:00:00"}, "2026-11-20 05:00:00"),
        ({"date_obs": "last night"}, "last night"),
        ({"date_obs": "0001-01-01T00:00:00+14:00"}, "0001-01-01T00:00:00+14:00"),
        ({"brightness": 18.0}, "18.00"),
        ({"brightness": 18.0, "brightness_error": 0.004}, "18.00 +/- 0.00"),
        ({"brightness": 18.0, "limiting_brightness": 20.0}, "18.00"),
        ({"limiting_brightness": 20.456}, "> 20.46"),
        ({"telescope": "P48"}, "P48"),
        ({"telescope": "P48", "instrument": "ZTF"}, "ZTF"),
    ],
)
def test_a_row_of_a_table_says_what_there_is(row: dict[str, object], told: str) -> None:
    cells = cells_of(**row)

    assert (cells[0], cells[2]) == ("T", "r")
    assert told in cells
    assert cells.count("") <= 2


def test_long_lines_are_broken_between_words_and_empty_ones_are_kept() -> None:
    address = "https://example.org/" + "x" * 100
    text = f"First.\n\n{'word ' * 30}\n{address}"

    lines = write_circular({"message_text": text}).splitlines()

    assert lines[4:6] == ["First.", ""]
    assert address in lines
    assert max(len(line) for line in lines if line != address) <= 78
    assert " ".join(lines[6:-1]).split() == ["word"] * 30


# --- The table as it is edited ------------------------------------------------------------------
def read_one(*cells: str) -> dict[str, object]:
    (row,) = read_rows(",".join(cells), targets=["T"])
    return row


magnitudes = st.floats(-5, 40)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "target_name": st.sampled_from(["T", "ZTF26a, with a comma", 'a "quoted" one']),
                "date_obs": st.integers(-2_000_000_000, 4_000_000_000).map(
                    lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()
                ),
                "bandpass": st.sampled_from(["g", "r", "Clear (PSF)"]),
                "telescope": st.sampled_from(["", "P48"]),
                "instrument": st.sampled_from(["", "ZTF"]),
            }
        ),
        max_size=4,
    ),
    magnitudes,
    st.none() | st.floats(0.001, 9.9),
)
def test_whatever_can_be_told_is_read_back_as_it_was_written(
    rows: list[dict[str, str]], size: float, error: float | None
) -> None:
    told: list[dict[str, object]] = []
    for number, row in enumerate(rows):
        if number % 2:
            said = {"limiting_brightness": size, "limiting_brightness_unit": "AB mag"}
        else:
            said = {"brightness": size, "brightness_unit": "AB mag"}
            said |= {} if error is None else {"brightness_error": error}
        told.append(row | said)

    names = {row["target_name"] for row in rows}

    assert read_rows(write_rows(told), targets=sorted(names)) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2026-11-25", "2026-11-25T00:00:00+00:00"),
        ("2026-11-25T03:14:15", "2026-11-25T03:14:15+00:00"),
        ("2026-11-25T03:14:15Z", "2026-11-25T03:14:15+00:00"),
        ("2026-11-25T03:14:15+01:00", "2026-11-25T02:14:15+00:00"),
    ],
)
def test_a_date_is_told_in_utc(given: str, told: str) -> None:
    assert read_one("T", given, "r", "19", "", "", "", "")["date_obs"] == told


@pytest.mark.parametrize(
    "date", ["", "25 Nov", "0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "1899-12-31"]
)
def test_a_date_of_no_observation_is_refused_before_it_breaks_a_page(date: str) -> None:
    with pytest.raises(TableError, match="row 1 has no date such as"):
        read_one("T", date, "r", "19", "0.1", "", "", "")


@pytest.mark.parametrize(
    ("size", "error"), [("-5", "0.1"), ("40", "0.1"), ("19", "9.99"), ("19", "")]
)
def test_a_magnitude_and_its_error_may_lie_at_the_ends_of_their_ranges(
    size: str, error: str
) -> None:
    assert read_one("T", "2026-11-25", "r", size, error, "", "", "")["brightness"] == float(size)


@pytest.mark.parametrize(
    ("size", "error"),
    [
        *(("-5.1", "0.1"), ("41", "0.1"), ("19", "10"), ("19", "-0.1"), ("19", "inf")),
        *(("1e400", "0.1"), ("19 mag", "0.1"), ("19", "nan")),
    ],
)
def test_a_magnitude_or_an_error_beyond_its_range_is_refused(size: str, error: str) -> None:
    with pytest.raises(TableError, match="row 1"):
        read_one("T", "2026-11-25", "r", size, error, "", "", "")


def test_a_magnitude_is_told_and_not_the_limit_beside_it() -> None:
    row = read_one("T", "2026-11-25", "r", "19", "", "20.5", "P48", "ZTF")

    assert row["brightness"] == 19
    assert "limiting_brightness" not in row


@pytest.mark.parametrize("cell", ["x" * 61, "a\tb", "\x7f"])
def test_a_cell_is_a_short_text_of_one_line(cell: str) -> None:
    with pytest.raises(TableError, match="more than 60 characters"):
        read_one("T", "2026-11-25", "r", "19", "", "", cell, "x")


def test_the_heading_and_empty_lines_are_no_rows_and_the_number_is_of_what_is_one() -> None:
    good = "T,2026-11-25,r,19,,,,"

    assert read_rows("", targets=["T"]) == []
    assert read_rows(f"{','.join(COLUMNS)}\n\n , ,\n", targets=["T"]) == []
    with pytest.raises(TableError, match="row 2 has 1 cells, not 8"):
        read_rows(f"\n{','.join(COLUMNS)}\n{good}\n\nodd\n", targets=["T"])


def test_a_table_of_as_many_rows_as_are_told_is_read() -> None:
    line = "T,2026-11-25,r,19,,,,\n"

    assert len(read_rows(line * 2_000, targets=["T"])) == 2_000


def test_a_cell_longer_than_the_reader_takes_is_refused_in_words() -> None:
    with pytest.raises(TableError, match="field larger than field limit"):
        read_rows('"' + "x" * 200_000 + '"', targets=["T"])
