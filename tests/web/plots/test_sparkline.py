"""A light curve in the size of a word."""

import re
from datetime import UTC, datetime, timedelta

from tom.web.plots.sparkline import SparkPoint, draw_lines, draw_sparkline

MERGER = datetime(2026, 11, 20, tzinfo=UTC)


def point(days: float, magnitude: float, band: str = "r") -> SparkPoint:
    flux = 10 ** ((31.4 - magnitude) / 2.5)
    return SparkPoint(MERGER + timedelta(days=days), band, flux, flux / 20)


def limit(days: float, magnitude: float) -> SparkPoint:
    return SparkPoint(
        MERGER + timedelta(days=days), "r", None, 10 ** ((31.4 - magnitude) / 2.5) / 5
    )


def dots(text: str) -> list[tuple[float, float]]:
    """Where the dots of the one band are."""
    found = re.search(r'class="\w dots" d="([^"]*)"', text)
    return (
        [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", found[1])]
        if found
        else []
    )


def test_brighter_is_higher() -> None:
    text = draw_sparkline([point(1, 18.0), point(2, 20.0)], since=MERGER)

    (early, upper), (late, lower) = dots(text)
    assert upper < lower
    assert early < late


def test_limits_are_triangles_and_detections_dots() -> None:
    text = draw_sparkline([limit(-1, 20.5), point(1, 18.0)], since=MERGER)

    assert len(dots(text)) == 1
    assert text.count('class="r limit"') == 1


def test_a_negative_flux_is_no_detection() -> None:
    below = SparkPoint(MERGER, "g", -500.0, 100.0)

    assert draw_sparkline([below], since=MERGER) == ""


def test_what_is_long_before_the_event_is_left_out() -> None:
    text = draw_sparkline([point(-40, 17.0), point(1, 18.0)], since=MERGER)

    assert len(dots(text)) == 1


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_sparkline([], since=MERGER) == ""


def test_an_unknown_band_has_a_colour_too() -> None:
    assert 'class="other dots"' in draw_sparkline([point(1, 18.0, band='"><x')], since=None)


def test_a_known_light_curve_is_drawn_with_its_own_label() -> None:
    points = [(0.0, "r", 0.0), (10.0, "r", 1.0), (-5.0, "r", 0.4)]

    text = draw_lines(points, label="ZTF18abc, <tde>")

    (first, rise), (_, top), (last, fall) = dots(text)
    assert first < last
    assert top < rise < fall
    assert "<title>ZTF18abc, &lt;tde&gt;</title>" in text
    assert draw_lines([], label="nothing") == ""
