"""The choices of a form that are many and the same on every page."""

from functools import lru_cache

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()
SELECTED = SafeString(" selected")


@register.simple_tag
@lru_cache(maxsize=512)
def options(values: tuple[str, ...], chosen: str | None) -> SafeString:
    """One option for each value; the chosen one is selected."""
    return format_html_join(
        "\n",
        '<option value="{}"{}>{}</option>',
        ((each, SELECTED if each == chosen else "", each) for each in values),
    )
