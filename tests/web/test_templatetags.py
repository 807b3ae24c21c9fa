"""How pages write numbers, times and positions."""

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from tom.events.models import NonLocalizedEvent
from tom.web.templatetags.sky import (
    DASH,
    angle,
    chance,
    counted,
    dec_dms,
    describe_age,
    end_of_path,
    false_alarms,
    file_size,
    ra_hms,
    register,
    small_curve,
    square_degrees,
    utc,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0%"),
        (0.0004, "< 0.1%"),
        (0.042, "4.2%"),
        (0.5, "50%"),
        (0.9999, "> 99%"),
        (1 + 1e-12, "100%"),
    ],
)
def test_a_chance_never_rounds_to_a_certainty(value: float, text: str) -> None:
    assert chance(value) == text


def test_a_certainty_is_said() -> None:
    assert chance(1.0) == "100%"


@pytest.mark.parametrize(
    ("far", "text"),
    [
        (1e-12, "1 per 31,700 yr"),
        (1e-8, "1 per 3.2 yr"),
        (1e-6, "1 per 12 d"),
        (0.2, "1 per 5.0 s"),
        (1e-20, "1 per 3.2e+12 yr"),
    ],
)
def test_a_false_alarm_rate_is_said_in_years(far: float, text: str) -> None:
    assert false_alarms(far) == text


@pytest.mark.parametrize(
    ("ra", "text"),
    [(0.0, "00:00:00.00"), (197.450354, "13:09:48.08"), (359.9999999, "00:00:00.00")],
)
def test_right_ascension_is_written_in_hours(ra: float, text: str) -> None:
    assert ra_hms(ra) == text


@pytest.mark.parametrize(
    ("dec", "text"),
    [(-23.381484, "-23:22:53.3"), (-0.5, "-00:30:00.0"), (89.99999999, "+90:00:00.0")],
)
def test_declination_is_written_in_degrees(dec: float, text: str) -> None:
    assert dec_dms(dec) == text


@pytest.mark.parametrize(
    ("place", "text"), [(1, "1"), (1000, "1000"), (1001, "1000+"), (None, DASH)]
)
def test_a_rank_is_told_as_far_as_ranks_are_counted(place: int | None, text: str) -> None:
    assert counted(place) == text


@given(st.floats(0, 360), st.floats(-90, 90))
def test_no_position_has_sixty_seconds(ra: float, dec: float) -> None:
    assert ":60" not in ra_hms(ra) + dec_dms(dec)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s ago"), (200, "3 min ago"), (-7300, "in 2 h"), (500_000, "5 d ago")],
)
def test_an_age_is_said_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert describe_age(seconds) == text


def test_what_is_not_known_is_a_dash() -> None:
    said = {chance(None), false_alarms(None), ra_hms(None), dec_dms(None), utc(None)}

    assert said == {"\u2013"}


def test_a_time_is_written_in_utc() -> None:
    assert utc(datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)) == "2026-11-20 01:02:03"


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1500, "1.5 kB"), (5_800_000, "5.8 MB")])
def test_a_size_is_said_in_the_unit_that_fits(size: int, text: str) -> None:
    assert file_size(size) == text


def test_of_a_long_path_the_file_is_named() -> None:
    assert end_of_path("a/short.avro") == "a/short.avro"
    assert end_of_path(f"{'folder/' * 20}alert_7.avro").endswith("/alert_7.avro")
    assert len(end_of_path("x" * 200)) == 51


class Odd:
    """What no filter expects."""

    def __str__(self) -> str:
        return "odd"


ODD = [
    *(None, "", "x", "0.5", b"x", True, 0, -1, 10**400, 1e300, -1e300, 1e-320, math.nan),
    *(math.inf, -math.inf, [], {}, {"log_lr": None}, {"log_lr": "x", "name": None}, Odd()),
    *(datetime(1, 1, 1), datetime.max.replace(tzinfo=UTC), date(2026, 1, 1)),  # noqa: DTZ001
    *(datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))), NonLocalizedEvent()),
    NonLocalizedEvent(classification=None),
    NonLocalizedEvent(classification={"BNS": None, "NSBH": "x", "BBH": math.nan}),
]


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:30])
@pytest.mark.parametrize("name", sorted(register.filters))
def test_no_filter_fails_whatever_a_row_holds(name: str, value: object) -> None:
    argument = ":key" if name == "get" else ""
    template = Template(
        f"{{% load sky %}}{{{{ value|{name}{argument} }}}}{{{{ no.such|{name}{argument} }}}}"
    )

    template.render(Context({"value": value, "key": "x"}))


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:30])
@pytest.mark.parametrize(
    "tag",
    [
        "class_bar v",
        "interval_bar v v v",
        "interval_bar 0.5 v v",
        "term_bar v",
        "term_cells v",
        "stamp_scale v",
    ],
)
def test_no_bar_fails_whatever_a_row_holds(tag: str, value: object) -> None:
    Template(f"{{% load sky %}}{{% {tag} %}}").render(Context({"v": value}))


@pytest.mark.parametrize("value", [-5, 1e300, 1.5, math.nan, "", None])
def test_what_is_no_chance_is_a_dash(value: object) -> None:
    assert chance(value) == "\u2013"


def test_a_part_of_an_opinion_that_has_a_light_curve_is_drawn() -> None:
    drawn = {"text": "ZTF18abc, tde, 0.21 apart", "lines": [[0, "r", 0.0], [10, "r", 1.5]]}
    score = {"scorer": "analogues", "explanation": [drawn, {"text": "colour: says little"}]}

    text = render_to_string("targets/_score.html", {"score": score})

    assert text.count('<svg class="spark"') == 1
    assert "</svg> ZTF18abc, tde, 0.21 apart</span>" in text
    assert "colour: says little" in text


@pytest.mark.parametrize("lines", [None, 3, [[1, "r"]], [["a", "r", 1]], []])
def test_a_light_curve_that_cannot_be_drawn_is_left_out(lines: object) -> None:
    assert small_curve({"text": "one", "lines": lines}) == ""


@pytest.mark.parametrize(
    ("degrees", "said"),
    [
        (666.2, "666 deg²"),
        (0.785, "0.785 deg²"),
        (0.00126, "4.54 arcmin²"),
        (5.307e-6, "68.8 arcsec²"),
        (0.0, "0 deg²"),
        (None, DASH),
    ],
)
def test_a_small_area_has_a_small_unit(degrees: float | None, said: str) -> None:
    assert square_degrees(degrees) == said


@pytest.mark.parametrize(
    ("degrees", "said"),
    [
        (3.93, "3.9°"),
        (0.25, "15.0 arcmin"),
        (0.001, "3.6 arcsec"),
        (0.0, "0.0 arcsec"),
        (math.nan, DASH),
    ],
)
def test_a_small_angle_has_a_small_unit(degrees: float, said: str) -> None:
    assert angle(degrees) == said
