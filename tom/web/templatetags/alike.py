"""Parts of a table's rows that are alike but for some values: each is rendered once a page.

To render the buttons of each of 25 rows took 9 ms of every page of candidates.
"""

import re
from typing import Final

from django import template
from django.template import Context, Engine
from django.template.base import render_value_in_context
from django.utils.safestring import SafeString

register = template.Library()

# They stand around a name in place of its value: characters that no standard gives a meaning.
_BEFORE: Final = "\ue000"
_BEHIND: Final = "\ue001"


@register.simple_tag(takes_context=True)
def alike(context: Context, template_name: str, asks: str, prints: str) -> SafeString:
    """Include a template in a row, rendered anew only where what it asks for is another.

    Parameters
    ----------
    template_name
        The template. What else it reads must be the same in all rows of the page.
    asks
        The name of the one variable that may differ from row to row and that it asks for.
    prints
        The names of those that differ and that it only prints, without a filter.
    """
    names = prints.split()
    filled = _pieces(context, template_name, asks, names)
    filled[1::2] = [render_value_in_context(context[name], context) for name in filled[1::2]]
    return SafeString("".join(filled))


def _pieces(context: Context, template_name: str, asks: str, names: list[str]) -> list[str]:
    """The text of a part, with the name of what is printed at every second place."""
    known = context["request"].__dict__.setdefault("_parts_alike", {})
    key = template_name, context[asks]
    if key not in known:
        part = Engine.get_default().get_template(template_name)
        with context.push(**{name: f"{_BEFORE}{name}{_BEHIND}" for name in names}):
            stand_in = f"{_BEFORE}({'|'.join(names)}){_BEHIND}"
            known[key] = re.split(stand_in, part.render(context))
    return list(known[key])
