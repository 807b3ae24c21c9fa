"""Bars: a class's chance, a posterior with its interval, one term of a score."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from tom.formats.values import finite

# A term beyond this (natural logarithm of a likelihood ratio) fills its bar.
FULL_TERM = 6.0
HALF = 24.0
WIDTH = f"{2 * HALF + 2:.0f}"
MOST_KEPT = 10_000


def class_bar(fraction: object) -> SafeString:
    """A bar filled from the left, for a chance or a progress of 0 to 1; empty for none."""
    width = 100 * min(max(finite(fraction) or 0.0, 0.0), 1.0)
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="100" height="8"/><rect class="fill" width="{}" height="8"/></svg>',
        f"{width:.2f}",
    )


def interval_bar(mean: object, low: object, high: object) -> SafeString:
    """A posterior from 0 to 1 with its interval."""
    middle, *edges = map(finite, (mean, low, high))
    if middle is None:
        return SafeString("")
    start, stop = (middle if edge is None else edge for edge in edges)
    figures = 100 * start, 100 * stop, min(100 * middle, 98.5) - 1.5
    return _draw_interval(*(f"{figure:.1f}" for figure in figures))


@lru_cache(maxsize=MOST_KEPT)
def _draw_interval(start: str, stop: str, mean: str) -> SafeString:
    return format_html(
        '<svg class="interval" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="track" d="M0 4H100"/><path class="span" d="M{} 4H{}"/>'
        '<rect class="mean" x="{}" y="0" width="3" height="8"/></svg>',
        start,
        stop,
        mean,
    )


def term_bar(term: object) -> SafeString:
    """One term of a score: right of the axis it speaks for the candidate, left of it against.

    The whisker is its uncertainty; a hollow box is a factor that is not known.
    """
    return _draw_term(*_said(term)) if isinstance(term, Mapping) else SafeString("")


def _said(term: Mapping[str, Any]) -> tuple[str, str, float, float, float]:
    name, reason = str(term.get("name", "")), str(term.get("reason") or "")
    value, low, high = (_log(term, key) for key in ("log_lr", "log_lr_low", "log_lr_high"))
    return name, reason, value, low, high


def term_cells(terms: object) -> SafeString:
    """The cells of a row's terms, each with its name for narrow pages; None: an empty cell.

    Not in a template: it would look up six names for each of 180 cells.
    """
    known = terms if isinstance(terms, list) else []
    return SafeString("".join(_term_cell(term) for term in known))


def _term_cell(term: object) -> str:
    return _draw_cell(*_said(term)) if isinstance(term, Mapping) else '<td class="term"></td>'


@lru_cache(maxsize=MOST_KEPT)
def _draw_cell(name: str, reason: str, value: float, low: float, high: float) -> str:
    label, bar = escape(name.replace("_", " ")), _draw_term(name, reason, value, low, high)
    return f'<td class="term"><span class="term-name">{label}</span>{bar}</td>'


@lru_cache(maxsize=MOST_KEPT)
def _draw_term(name: str, reason: str, value: float, low: float, high: float) -> SafeString:
    """Draw a term; it depends on nothing else. Most terms of a list are drawn again and again."""
    text = f"{name.replace('_', ' ')}: {value:+.2f} ({low:+.2f} to {high:+.2f})"
    label = f"{text}, {reason}" if reason else text
    if reason and value == 0:
        bar = '<rect class="none" x="-5" y="3.5" width="10" height="7"/>'
    else:
        bar = _bar(value, low, high)
    said = escape(label)
    return SafeString(
        f'<svg class="terms" viewBox="{-HALF - 1:.0f} 0 {WIDTH} 14" width="{WIDTH}" height="14" '
        f'role="img" aria-label="{said}"><title>{said}</title>'
        f'<path class="axis" d="M0 0V14"/>{bar}</svg>'
    )


def _bar(value: float, low: float, high: float) -> str:
    """The bar itself, of numbers alone: `format_html` would escape each of hundreds."""
    end, start, stop = _place(value), _place(low), _place(high)
    side = "plus" if value > 0 else "minus"
    return (
        f'<rect class="{side}" x="{min(0.0, end):.1f}" y="3" width="{max(abs(end), 0.8):.1f}" '
        f'height="8"/><path class="whisker" d="M{start:.1f} 7H{stop:.1f}"/>'
    )


def _place(value: float) -> float:
    return HALF * min(max(value / FULL_TERM, -1.0), 1.0)


def _log(term: Mapping[str, Any], name: str) -> float:
    return finite(term.get(name)) or 0.0
