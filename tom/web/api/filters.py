"""Read the query parameters of a request; what cannot be read is a 400 that says why."""

import math
from collections.abc import Sequence
from typing import Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from tom.forms.registry import broker_names
from tom.web.said import CLASSES, SaidFilter

YES: Final = ("", "1", "true")
NO: Final = ("0", "false")
SAID_PARAMETERS = [
    OpenApiParameter("class", str, description="Of which a classifier's newest word is this class"),
    OpenApiParameter("by", str, description="Of which this broker says something"),
]


def read_flag(request: Request, name: str) -> bool:
    """Return whether a parameter is given that needs no value; `false` and `0` say no."""
    value = request.query_params.get(name, "false").lower()
    if value not in (*YES, *NO):
        raise ValidationError({name: ["true or false; without a value it is true"]})
    return value in YES


def read_choice(request: Request, name: str, choices: Sequence[str]) -> str | None:
    """Return the parameter where it is given and one of `choices`."""
    value = request.query_params.get(name)
    if value is not None and value not in choices:
        raise ValidationError({name: [f"one of {', '.join(choices)}"]})
    return value


def read_said_choice(request: Request) -> SaidFilter:
    """Return the filter by a class and by who says it, each where it is given."""
    return SaidFilter(
        label=read_choice(request, "class", CLASSES),
        author=read_choice(request, "by", broker_names()),
    )


def read_number(
    request: Request, name: str, *, least: float = -math.inf, most: float = math.inf
) -> float | None:
    """Return the parameter as a finite number in its range where it is given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValidationError({name: ["a number"]})
    if not least <= number <= most:
        raise ValidationError({name: [f"from {least:g} to {most:g}"]})
    return number


def read_text(request: Request, name: str) -> str | None:
    """Return the parameter where it is given and not empty."""
    text = request.query_params.get(name, "").strip()
    if "\x00" in text:
        raise ValidationError({name: ["a text without null characters"]})
    return text or None
