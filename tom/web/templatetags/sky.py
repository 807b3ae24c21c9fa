"""Filters and tags of the pages: times, sky positions, chances, small plots."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.events.models import NonLocalizedEvent
from tom.web.plots.bars import class_bar, interval_bar, term_bar
from tom.web.plots.compass import stamp_scale

register = template.Library()
register.simple_tag(class_bar)
register.simple_tag(interval_bar)
register.simple_tag(term_bar)
register.simple_tag(stamp_scale)

SECONDS_PER_YEAR = 31_557_600
LONGEST_PATH = 50
DASH = "\u2013"  # an en dash


@register.simple_tag(takes_context=True)
def place(context: dict[str, Any], name: str, label: str) -> SafeString:
    """A link of the main navigation, marked where the page belongs to it."""
    request: HttpRequest = context["request"]
    url = reverse(name)
    here = request.path == url or (url != "/" and request.path.startswith(url))
    mark = SafeString(' aria-current="page"') if here else ""
    return format_html('<a href="{}" data-place="{}"{}>{}</a>', url, name, mark, label)


@register.filter
def utc(moment: datetime | None) -> str:
    """A moment to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else DASH


@register.filter
def age(moment: datetime | None) -> SafeString:
    """A moment as its age; the script of the clock keeps it fresh, the title has it in full."""
    if moment is None:
        return SafeString(DASH)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-age>{}</time>',
        moment.astimezone(UTC).isoformat(),
        utc(moment),
        describe_age((timezone.now() - moment).total_seconds()),
    )


def describe_age(seconds: float) -> str:
    """Say how long ago: "3 min ago"; a moment to come is "in 3 min"."""
    steps = ((60, 1, "s"), (3600, 60, "min"), (172_800, 3600, "h"), (math.inf, 86_400, "d"))
    size = abs(seconds)
    _, unit, name = next(step for step in steps if size < step[0])
    text = f"{int(size // unit)} {name}"
    return f"in {text}" if seconds < 0 else f"{text} ago"


@register.filter
def false_alarms(far: float | None) -> str:
    """A false alarm rate in Hz as "1 per 31,700 yr"."""
    if not far or far <= 0:
        return DASH
    years = 1 / far / SECONDS_PER_YEAR
    if years >= 1:
        return f"1 per {_significant(years)} yr"
    return f"1 per {_significant(years * 365.25)} d"


def _significant(value: float) -> str:
    if value >= 1e7:
        return f"{value:.1e}"
    if value < 10:
        return f"{value:.1f}"
    digits = max(int(math.log10(value)) - 2, 0)
    return f"{round(value, -digits):,.0f}"


@register.filter
def chance(value: float | None) -> str:
    """A probability as a percentage that never rounds to a certainty."""
    if value is None:
        return DASH
    percent = 100 * value
    if percent and percent < 0.1:
        return "< 0.1%"
    if percent < 10:
        return f"{percent:.1f}%"
    if 99.5 <= percent < 100:
        return "> 99%"
    return f"{percent:.0f}%"


@register.filter
def number(value: float | None, digits: int = 2) -> str:
    """A number with a fixed count of decimals, and thousands apart; a dash for none."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:,.{int(digits)}f}"


@register.filter
def square_degrees(value: float | None) -> str:
    """An area in square degrees with the digits that matter."""
    if value is None:
        return DASH
    return f"{value:,.0f} deg²" if value >= 100 else f"{value:.3g} deg²"


@register.filter
def ra_hms(ra: float | None) -> str:
    """Right ascension in degrees as hours, minutes and seconds."""
    if ra is None:
        return DASH
    centiseconds = round((ra % 360) / 15 * 360_000) % 8_640_000
    minutes, rest = divmod(centiseconds, 6000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest / 100:05.2f}"


@register.filter
def dec_dms(dec: float | None) -> str:
    """Declination in degrees as degrees, minutes and seconds."""
    if dec is None:
        return DASH
    tenths = round(abs(dec) * 36_000)
    minutes, rest = divmod(tenths, 600)
    degrees, minutes = divmod(minutes, 60)
    return f"{'-' if dec < 0 else '+'}{degrees:02d}:{minutes:02d}:{rest / 10:04.1f}"


@register.filter
def any_due(cutouts: Iterable[Any]) -> bool:
    """Whether a cutout has neither a picture yet nor a reason for having none."""
    return any(not cutout.is_drawn and not cutout.fault for cutout in cutouts)


@register.filter
def file_size(size: int | None) -> str:
    """Bytes as B, kB or MB."""
    if size is None:
        return DASH
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


@register.filter
def likely(event: NonLocalizedEvent) -> tuple[str, float] | None:
    """The most likely class of an event and its probability."""
    return max(event.classification.items(), key=lambda item: float(item[1]), default=None)


@register.filter
def end_of_path(path: str) -> str:
    """A path; of a long one the end, where the file is named."""
    return path if len(path) <= LONGEST_PATH else f"…{path[-LONGEST_PATH:]}"


@register.filter
def words(name: str) -> str:
    """A name of the code as words."""
    return str(name).replace("_", " ")


@register.filter
def get(mapping: dict[Any, Any], key: object) -> object:
    """The value of a key that the template holds in a variable."""
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """The page's own query string with some values changed; an empty value drops its key.

    A part of the page links to the whole: what names the part is left out.
    """
    values = context["request"].GET.copy()
    values.pop("part", None)
    for key, value in changes.items():
        values.pop(key, None)
        if value not in ("", None):
            values[key] = str(value)
    return f"?{values.urlencode()}"
