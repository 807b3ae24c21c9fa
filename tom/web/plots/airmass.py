"""Altitude through the night at several sites."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tom.sky.arrays import FloatArray
from tom.sky.visibility import TWILIGHT_DEG, Night, datetime_of, mjd_of

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 620.0, 236.0, 26.0, 20.0, 14.0
LOWEST_DEG, STEP_DEG = 10.0, 20
COLOURS = 7  # as many as the style sheet has


def draw_altitude(nights: Sequence[Night], *, now: datetime) -> SafeString:
    """Draw the altitude of the first target of each night where its site is dark, over UTC.

    The times run over the nights of all sites, from now on for a day.
    """
    start = mjd_of(now) - 1 / 24
    stop = start + 1.0
    lines = format_html_join(
        "",
        '<polyline class="c{}" points="{}"><title>{}</title></polyline>',
        (
            (i % COLOURS, points, night.site.name)
            for i, night in enumerate(nights)
            for points in _pieces(night, start, stop)
        ),
    )
    return format_html(
        '<svg class="airmass" viewBox="0 0 {} {}" role="img" '
        'aria-label="Altitude at the sites over the next day">{}{}{}</svg>',
        f"{WIDTH:.0f}",
        f"{HEIGHT:.0f}",
        _grid(start, stop),
        lines,
        _now(_x(mjd_of(now), start, stop)),
    )


def _x(mjd: float, start: float, stop: float) -> float:
    return LEFT + (WIDTH - LEFT) * (mjd - start) / (stop - start)


def _y(altitude_deg: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (90 - altitude_deg) / (90 - LOWEST_DEG)


def _pieces(night: Night, start: float, stop: float) -> list[str]:
    """The stretches of the curve in the dark above the lowest altitude drawn."""
    shown = (night.sun_altitude_deg < TWILIGHT_DEG) & (night.altitude_deg[0] > LOWEST_DEG)
    shown &= (night.mjd >= start) & (night.mjd <= stop)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]]).astype(np.int8)))
    return [
        _points(night.mjd[first:last], night.altitude_deg[0, first:last], start, stop)
        for first, last in edges.reshape(-1, 2)
    ]


def _points(mjd: FloatArray, altitude: FloatArray, start: float, stop: float) -> str:
    return " ".join(
        f"{_x(float(m), start, stop):.1f},{_y(float(a)):.1f}"
        for m, a in zip(mjd, altitude, strict=True)
    )


def _grid(start: float, stop: float) -> SafeString:
    degrees = range(30, 91, STEP_DEG)
    first = np.ceil(start * 8) / 8  # every third hour
    hours = [float(m) for m in np.arange(first, stop, 1 / 8)]
    path = "".join(f"M{LEFT} {_y(a):.1f}H{WIDTH}" for a in degrees)
    path += "".join(f"M{_x(m, start, stop):.1f} {TOP}V{HEIGHT - BOTTOM}" for m in hours)
    labels = [("start", 2.0, _y(a) + 3, f"{a}°") for a in degrees]
    labels += [
        ("middle", _x(m, start, stop), HEIGHT - 6, f"{datetime_of(m + 1e-6):%H:%M}")
        for m in hours
        if _x(m, start, stop) < WIDTH - 22
    ]
    texts = format_html_join(
        "",
        '<text text-anchor="{}" x="{}" y="{}">{}</text>',
        ((anchor, f"{x:.0f}", f"{y:.0f}", text) for anchor, x, y, text in labels),
    )
    return format_html('<path class="gridline" fill="none" d="{}"/>{}', path, texts)


def _now(x: float) -> SafeString:
    return format_html(
        '<path class="now" d="M{x} {top}V{low}"/><text x="{text}" y="{top_text}">now</text>',
        x=f"{x:.1f}",
        top=f"{TOP:.0f}",
        low=f"{HEIGHT - BOTTOM:.0f}",
        text=f"{x + 3:.1f}",
        top_text=f"{TOP + 8:.0f}",
    )
