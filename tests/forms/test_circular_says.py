"""What is read from the texts of circulars: only what has one meaning, with its words."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.forms.circular_says import MOST, read_said, taken_back, write_said


@pytest.fixture(scope="module")
def real(real_data: Path) -> dict[int, dict[str, str]]:
    path = real_data / "gw" / "circulars.json"
    return {each["circularId"]: each for each in json.loads(path.read_text())}


def said(body: str, subject: str = "GRB 230816A: observations"):
    return read_said(subject, body)


@pytest.mark.parametrize(
    ("text", "ra", "dec"),
    [
        ("RA = 00:56:59.19 (14.24662 deg)\nDec = +80:08:44.12", 14.246625, 80.145589),
        ("RA, Dec = 285.88784, +40.89668 which is equivalent\nto", 285.88784, 40.89668),
        ("RA, Dec 226.782, -41.334 which is", 226.782, -41.334),
        ("RA (J2000): 19h 03m 33.08s\nDec (J2000): +40d 53' 48.0\"", 285.887833, 40.896667),
        ("RA(J2000) = 16h 36m, 33.4s,\nDec(J2000) = +47d 51m 17.1s,", 249.139167, 47.854750),
        ("(R.A., Dec) = (333.784 deg, 39.435 deg)", 333.784, 39.435),
        ("RA(2000.0) = 20.8+/-2.4 deg\nDecl.(2000.0) = -26.7+/-0.9 deg", 20.8, -26.7),
        ("RA (J2000.0) 17:27:43.32\nDec (J2000.0) -16:12:19", 261.9305, -16.205278),
        ("RA, DEC = 05:19:01.52, -00:00:32.66", 79.756333, -0.009072),
    ],
)
def test_a_position_is_read_however_it_is_written(text: str, ra: float, dec: float) -> None:
    (place,) = said(text).places

    assert (place.ra, place.dec) == (pytest.approx(ra, abs=1e-5), pytest.approx(dec, abs=1e-5))
    assert place.words in " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "RA(J2000) = 13:09:48.085, Dec(J2000) = \u221223:22:53.34",
        "RA = 197.45035, Dec = \u201323.38148 (J2000)",
        "RA (J2000) = 13h 09m 48.085s\nDec (J2000) = \u221223\u00b0 22\u2032 53.34\u2033",
        "R.A. = 13\u02b009\u1d5048\u02e2.085, Decl. = -23\u00b022\u203253\u2033.34",
        "R.A. = 13h09m48.s085, decl. = -23d22\u201953\u201d.34",
        "RA, Dec = 197.45035 -23.38148",
        "RA/DEC: 197.45035/-23.38148",
        "(ra, dec) = (197.45035\u00b0, \u221223.38148\u00b0)",
        "RA,Dec (J2000): 13:09:48.085 -23:22:53.34",
        "Right Ascension: 13:09:48.085, Declination: -23:22:53.34",
        "\u03b1(J2000) = 13h09m48.085s, \u03b4(J2000) = \u221223\u00b022'53.34\"",
    ],
)
def test_a_position_is_read_whatever_signs_it_is_written_with(text: str) -> None:
    (place,) = said(text).places

    assert (place.ra, place.dec) == (
        pytest.approx(197.45035, abs=1e-4), pytest.approx(-23.38148, abs=1e-4),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "alpha = 1.20, delta = 2.30",  # indices of a spectrum
        "RA = 25:56:59.19, Dec = +80:08:44.12",  # no such hour
        "RA = 10:61:59.19, Dec = +80:08:44.12",
        "RA = 400.5, Dec = +8.5",
        "RA = 10.5, Dec = +98.5",
        "RA = 10.5, Dec = +80:08:44.12",  # of two kinds
        "R.A.J. Eyles-Ferris et al. 2023, GCN 34565, December 12.5, 13.5",
        "We started on Dec. 12.55 at RAO 10.5",
    ],
)
def test_what_is_no_position_is_left_out(text: str) -> None:
    assert said(text).places == ()


def test_one_position_in_degrees_and_in_hours_is_one() -> None:
    text = """RA, Dec = 285.88784, +40.89668 which is equivalent to
    RA (J2000): 19h 03m 33.08s
    Dec (J2000): +40d 53' 48.0"
    with an uncertainty of 2.2 arcsec (radius, 90% confidence)."""

    (place,) = said(text).places

    assert place.error_arcsec == 2.2


def test_a_systematic_error_is_not_the_error() -> None:
    text = "RA, Dec = 148.9, -23.4. We estimate an additional systematic error of 1 deg."

    assert said(text).places[0].error_arcsec is None


def test_magnitudes_have_their_band_and_the_time_beside_them() -> None:
    found = said(
        "detected by ZTF at r = 17.71 +/- 0.05 mag (MJD=60204.40175) and m(i) = 20.02 ± 0.02\n"
        "2460173.202193 | 42.35 | 5 x 300 | r' | 20.61 +/- 0.06 |\n"
        "2023-08-24T18:29:24Z, 04.5, 180s, R, 13.5 +/- 0.04\n"
        "g > 22.8\n"
        "its redshift is z = 0.484 ± 0.090"
    ).magnitudes

    assert [(each.band, each.magnitude, each.error) for each in found] == [
        ("r", 17.71, 0.05),
        ("i", 20.02, 0.02),
        ("r'", 20.61, 0.06),
        ("R", 13.5, 0.04),
        ("g", 22.8, None),
    ]
    assert [each.time and each.time.replace(microsecond=0) for each in found] == [
        datetime(2023, 9, 17, 9, 38, 31, tzinfo=UTC),
        None,
        datetime(2023, 8, 16, 16, 51, 9, tzinfo=UTC),
        datetime(2023, 8, 24, 18, 29, 24, tzinfo=UTC),
        None,
    ]


def test_an_area_and_a_limit_are_read_in_words_and_signs() -> None:
    found = said("The 90 percent region has 500 square degrees. We find r \u2265 22.1.")

    assert [(each.percent, each.area_deg2) for each in found.areas] == [(90.0, 500.0)]
    assert [(each.magnitude, each.error) for each in found.magnitudes] == [(22.1, None)]


def test_a_row_with_two_times_has_none() -> None:
    assert said("2460173.20 | 2460173.25 | R | 20.61 +/- 0.06").magnitudes == ()


def test_the_table_holds_what_has_a_time_and_is_read_by_the_form() -> None:
    from tom.targets.photometry_table import guess_columns, read_points, read_table

    found = said("r = 17.71 +/- 0.05 mag (MJD=60204.40175)\ni = 20.02 +/- 0.02")

    table = read_table(write_said(found))
    reading = read_points(
        table, guess_columns(table.headings), flux_unit="ujy", now=datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert len(reading.points) == 1
    assert not reading.errors


@pytest.mark.parametrize(
    ("subject", "body", "words"),
    [
        ("S230918aq: Retraction of GW candidate", "It is no longer considered a candidate.", "It"),
        ("Swift Trigger 1187199 is not an astrophysical event", "It was the Crab.", "Swift"),
        ("GRB 230904B is not a GRB", "This trigger is in fact not due to a GRB.", "This"),
        ("GRB 230904B: observations", "GRB 230101A was retracted.", ""),
        ("GRB 230904B: not observed by us", "Nothing.", ""),
    ],
)
def test_the_subject_says_whether_the_event_is_none(subject, body, words) -> None:
    found = taken_back(subject, body)

    assert found.split(" ")[0] == words


def test_the_real_circulars_say_what_a_person_reads_in_them(real) -> None:
    found = {number: read_said(each["subject"], each["body"]) for number, each in real.items()}

    assert [area.area_deg2 for area in found[34773].areas] == [1851.0]
    assert found[34728].takes_back.startswith("The trigger S230918aq is no longer")
    assert [round(each.dec, 4) for each in found[34479].places] == [40.876, 40.895]
    assert [each.magnitude for each in found[34425].magnitudes] == [20.35, 20.53, 20.23, 20.17]
    assert sum(bool(each.places) for each in found.values()) >= 80
    assert sum(bool(each.areas) for each in found.values()) >= 30
    assert sum(bool(each.takes_back) for each in found.values()) == 13


PIECES = ["RA", "Dec", "=", " ", "\n", "1", "12:30:10.5", "+45.5", "|", "R", "20.1 +/- 0.1"]
PIECES += ["90%", "deg2", "(J2000)", ",", "2460173.20", "MJD", "retracted", "uncertainty of"]


@given(st.lists(st.sampled_from(PIECES), max_size=400).map("".join))
@settings(max_examples=60, deadline=None)
def test_no_text_takes_long_or_gives_nonsense(text: str) -> None:
    began = time.process_time()
    found = said(text, subject=text[:200])

    assert time.process_time() - began < 1
    assert all(0 <= each.ra < 360 and -90 <= each.dec <= 90 for each in found.places)
    assert len(found.magnitudes) <= MOST


@pytest.mark.parametrize("piece", ["RA = 1", "RA ", "9", "R = 20.1 ", "90% ", "Dec ", "| "])
def test_a_text_of_one_piece_takes_no_time(piece: str) -> None:
    began = time.process_time()

    said(piece * 30_000, subject="retracted")

    assert time.process_time() - began < 2
