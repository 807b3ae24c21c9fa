"""Plain text of reports: wrapped lines, tables of fixed width, percentages."""

import math
import textwrap
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 78


def percent_of(level: float) -> int:
    """Return the smallest whole percentage of a credible region that contains a level (0 to 1)."""
    return math.ceil(round(level * 100, 9))


def wrap(text: str) -> str:
    """Break long lines between words; the lines that are there stay."""
    lines = []
    for line in text.strip().splitlines():
        lines += textwrap.wrap(line, WIDTH, break_long_words=False) or [""]
    return "\n".join(lines)


def write_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table with columns of fixed width; nothing if the table has no row."""
    if not rows:
        return ""
    table = [tuple(headings), *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(headings))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in table]  # fmt: skip
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
