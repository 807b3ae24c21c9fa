"""How a chance, or a scorer's number, moved with each ranking, above the detections as they came.

A detection stands at the time when it was stored: from then on a ranking knew it. So the cause is
below its effect in a night that was loaded at once, too.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tom.formats.chances import write_percent
from tom.forms.declared import Colour
from tom.forms.registry import colours
from tom.photometry import magnitude_of
from tom.web.plots.sparkline import SparkPoint

WIDTH: Final = 720.0
LEFT: Final = 52.0
RIGHT: Final = 10.0
TOP: Final = 10.0
BOTTOM: Final = 110.0
DETECTIONS: Final = 126.0
DATES: Final = 148.0
HEIGHT: Final = 154.0
BESIDE: Final = 0.06
"""So much of the time from the first move to the last is shown before and after them."""
SHORT: Final = timedelta(hours=1)
"""Of less time than this the ends are told with their seconds."""

Step = tuple[datetime, float | None]


class _Axes(NamedTuple):
    start: datetime
    seconds: float
    low: float
    high: float

    def x(self, time: datetime) -> float:
        share = (time - self.start).total_seconds() / self.seconds
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)


def draw_steps(
    steps: Sequence[Step], points: Sequence[SparkPoint], *, is_chance: bool
) -> SafeString:
    """Draw a value from each of some times on, until the next one; until soon after the last one.

    Parameters
    ----------
    steps
        Times and values, in order; None: it had none from that time on.
    points
        Of its light curve: detections that were stored in this time stand below as dots.
    is_chance
        Whether the values are chances, 0 to 1; other numbers fill the height.
    """
    known = [value for _, value in steps if value is not None]
    if not known or steps[0][0] >= steps[-1][0]:
        return SafeString("")
    beside = BESIDE * (steps[-1][0] - steps[0][0])
    start, until = steps[0][0] - beside, steps[-1][0] + beside
    low, high = (0.0, 1.0) if is_chance else (min(known), max(known))
    high = high if high > low else low + 1.0
    axes = _Axes(start, (until - start) / timedelta(seconds=1), low, high)
    write = write_percent if is_chance else _write
    label = f"from {write(known[0])} to {write(known[-1])} in {len(steps)} rankings"
    return format_html(
        '<svg class="spark steps" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        "<title>{label}</title>{grid}{dates}{line}{dots}</svg>",
        w=f"{WIDTH:.0f}",
        h=f"{HEIGHT:.0f}",
        label=label,
        grid=_grid([(value, write(value)) for value in (low, (low + high) / 2, high)], axes),
        dates=_dates(axes, until),
        line=format_html('<path class="value" d="{}"/>', "".join(_line(steps, axes, until))),
        dots=_dots(points, axes, until),
    )


def _write(value: float) -> str:
    return f"{value:.3g}"


def _grid(marks: Sequence[tuple[float, str]], axes: _Axes) -> SafeString:
    rows = (
        (f"{LEFT:.0f}", f"{axes.y(value):.1f}", f"{WIDTH - RIGHT:.0f}", f"{LEFT - 6:.0f}", text)
        for value, text in marks
    )
    return format_html_join(
        "",
        '<path class="grid" d="M{0} {1}H{2}"/><text x="{3}" y="{1}" class="at-left">{4}</text>',
        rows,
    )


def _dates(axes: _Axes, until: datetime) -> SafeString:
    ends = ((axes.start, LEFT, "at-start"), (until, WIDTH - RIGHT, "at-end"))
    form = "%Y-%m-%d %H:%M:%S" if until - axes.start < SHORT else "%Y-%m-%d %H:%M"
    rows = ((f"{x:.0f}", f"{DATES:.0f}", where, time.strftime(form)) for time, x, where in ends)
    return format_html_join("", '<text x="{}" y="{}" class="{}">{}</text>', rows)


def _line(steps: Sequence[Step], axes: _Axes, until: datetime) -> Iterator[str]:
    ends = [*(time for time, _ in steps[1:]), until]
    is_drawn = False
    for (time, value), end in zip(steps, ends, strict=True):
        if value is None:
            is_drawn = False
            continue
        y = f"{axes.y(value):.1f}"
        yield f"V{y}" if is_drawn else f"M{axes.x(time):.1f} {y}"
        yield f"H{axes.x(end):.1f}"
        is_drawn = True


def _dots(points: Sequence[SparkPoint], axes: _Axes, until: datetime) -> SafeString:
    came = ((point.stored or point.time, point) for point in points if _is_detection(point))
    rows = (
        (colours().get(point.band, Colour.VIOLET), f"{axes.x(time):.1f}", f"{DETECTIONS:.0f}")
        for time, point in came
        if axes.start <= time <= until
    )
    return format_html_join("", '<path class="{} dots" d="M{} {}h0"/>', rows)


def _is_detection(point: SparkPoint) -> bool:
    told = magnitude_of(flux=point.flux, flux_error=point.flux_error)
    return told.magnitude is not None
