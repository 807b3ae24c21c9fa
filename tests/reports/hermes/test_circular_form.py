"""A report as a circular, and its table as a person edits it."""

import pytest

from tom.reports.hermes.circular_form import TableError, read_rows, write_circular, write_rows

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
