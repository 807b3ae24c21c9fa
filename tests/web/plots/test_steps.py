"""How a chance moved with each ranking, as a picture."""

import re
from datetime import UTC, datetime, timedelta

from tom.web.plots.sparkline import SparkPoint
from tom.web.plots.steps import BOTTOM, LEFT, RIGHT, TOP, WIDTH, draw_steps

START = datetime(2026, 11, 20, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def line(text: str) -> str:
    found = re.search(r'class="value" d="([^"]*)"', text)
    assert found is not None
    return found[1]


def levels(text: str) -> list[float]:
    """The heights that the line goes through, each once it begins or moves there."""
    return [float(y) for y in re.findall(r"(?:M[\d.]+ |V)([\d.]+)", line(text))]


def dots(text: str) -> list[float]:
    return [float(x) for x in re.findall(r'dots" d="M([\d.]+) ', text)]


def point(hours: float, flux: float | None = 4000.0) -> SparkPoint:
    return SparkPoint(at(hours), "r", flux, 100.0)


def test_a_chance_stands_from_its_ranking_to_the_next_one() -> None:
    text = draw_steps([(at(0), 0.0), (at(4), 1.0), (at(8), 0.5)], [], is_chance=True)

    assert levels(text) == [BOTTOM, TOP, (BOTTOM + TOP) / 2]
    ends = [float(x) for x in re.findall(r"H([\d.]+)", line(text))]
    assert ends == sorted(ends)
    assert ends[-1] == WIDTH - RIGHT
    assert "from 0% to 50% in 3 rankings" in text


def test_a_small_chance_is_near_the_bottom_and_a_number_fills_the_height() -> None:
    steps = [(at(0), 0.1), (at(4), 0.2)]

    assert min(levels(draw_steps(steps, [], is_chance=True))) > (BOTTOM + TOP) / 2
    assert levels(draw_steps(steps, [], is_chance=False)) == [BOTTOM, TOP]


def test_where_it_was_in_no_list_there_is_no_line() -> None:
    steps = [(at(0), 0.5), (at(2), None), (at(6), 0.5)]

    assert line(draw_steps(steps, [], is_chance=True)).count("M") == 2


def test_detections_of_its_time_are_dots_and_limits_are_not() -> None:
    points = [point(-20.0), point(-0.2), point(5.0), point(6.0, None), point(11.0)]

    found = dots(draw_steps([(at(0), 0.5), (at(8), 0.6)], points, is_chance=True))

    assert len(found) == 2
    assert LEFT < found[0] < found[1] < WIDTH - RIGHT


def test_of_a_night_that_was_loaded_at_once_the_dots_stand_where_they_came() -> None:
    old = at(-240)
    points = [point(-240.0)._replace(stored=at(hours)) for hours in (0, 0.02, 0.04)]
    steps = [(at(0), 0.1), (at(0.02), 0.5), (at(0.04), 0.9)]

    text = draw_steps(steps, points, is_chance=True)

    moves = [float(x) for x in re.findall(r"[MH]([\d.]+)", line(text))]
    assert dots(text) == moves[:-1]
    assert moves[-2] > 0.9 * WIDTH
    assert f"{old:%Y-%m-%d}" not in text
    assert re.findall(r">(2026-[^<]*)<", text) == ["2026-11-19 23:59:51", "2026-11-20 00:02:32"]


def test_without_any_value_or_time_nothing_is_drawn() -> None:
    assert draw_steps([(at(0), None), (at(1), None)], [], is_chance=True) == ""
    assert draw_steps([(at(0), 0.5)], [], is_chance=True) == ""
    assert draw_steps([], [], is_chance=True) == ""


def test_a_number_that_never_moved_is_drawn_all_the_same() -> None:
    text = draw_steps([(at(0), 3.0), (at(1), 3.0)], [], is_chance=False)

    assert levels(text) == [BOTTOM, BOTTOM]
