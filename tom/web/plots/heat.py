"""The chance to have caught a source, as a map of its absolute magnitude against its decline."""

from collections.abc import Iterator
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tom.pointings.efficiency import Found, faintest_at
from tom.web.plots.paper import join

WIDTH: Final = 520.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 8.0, 6.0, 42.0
ROW: Final = 24.0
CONTOURS: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def draw_heat(found: Found) -> SafeString:
    """Draw a cell for each decline and magnitude, the fuller the likelier; the lines are chances.

    Brighter is left, and what fades fast is high up.
    """
    height = TOP + ROW * len(found.declines) + BOTTOM
    return format_html(
        '<svg class="heat" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        f"{WIDTH:.0f}",
        f"{height:.0f}",
        "Chance to have caught a source, by absolute magnitude and decline; the table below says"
        " the same in numbers",
        _cells(found),
        join(_contour(found, level, down) for down, level in enumerate(CONTOURS)),
        _axes(found, height),
    )


def _cells(found: Found) -> SafeString:
    width = _width(found)
    # Neighbours end where the next one begins: what both cover would be brighter.
    edges = [round(LEFT + width * column, 1) for column in range(len(found.magnitudes) + 1)]
    cells = (
        (
            f"{edges[column]:.1f}",
            f"{_top(found, row):.0f}",
            f"{edges[column + 1] - edges[column]:.1f}",
            f"{ROW:.0f}",
            f"{chance:.3f}",
            f"M = {found.magnitudes[column]:g}, {found.declines[row]:+g} mag/day: {chance:.1%}",
        )
        for row, chances in enumerate(found.once)
        for column, chance in enumerate(chances)
    )
    return format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" fill-opacity="{}"><title>{}</title></rect>',
        cells,
    )


def _contour(found: Found, level: float, down: int) -> SafeString:
    """A line through where the chance crosses a level; nothing where it never reaches it.

    Its chance stands `down` rows below its upper end, where no other line's chance stands.
    """
    parts, pen, points = [], "M", []
    for row, magnitude in enumerate(faintest_at(found, level)):
        if magnitude is None:
            pen = "M"
            continue
        points.append((_x(found, magnitude), _top(found, row) + ROW / 2))
        parts.append(f"{pen}{points[-1][0]:.1f} {points[-1][1]:.1f}")
        pen = "L"
    if not points:
        return SafeString("")
    x, y = points[max(len(points) - 1 - down, 0)]
    return format_html(
        '<path class="contour" d="{}"/><text class="on" x="{}" y="{}">{}</text>',
        "".join(parts),
        f"{x + 4:.0f}",
        f"{y + 4:.0f}",
        f"{level:.0%}",
    )


def _axes(found: Found, height: float) -> SafeString:
    base = height - BOTTOM
    wholes = [each for each in found.magnitudes if each == int(each)]
    across = _texts("middle", ((_x(found, each), base + 16, f"{each:g}") for each in wholes[::2]))
    up = _texts(
        "end",
        (
            (LEFT - 6, _top(found, row) + ROW / 2 + 4, f"{decline:+g}")
            for row, decline in enumerate(found.declines)
            if row % 2 == 0
        ),
    )
    names = format_html(
        '<text class="middle" x="{}" y="{}">absolute magnitude at the time of the event (AB)</text>'
        '<text class="middle" transform="translate(12 {}) rotate(-90)">decline, mag/day</text>',
        f"{(LEFT + WIDTH - RIGHT) / 2:.0f}",
        f"{base + 36:.0f}",
        f"{(TOP + base) / 2:.0f}",
    )
    return join([across, up, names])


def _texts(css: str, items: Iterator[tuple[float, float, str]]) -> SafeString:
    return format_html_join(
        "",
        '<text class="{}" x="{}" y="{}">{}</text>',
        ((css, f"{x:.0f}", f"{y:.0f}", text) for x, y, text in items),
    )


def _width(found: Found) -> float:
    return (WIDTH - LEFT - RIGHT) / len(found.magnitudes)


def _x(found: Found, magnitude: float) -> float:
    """Where a magnitude lies: each cell is as wide as the step around its own."""
    first, last = found.magnitudes[0], found.magnitudes[-1]
    steps = (magnitude - first) / (last - first) * (len(found.magnitudes) - 1)
    return LEFT + _width(found) * (steps + 0.5)


def _top(found: Found, row: int) -> float:
    return TOP + ROW * (len(found.declines) - 1 - row)
