"""A report in the form of a GCN Circular: subject, authors, text, tables of fixed width.

A person edits the photometry in the same form: one row on each line, commas between the cells.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tom.formats.chances import write_chance
from tom.formats.times import in_utc
from tom.reports.plain_text import percent_of, wrap, write_table

MOST_ROWS: Final = 2_000
LONGEST_TABLE: Final = 500_000
COLUMNS: Final = (
    *("target_name", "date_obs", "bandpass", "brightness", "brightness_error"),
    *("limiting_brightness", "telescope", "instrument"),
)
UNIT: Final = "AB mag"
_MAGNITUDES: Final = (-5.0, 40.0)
_CELL: Final = re.compile(r"[^\x00-\x1f\x7f]{0,60}")


class TableError(ValueError):
    """The edited table cannot be sent; the message names the row and says why."""


def write_circular(body: Mapping[str, Any]) -> str:
    """Write a report's body as the text of a circular; `body` is in HERMES's form."""
    data = body.get("data", {})
    parts = [
        f"SUBJECT: {_line(body.get('title', ''))}",
        f"FROM:    {_line(body.get('authors', ''))}",
        wrap(str(body.get("message_text", ""))),
        _candidates(data),
        _photometry(data.get("photometry", [])),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _line(text: str) -> str:
    return " ".join(str(text).split())


def _candidates(data: Mapping[str, Any]) -> str:
    standing = {row.get("name"): row for row in data.get("extra_data", {}).get("candidates", [])}
    rows = []
    for target in data.get("targets", []):
        said = standing.get(target["name"], {})
        posterior, level = said.get("posterior"), said.get("credible_level_2d")
        rows.append(
            (
                target["name"],
                f"{target['ra']:.5f}",
                f"{target['dec']:+.5f}",
                "-" if posterior is None else write_chance(posterior),
                "-" if level is None else f"{percent_of(level)}%",
            )
        )
    return write_table(("Name", "RA (deg)", "Dec (deg)", "Prob.", "Region"), rows)


def _photometry(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        (
            str(row.get("target_name", "")),
            _short(str(row.get("date_obs", ""))),
            str(row.get("bandpass", "")),
            _brightness(row),
            str(row.get("instrument") or row.get("telescope") or ""),
        )
        for row in rows
    ]
    return write_table(("Name", "UTC", "Band", "AB mag", "Instrument"), cells)


def _brightness(row: Mapping[str, Any]) -> str:
    if row.get("brightness") is not None:
        error = row.get("brightness_error")
        told = f"{row['brightness']:.2f}"
        return told if error is None else f"{told} +/- {error:.2f}"
    limit = row.get("limiting_brightness")
    return "" if limit is None else f"> {limit:.2f}"


def _short(moment: str) -> str:
    try:
        return f"{in_utc(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return moment


# --- The table as it is edited ------------------------------------------------------------------
def write_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write photometry as lines with a heading, for a person to edit."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(["" if row.get(name) is None else row[name] for name in COLUMNS])
    return out.getvalue()


def read_rows(text: str, *, targets: Sequence[str]) -> list[dict[str, Any]]:
    """Read the edited lines; each has a magnitude or a limit (AB) of one of `targets`.

    A date without a zone is taken as UTC, and is written with its zone.

    Raises
    ------
    TableError
        If a line cannot be read.
    """
    if len(text) > LONGEST_TABLE:
        message = f"the table has more than {LONGEST_TABLE:,} characters"
        raise TableError(message)
    try:
        lines = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise TableError(str(error)) from error
    if lines and tuple(cell.strip() for cell in lines[0]) == COLUMNS:
        lines.pop(0)
    if len(lines) > MOST_ROWS:
        message = f"the table has more than {MOST_ROWS:,} rows"
        raise TableError(message)
    return [_read_row(number, cells, targets) for number, cells in enumerate(lines, start=1)]


def _read_row(number: int, cells: Sequence[str], targets: Sequence[str]) -> dict[str, Any]:
    if len(cells) != len(COLUMNS):
        message = f"row {number} has {len(cells)} cells, not {len(COLUMNS)}"
        raise TableError(message)
    given = {name: cell.strip() for name, cell in zip(COLUMNS, cells, strict=True)}
    if given["target_name"] not in targets:
        message = (
            f"row {number} is of “{given['target_name'][:40]}”, which this report does not have"
        )
        raise TableError(message)
    if not all(_CELL.fullmatch(cell) for cell in given.values()) or not given["bandpass"]:
        message = f"row {number} has an empty band, or a cell of more than 60 characters"
        raise TableError(message)
    try:
        given["date_obs"] = in_utc(datetime.fromisoformat(given["date_obs"])).isoformat()
    except ValueError as error:
        message = f"row {number} has no date such as 2026-11-25T03:14:15+00:00"
        raise TableError(message) from error
    names = ("target_name", "date_obs", "bandpass", "telescope", "instrument")
    return {name: given[name] for name in names} | _read_brightness(number, given)


def _read_brightness(number: int, given: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if given["brightness"]:
        told |= {"brightness": _magnitude(number, given["brightness"]), "brightness_unit": UNIT}
        if given["brightness_error"]:
            error = _number(number, given["brightness_error"])
            if not 0 < error < 10:
                message = f"row {number} has an error that is not above 0 and below 10"
                raise TableError(message)
            told["brightness_error"] = error
    elif given["limiting_brightness"]:
        limit = _magnitude(number, given["limiting_brightness"])
        told |= {"limiting_brightness": limit, "limiting_brightness_unit": UNIT}
    else:
        message = f"row {number} has neither a magnitude nor a limit"
        raise TableError(message)
    return told


def _magnitude(number: int, text: str) -> float:
    value = _number(number, text)
    if not _MAGNITUDES[0] <= value <= _MAGNITUDES[1]:
        message = f"row {number}: {value:g} is not an AB magnitude"
        raise TableError(message)
    return value


def _number(number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"row {number}: “{text[:20]}” is not a number"
        raise TableError(message)
    return value
