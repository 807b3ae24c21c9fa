"""What a message in HERMES's form says of targets: where they are, and what was measured of them.

Anybody may write such a message. So it is offered to a person, and nothing of it is believed. The
form: https://hermes.lco.global/about, with its `targets` and its `photometry`.
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from tom.formats.values import finite, integer, magnitude, number, text
from tom.records.alert import AB_ZERO_POINT_NJY
from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import read_place
from tom.sky.place_tokens import NotAPlaceError

MOST_TARGETS: Final = 50
MOST_ROWS: Final = 2_000
"""Of a message so many rows of photometry are read."""
COLUMNS: Final = (
    *("time", "band", "magnitude", "magnitude_error", "flux_ujy", "flux_error", "limit"),
    "telescope",
)
LIMIT_STEP_MAG: Final = 2.5 * math.log10(5 / 3)
"""By what a limit of 3 sigma, as HERMES asks for, is fainter than one of 5 sigma, as ours are."""
_NJY: Final = 1e6  # of one mJy
_UJY: Final = 1e3
_AB, _MJY = "AB mag", "mJy"
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class SaidTarget:
    """A target that a message names.

    Attributes
    ----------
    name, aliases
        What its authors call it.
    ra, dec
        ICRS degrees; None: the message tells no place that can be read.
    redshift
        None: it tells none.
    rows
        Its photometry, by `COLUMNS`: limits of 5 sigma, fluxes in uJy.
    left_out
        How many rows have no time or band, no error, or neither AB magnitudes nor mJy.
    """

    name: str
    aliases: tuple[str, ...]
    ra: float | None
    dec: float | None
    redshift: float | None
    rows: tuple[tuple[str, ...], ...]
    left_out: int

    @property
    def typed(self) -> str:
        """The place as a person types it; empty where it is not known."""
        return "" if self.ra is None else f"{self.ra:.6f} {self.dec:+.6f}"

    @property
    def table(self) -> str:
        """The photometry as CSV, as the form for photometry reads it; empty: there is none."""
        if not self.rows:
            return ""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows((COLUMNS, *self.rows))
        return out.getvalue()


def read_targets(content: Mapping[str, Any]) -> list[SaidTarget]:
    """Read the targets that a message names, each with its photometry.

    A target whose photometry alone is told has no place. What is not of HERMES's form is left out.
    """
    data = content.get("data")
    if not isinstance(data, dict):
        return []
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in _records(data.get("photometry"), MOST_ROWS):
        rows[_name(row.get("target_name"))].append(row)
    told = {_name(row.get("name")): row for row in _records(data.get("targets"), MOST_TARGETS)}
    names = list(dict.fromkeys((*told, *rows)))[:MOST_TARGETS]
    return [_read(name, told.get(name, {}), rows.get(name, [])) for name in names if name]


def _records(value: Any, most: int) -> list[Mapping[str, Any]]:
    rows = value if isinstance(value, list) else []
    return [row for row in islice(rows, most) if isinstance(row, dict)]


def _name(value: Any) -> str:
    return _plain(value)[:_LONGEST_NAME]


def _plain(value: Any) -> str:
    """A text on one line; of a number its figures."""
    known = text(value) if isinstance(value, str) else None
    if known is None:
        figure = integer(value) if isinstance(value, int) else finite(value)
        known = "" if figure is None else repr(figure)
    return " ".join(known.split())


def _read(name: str, told: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> SaidTarget:
    aliases = told.get("aliases")
    others = [_name(each) for each in aliases] if isinstance(aliases, list) else []
    ra, dec = _place(told.get("ra"), told.get("dec"))
    redshift = number(told.get("redshift"))
    measured = [_row(row) for row in rows]
    usable = tuple(row for row in measured if row is not None)
    return SaidTarget(
        name=name,
        aliases=tuple(islice(filter(None, others), MOST_TARGETS)),
        ra=ra,
        dec=dec,
        redshift=redshift if redshift is not None and redshift > 0 else None,
        rows=usable,
        left_out=len(measured) - len(usable),
    )


def _place(ra: Any, dec: Any) -> tuple[float, float] | tuple[None, None]:
    """A place in degrees, or in hours and degrees with minutes and seconds."""
    try:
        place = read_place(f"{_plain(ra)} {_plain(dec)}")
    except (NotAPlaceError, UnreadablePlaceError):
        return None, None
    return place.ra, place.dec


def _row(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """One row by `COLUMNS`; None: it cannot be used."""
    when, band = _plain(row.get("date_obs")), _plain(row.get("bandpass"))
    measured = _measured(row) or _limit(row)
    if not when or not band or measured is None:
        return None
    telescope = _plain(row.get("telescope")) or _plain(row.get("instrument"))
    return when, band, *measured, telescope


def _measured(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The magnitude or the flux with its error, and no limit."""
    value, error = number(row.get("brightness")), number(row.get("brightness_error"))
    if value is None or error is None or error <= 0:
        return None
    match _unit(row, "brightness_unit", "unit"):
        case "AB mag" if magnitude(value) is not None:
            return repr(value), repr(error), "", "", ""
        case "mJy":
            return "", "", repr(value * _UJY), repr(error * _UJY), ""
        case _:
            return None


def _limit(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The limit of a row without a brightness."""
    value = number(row.get("limiting_brightness"))
    if value is None or number(row.get("brightness")) is not None:
        return None
    unit = _unit(row, "limiting_brightness_unit", "unit")
    if unit == _MJY and value > 0:
        value, unit = AB_ZERO_POINT_NJY - 2.5 * math.log10(value * _NJY), _AB
    if unit != _AB or magnitude(value) is None:
        return None
    return "", "", "", "", f"{value - LIMIT_STEP_MAG:.3f}"


def _unit(row: Mapping[str, Any], *names: str) -> str:
    """The unit that a row tells; AB magnitudes where it tells none, as HERMES has it."""
    return next((told for name in names if (told := _plain(row.get(name)))), _AB)
