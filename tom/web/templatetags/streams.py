"""Filters and tags of the streams' pages: rates, counts, times, the last hour as bars.

As with the filters of all pages, none raises, whatever it is given.
"""

from collections.abc import Sequence
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.formats.values import finite
from tom.web.templatetags.sky import DASH, describe_age

register = template.Library()


@register.filter
def rate(value: object) -> str:
    """A number a minute, with as many digits as tell something."""
    known = finite(value)
    if known is None:
        return DASH
    return f"{known:,.0f}" if known >= 10 or known == 0 else f"{known:.1f}"


@register.filter
def grouped(value: object) -> str:
    """A count, its thousands apart."""
    known = finite(value)
    return DASH if known is None else f"{known:,.0f}"


@register.filter
def percent(value: object) -> str:
    """A percentage, with as many digits as tell something."""
    known = finite(value)
    if known is None:
        return DASH
    return f"{known:.0f}%" if known >= 10 or known == 0 else f"{known:.2g}%"


@register.filter
def seconds(value: object) -> str:
    """A length of time: "3 min"."""
    known = finite(value)
    return DASH if known is None else describe_age(known).removesuffix(" ago")


@register.filter
def lasting(since: object) -> str:
    """How long something lasts already: "3 min"."""
    if not isinstance(since, datetime):
        return DASH
    return seconds((timezone.now() - since).total_seconds())


@register.filter
def moment(text: object) -> datetime | None:
    """A moment that was kept as ISO text; None if it is none."""
    try:
        return parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None


@register.simple_tag
def minute_bars(minutes: object) -> SafeString:
    """The messages of each minute as bars, the oldest left; nothing where none came."""
    counts = [finite(each) or 0.0 for each in minutes] if isinstance(minutes, Sequence) else []
    most = max(counts, default=0.0)
    if most <= 0:
        return SafeString("")
    tops = [10 * (1 - count / most) for count in counts]
    bars = "".join(f"M{at} 10V{top:.1f}h1V10z" for at, top in enumerate(tops) if top < 10)
    return format_html(
        '<svg class="minutes" viewBox="0 0 {} 10" preserveAspectRatio="none" aria-hidden="true">'
        '<path d="{}"/></svg>',
        len(counts),
        bars,
    )
