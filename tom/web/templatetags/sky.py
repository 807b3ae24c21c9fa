"""Filters and tags of the pages: times, sky positions, chances, small plots.

A row may lack what a filter is asked to write, and a template may name what is not there: a
filter writes a dash then. None raises, whatever it is given.
"""

import math
from datetime import UTC, datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.events.models import NonLocalizedEvent
from tom.formats.values import finite
from tom.photometry import magnitude_of
from tom.web.places import MOST_RANKED
from tom.web.plots.bars import class_bar, interval_bar, term_bar, term_cells
from tom.web.plots.compass import stamp_scale
from tom.web.plots.sparkline import draw_lines
from tom.web.row_addresses import address_of

register = template.Library()
register.simple_tag(class_bar)
register.simple_tag(interval_bar)
register.simple_tag(term_bar)
register.simple_tag(term_cells)
register.simple_tag(stamp_scale)
register.simple_tag(address_of, name="address")


@register.simple_tag
def small_curve(part: Any) -> SafeString:
    """The small light curve of a part of an opinion; one that cannot be drawn is left out."""
    try:
        points = [(float(day), str(band), float(mag)) for day, band, mag in part["lines"]]
        return draw_lines(points, label=str(part["text"]))
    except (KeyError, TypeError, ValueError):
        return SafeString("")


ROUNDING = 1e-9  # of a sum of probabilities
SECONDS_PER_DAY, SECONDS_PER_YEAR = 86_400, 31_557_600
LONGEST_PATH = 50
HUGE = 1e15
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
def utc(moment: object) -> str:
    """A moment to the second, in UTC."""
    known = _in_utc(moment)
    return known.isoformat(" ", "seconds")[:19] if known else DASH


def _in_utc(moment: object) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):  # within a day of year 1 or 9999, in another zone
        return moment.replace(tzinfo=UTC)


@register.filter
def age(moment: object) -> SafeString:
    """A moment as its age; the script of the clock keeps it fresh, the title has it in full."""
    known = _in_utc(moment)
    if known is None:
        return SafeString(DASH)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-age>{}</time>',
        known.isoformat(),
        utc(known),
        describe_age((timezone.now() - known).total_seconds()),
    )


def describe_age(seconds: float) -> str:
    """Say how long ago: "3 min ago"; a moment to come is "in 3 min"."""
    steps = ((60, 1, "s"), (3600, 60, "min"), (172_800, 3600, "h"), (math.inf, 86_400, "d"))
    size = abs(seconds)
    _, unit, name = next(step for step in steps if size < step[0])
    text = f"{int(size // unit)} {name}"
    return f"in {text}" if seconds < 0 else f"{text} ago"


@register.filter
def duration(seconds: object) -> str:
    """A duration with its unit: "0.42 s", "3.1 min"; below zero with a minus."""
    given = finite(seconds)
    if given is None:
        return DASH
    steps = ((60, 1, "s"), (3600, 60, "min"), (172_800, 3600, "h"), (math.inf, 86_400, "d"))
    size = abs(given)
    _, unit, name = next(step for step in steps if size < step[0])
    value = size / unit
    text = f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return f"{'-' if given < 0 else ''}{text} {name}"


@register.filter
def false_alarms(far: object) -> str:
    """A false alarm rate in Hz as "1 per 31,700 yr"."""
    rate = finite(far)
    if not rate or rate < 0:
        return DASH
    years = 1 / rate / SECONDS_PER_YEAR
    if years >= 1:
        return f"1 per {_significant(years)} yr"
    if rate < 1 / SECONDS_PER_DAY:
        return f"1 per {_significant(1 / rate / SECONDS_PER_DAY)} d"
    return f"1 per {_significant(1 / rate)} s"


def _significant(value: float) -> str:
    if value >= 1e7:
        return f"{value:.1e}"
    if value < 10:
        return f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"
    digits = max(int(math.log10(value)) - 2, 0)
    return f"{round(value, -digits):,.0f}"


@register.filter
def chance(value: object) -> str:
    """A probability in percent, never rounded to a certainty; a dash if there is none."""
    known = finite(value)
    if known is None or not 0 <= known <= 1 + ROUNDING:
        return DASH
    percent = 100 * min(known, 1.0)
    if percent and percent < 0.1:
        return "< 0.1%"
    if percent < 10:
        return f"{percent:.1f}%"
    if 99.5 <= percent < 100:
        return "> 99%"
    return f"{percent:.0f}%"


@register.filter
def level(value: object) -> str:
    """A credible level, rounded up: the region of what is told holds the place. A dash for none."""
    known = finite(value)
    if known is None or not 0 <= known <= 1:
        return DASH
    tenths = math.ceil(round(1000 * known, 6))
    return f"{tenths / 10:g}%" if tenths < 1000 else "> 99.9%"


@register.filter
def number(value: object, digits: int = 2) -> str:
    """A number with a fixed count of decimals, and thousands apart; a dash for none."""
    known = finite(value)
    if known is None:
        return DASH
    return f"{known:,.{int(digits)}f}" if abs(known) < HUGE else f"{known:.2e}"


@register.filter
def exact(value: object) -> str:
    """A number as somebody gave it, without digits that say nothing; a dash for none."""
    known = finite(value)
    return DASH if known is None else f"{known:.10g}"


@register.simple_tag
def told_magnitude(flux: float | None, flux_error: float | None) -> str:
    """A flux (nJy) as an AB magnitude with its error, or as its limit."""
    told = magnitude_of(flux=flux, flux_error=flux_error)
    if told.magnitude is not None and told.error is not None:
        return f"{told.magnitude:.3f} ± {told.error:.3f}"
    return DASH if told.limit is None else f"> {told.limit:.2f}"


# A unit, the area in square degrees below which it is used, and how many of its sides a degree has.
SMALL_AREAS = (("arcsec²", 0.1 / 3600, 3600), ("arcmin²", 0.1, 60))
SMALL_ANGLES = ((" arcsec", 1 / 60, 3600), (" arcmin", 1.0, 60))


@register.filter
def square_degrees(value: object) -> str:
    """An area given in square degrees with the digits that matter; a small one in less."""
    area = finite(value)
    if area is None:
        return DASH
    for unit, most, per_degree in SMALL_AREAS:
        if 0 < area < most:
            return f"{area * per_degree**2:.3g} {unit}"
    return f"{area:,.0f} deg²" if 100 <= area < HUGE else f"{area:.3g} deg²"


@register.filter
def angle(degrees: object) -> str:
    """An angle given in degrees with a digit after the point; a small one in less."""
    known = finite(degrees)
    if known is None:
        return DASH
    for unit, most, per_degree in SMALL_ANGLES:
        if 0 <= known < most:
            return f"{known * per_degree:.1f}{unit}"
    return f"{known:.1f}°"


@register.filter
def ra_hms(ra: object) -> str:
    """Right ascension in degrees as hours, minutes and seconds."""
    known = finite(ra)
    if known is None:
        return DASH
    centiseconds = round((known % 360) / 15 * 360_000) % 8_640_000
    minutes, rest = divmod(centiseconds, 6000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest / 100:05.2f}"


@register.filter
def dec_dms(dec: object) -> str:
    """Declination in degrees as degrees, minutes and seconds; a dash if there is none."""
    known = finite(dec)
    if known is None or abs(known) > 90:
        return DASH
    tenths = round(abs(known) * 36_000)
    minutes, rest = divmod(tenths, 600)
    degrees, minutes = divmod(minutes, 60)
    return f"{'-' if known < 0 else '+'}{degrees:02d}:{minutes:02d}:{rest / 10:04.1f}"


@register.filter
def ordinal(number: object) -> str:
    """A place in an order: "3rd"."""
    known = finite(number)
    if known is None:
        return DASH
    place = int(known)
    teen = 10 < place % 100 < 14
    return f"{place}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"


@register.filter
def counted(number: object) -> str:
    """A rank, or how many candidates there are; more than are counted are "1000+"."""
    known = finite(number)
    if known is None:
        return DASH
    return f"{known:.0f}" if known <= MOST_RANKED else f"{MOST_RANKED}+"


@register.filter
def file_size(size: object) -> str:
    """Bytes as B, kB or MB."""
    known = finite(size)
    if known is None:
        return DASH
    if known < 1000:
        return f"{known:.0f} B"
    return f"{known / 1000:.1f} kB" if known < 1_000_000 else f"{known / 1e6:.1f} MB"


@register.filter
def likely(event: object) -> tuple[str, float] | None:
    """The most likely class of an event and its probability."""
    classes = event.classification if isinstance(event, NonLocalizedEvent) else None
    return next(iter(ranked_classes(classes)), None)


def ranked_classes(classification: object) -> list[tuple[str, float]]:
    """The classes of an event with their probabilities, the most likely first."""
    classes = classification if isinstance(classification, dict) else {}
    known = [(str(name), finite(value)) for name, value in classes.items()]
    return sorted(
        ((name, value) for name, value in known if value is not None),
        key=lambda item: -item[1],
    )


@register.filter
def end_of_path(name: object) -> str:
    """A path; of a long one the end, where the file is named."""
    path = "" if name is None else str(name)
    return path if len(path) <= LONGEST_PATH else f"…{path[-LONGEST_PATH:]}"


@register.filter
def words(name: object) -> str:
    """A name of the code as words."""
    return "" if name is None else str(name).replace("_", " ")


@register.filter
def get(mapping: object, key: object) -> object:
    """The value of a key that the template holds in a variable."""
    return mapping.get(key) if isinstance(mapping, dict) else None


@register.simple_tag(takes_context=True)
def sort_column(context: dict[str, Any], name: str, label: str, css: str = "") -> SafeString:
    """The head of a column: a link that sorts the list by it, or turns the order round."""
    order = context["asked"]["order"] or "rank"
    is_first, is_turned = order.removeprefix("-") == name, order.startswith("-")
    falls = (name in ("chance", "newest", "decide", "time")) != is_turned
    state = ("descending" if falls else "ascending") if is_first else "none"
    url = query(context, order=f"-{name}" if is_first and not is_turned else name, page="")
    arrow = {"descending": " ↓", "ascending": " ↑", "none": ""}[state]
    return format_html(
        '<th class="{}" aria-sort="{}"><a href="{}">{}{}</a></th>', css, state, url, label, arrow
    )


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """The page's own query string with some values changed; an empty value drops its key.

    A part of the page links to the whole: what names the part is left out.
    """
    values = context["request"].GET.copy()
    for name in ("part", "auto", "whole"):
        values.pop(name, None)
    for key, value in changes.items():
        values.pop(key, None)
        if value not in ("", None):
            values[key] = str(value)
    return f"?{values.urlencode()}"
