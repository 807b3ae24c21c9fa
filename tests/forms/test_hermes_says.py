"""What is read of the targets and the photometry in a message of HERMES's form."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from tom.forms.hermes_says import MOST_ROWS, MOST_TARGETS, read_targets
from tom.photometry import LIMIT_SIGMA
from tom.records.alert import PointKind, flux_of_magnitude
from tom.targets.photometry_table import guess_columns, read_points, read_table

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def message(targets: Any = (), photometry: Any = ()) -> dict[str, Any]:
    data = {"targets": list(targets), "photometry": list(photometry)}
    return {"title": "t", "submitter": "s", "message_text": "", "data": data}


def row(**more: Any) -> dict[str, Any]:
    usual = {"target_name": "SN 2026abc", "date_obs": "2026-11-25T03:14:15Z", "bandpass": "r"}
    return usual | {"telescope": "Lulin, 1 m", "brightness": 18.5, "brightness_error": 0.1} | more


def points_of(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What the form for photometry makes of the table of one target."""
    (told,) = read_targets(message(photometry=rows))
    table = read_table(told.table)
    reading = read_points(table, guess_columns(table.headings), flux_unit="ujy", now=NOW)
    assert reading.errors == []
    return [
        (each.kind, each.band, each.flux_njy, each.flux_error_njy, each.telescope)
        for each in reading.points
    ]


def test_a_target_has_its_place_names_redshift_and_points() -> None:
    named = {"name": "SN 2026abc", "ra": 197.45, "dec": -23.38, "redshift": 0.01}
    told = read_targets(message([named | {"aliases": ["ZTF26abc", 5, None]}], [row()]))

    (one,) = told
    assert (one.name, one.aliases) == ("SN 2026abc", ("ZTF26abc", "5"))
    assert (one.ra, one.dec, one.redshift) == (197.45, -23.38, 0.01)
    assert (one.typed, len(one.rows), one.left_out) == ("197.450000 -23.380000", 1, 0)


@pytest.mark.parametrize(
    ("ra", "dec"), [("13:09:48", "-23:22:48"), ("197.45", "-23.38"), ("13h09m48s", "-23d22m48s")]
)
def test_a_place_may_be_written_in_hours(ra: str, dec: str) -> None:
    (told,) = read_targets(message([{"name": "a", "ra": ra, "dec": dec}]))

    assert (told.ra, told.dec) == (pytest.approx(197.45), pytest.approx(-23.38))


@pytest.mark.parametrize("place", [{}, {"ra": None, "dec": 3}, {"ra": 400, "dec": 0}, {"ra": "x"}])
def test_what_is_no_place_is_none(place: dict[str, Any]) -> None:
    (told,) = read_targets(message([{"name": "a", **place}]))

    assert (told.ra, told.dec, told.typed) == (None, None, "")


def test_magnitudes_fluxes_and_limits_are_points_of_the_form_for_photometry() -> None:
    deep = {"brightness": None, "brightness_error": None}

    points = points_of(
        row(),
        row(bandpass="g", brightness=0.05, brightness_error=0.01, brightness_unit="mJy"),
        row(bandpass="i", limiting_brightness=20.0, **deep),
        row(bandpass="z", limiting_brightness=0.1, limiting_brightness_unit="mJy", **deep),
    )

    flux = flux_of_magnitude(18.5)
    sigma = pytest.approx(flux * 0.1 * math.log(10) / 2.5)
    told = "Lulin, 1 m"
    assert points[0] == (PointKind.ALERT, "r", pytest.approx(flux), sigma, told)
    assert points[1] == (
        PointKind.FORCED, "g", pytest.approx(50_000), pytest.approx(10_000), told
    )  # fmt: skip
    # Of 3 sigma: one sigma is a third of the limit.
    for point, three_sigma in ((points[2], flux_of_magnitude(20.0)), (points[3], 100_000.0)):
        assert point[0] is PointKind.LIMIT
        assert point[3] == pytest.approx(three_sigma / 3, rel=1e-3)
        assert point[3] * LIMIT_SIGMA == pytest.approx(three_sigma * 5 / 3, rel=1e-3)


@pytest.mark.parametrize("when", [2461369.5, 61369.0, "2461369.5", "2026-11-25 00:00:00+00:00"])
def test_times_are_dates_or_numbers(when: object) -> None:
    assert len(points_of(row(date_obs=when))) == 1


@pytest.mark.parametrize(
    "spoilt",
    [
        {"brightness_unit": "Vega mag"},
        {"brightness_unit": "erg / s / cm² / Å"},
        {"unit": "Vega mag"},
        {"brightness_error": None},
        {"brightness_error": 0},
        {"brightness": "bright"},
        {"brightness": 99.0},
        {"date_obs": None},
        {"bandpass": ""},
        {"brightness": None, "limiting_brightness": math.nan},
        {"brightness": None, "limiting_brightness": 20, "limiting_brightness_unit": "Vega mag"},
        {"brightness": None, "limiting_brightness": -1, "limiting_brightness_unit": "mJy"},
    ],
)
def test_a_row_that_cannot_be_used_is_counted(spoilt: dict[str, Any]) -> None:
    (told,) = read_targets(message(photometry=[row(), row(**spoilt)]))

    assert (len(told.rows), told.left_out) == (1, 1)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"data": []},
        {"data": {"targets": {"name": "a"}, "photometry": "x"}},
        message(["a", None, {}, {"name": ""}, {"name": None}], [3, {"target_name": []}]),
    ],
)
def test_what_is_not_of_the_form_is_left_out(content: dict[str, Any]) -> None:
    assert read_targets(content) == []


def test_no_more_is_read_than_a_page_shows() -> None:
    many = read_targets(message([{"name": f"a{i}"} for i in range(500)], [row()] * 5_000))

    assert len(many) == MOST_TARGETS
    assert len(read_targets(message(photometry=[row()] * 5_000))[0].rows) == MOST_ROWS


def test_a_line_within_a_text_breaks_no_table() -> None:
    assert points_of(row(telescope='a\n"b",\tc'))[0][-1] == 'a "b", c'
