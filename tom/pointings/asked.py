"""What a service of pointings is asked, and what came of it: common to all of them."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tom.formats.values import clean
from tom.pointings.keeping import Told

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The pointings that a service told, and how many of its rows could not be read."""

    told: Sequence[Told]
    left_out: int


def read_rows(body: bytes | None) -> list[Fields]:
    """Read an answer as rows: a JSON list, or CSV with headings; None: nothing is there.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if body is None:
        return []
    if body.lstrip()[:1] in (b"[", b"{"):
        return _read_json(body)
    table = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    try:
        if len(table.fieldnames or ()) < 2:
            message = "no table"
            raise ValueError(message)
        return [row for row in table if None not in row]
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _read_json(body: bytes) -> list[Fields]:
    try:
        listed = json.loads(body)
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if not isinstance(listed, list):
        message = "no list of rows"
        raise ValueError(message)  # noqa: TRY004 - a fault of what was said, as the others
    return [fields for each in listed if (fields := _fields(each))]


def number(value: Any) -> float | None:
    """Read a number, or one written as a text; None: it is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) < 1e30 else None


def word(value: Any, *, most: int = 100) -> str:
    """Read a short text, or a whole number as one; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return "".join(c for c in clean(str(value)[: 4 * most]) if c.isprintable()).strip()[:most]


def _fields(value: Any) -> Fields:
    """A row, which older versions of one API send as a text of JSON."""
    if isinstance(value, str):
        value = json.loads(value)
    return value if isinstance(value, dict) else {}
