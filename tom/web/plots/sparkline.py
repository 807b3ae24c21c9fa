"""A light curve in the size of a word."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tom.forms.declared import Colour
from tom.forms.registry import colours
from tom.photometry import magnitude_of

WIDTH, HEIGHT, MARGIN = 116.0, 30.0, 3.0
# What is older than this before the event only flattens the picture.
DAYS_BEFORE = 6.0
LEAST_RANGE_MAG = 1.0


class SparkPoint(NamedTuple):
    """A point of a light curve: flux in nJy, None for a limit; when it was stored, if known."""

    time: datetime
    band: str
    flux: float | None
    flux_error: float | None
    stored: datetime | None = None


class _Mark(NamedTuple):
    days: float
    band: str
    magnitude: float
    is_limit: bool


def draw_sparkline(points: Sequence[SparkPoint], *, since: datetime | None) -> SafeString:
    """Draw detections as dots joined band by band, limits as open triangles, the event as a line.

    Brighter is higher. Where `since` is None all of the light curve is drawn.
    """
    marks = _marks(points, since)
    if not any(not mark.is_limit for mark in marks):
        return SafeString("")
    detections = [mark for mark in marks if not mark.is_limit]
    return _draw(marks, detections, label=_describe(detections), since=since)


def draw_lines(points: Sequence[tuple[float, str, float]], *, label: str) -> SafeString:
    """Draw a small light curve of days, bands and magnitudes; an empty one as nothing."""
    marks = sorted(_Mark(day, band, magnitude, False) for day, band, magnitude in points)
    return _draw(marks, marks, label=label, since=None) if marks else SafeString("")


def _draw(
    marks: Sequence[_Mark], detections: Sequence[_Mark], *, label: str, since: datetime | None
) -> SafeString:
    x, y = _scales(marks, detections)
    return format_html(
        '<svg class="spark" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-label="{label}"><title>{label}</title>{merger}{lines}{limits}{dots}</svg>',
        w=f"{WIDTH:.0f}",
        h=f"{HEIGHT:.0f}",
        label=label,
        merger=_merger(x(0.0)) if since else "",
        lines=_paths("line", detections, lambda m: f"L{x(m.days):.1f} {y(m.magnitude):.1f}"),
        limits=_paths(
            "limit",
            [mark for mark in marks if mark.is_limit],
            lambda m: f"M{x(m.days) - 2:.1f} {_inside(y(m.magnitude)):.1f}h4l-2 3.4z",
        ),
        # A line of no length with round ends is a dot.
        dots=_paths("dots", detections, lambda m: f"M{x(m.days):.1f} {y(m.magnitude):.1f}h0"),
    )


def _paths(kind: str, marks: Sequence[_Mark], draw: Callable[[_Mark], str]) -> SafeString:
    """One path for each band: a table of small plots is large enough as it is."""
    parts: dict[str, list[str]] = defaultdict(list)
    for mark in marks:
        parts[mark.band].append(draw(mark))
    rows = (
        (colours().get(band, Colour.VIOLET), kind, f"M{''.join(drawn)[1:]}")
        for band, drawn in parts.items()
    )
    return format_html_join("", '<path class="{} {}" d="{}"/>', rows)


def _inside(y: float) -> float:
    return min(max(y, MARGIN), HEIGHT - 5)


def _marks(points: Sequence[SparkPoint], since: datetime | None) -> list[_Mark]:
    marks = []
    zero = since or (points[0].time if points else None)
    for point in points:
        days = (point.time - zero).total_seconds() / 86_400 if zero else 0.0
        told = magnitude_of(flux=point.flux, flux_error=point.flux_error)
        value = told.limit if told.magnitude is None else told.magnitude
        if value is not None and (since is None or days >= -DAYS_BEFORE):
            marks.append(_Mark(days, point.band, value, told.magnitude is None))
    return sorted(marks)


class _Scale(NamedTuple):
    start: float
    step: float
    origin: float

    def __call__(self, value: float) -> float:
        return self.origin + (value - self.start) * self.step


def _scales(marks: Sequence[_Mark], detections: Sequence[_Mark]) -> tuple[_Scale, _Scale]:
    first, last = min(marks[0].days, 0.0), max(marks[-1].days, 0.5)
    values = [mark.magnitude for mark in detections]
    spread = max(max(values) - min(values), LEAST_RANGE_MAG)
    middle = (max(values) + min(values)) / 2
    return (
        _Scale(first, (WIDTH - 2 * MARGIN) / (last - first), MARGIN),
        _Scale(middle - spread / 2, (HEIGHT - 2 * MARGIN) / spread, MARGIN),
    )


def _merger(x: float) -> SafeString:
    return format_html('<path class="merger" d="M{} 0V{}"/>', f"{x:.1f}", f"{HEIGHT:.0f}")


def _describe(detections: Sequence[_Mark]) -> str:
    first, last = detections[0], detections[-1]
    return (
        f"{len(detections)} detections over {last.days - first.days:.1f} days, "
        f"{first.magnitude:.1f} to {last.magnitude:.1f} mag"
    )
