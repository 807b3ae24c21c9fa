"""Read a table of photometry that a person brings; say what is wrong with which row."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from tom.forms.registry import surveys
from tom.photometry import LIMIT_SIGMA
from tom.records.alert import PointKind, flux_of_magnitude
from tom.targets.by_hand import Measured

MOST_ROWS: Final = 5_000
LONGEST_TEXT: Final = 1_000_000
MOST_COLUMNS: Final = 60
# What each column may mean, with how its heading usually begins or reads.
FIELDS: Final = {
    "time": r"mjd|jd|time|date|obs_?date|date_obs|epoch|t|utc",
    "band": r"band|filter|filt|flt|bandpass|passband|fid",
    "magnitude": r"mag|magnitude|ab_?mag|magnitude_ab|m|brightness|mag_?psf",
    "magnitude_error": r"e_?mag|mag_?err|mag_?error|magnitude_error|err|error|sigma|dmag|"
    r"mag_?unc|uncertainty|sigmapsf|brightness_error|emag|merr|e",
    "limit": r"lim|limit|lim_?mag|limiting_?mag|limiting_magnitude|mag_?lim|ul|upper_?limit|"
    r"diffmaglim|limit_ab_5sigma|depth",
    "flux": r"(?:forced_?)?flux(?:_?[num]jy)?|f_?nu|[num]jy",
    "flux_error": r"flux_?err(?:or)?(?:_?[num]jy)?|flux_?unc|dflux|e_?flux|dujy",
    "telescope": r"telescope|tel|instrument|inst|observatory|facility|source|survey",
}
FLUX_UNITS: Final = {"njy": 1.0, "ujy": 1e3, "mjy": 1e6}
_MISSING: Final = {"", "-", "--", "nan", "none", "null", "n/a", "na", "99", "99.0", "99.99", "-99"}
_BAND: Final = re.compile(r"[A-Za-z][A-Za-z0-9_'+-]{0,7}")
# Whose bands people write with a prefix, in addition to the surveys that declare themselves.
_OTHERS: Final = ("sdss", "ps1", "panstarrs", "des", "swope", "lco", "sloan")
_FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
_MJD_RANGE: Final = (15_000.0, 90_000.0)
_JD_OFFSET: Final = 2_400_000.5
_MAGNITUDES: Final = (-5.0, 40.0)


class NoTableError(ValueError):
    """The text is not a table that can be read; the message says why."""


class RowError(ValueError):
    """A row cannot be stored; the message says why."""


@dataclass(frozen=True)
class Table:
    """The headings and the cells of a text."""

    headings: list[str]
    rows: list[list[str]]


@dataclass
class Reading:
    """What the rows of a table say: points, and by the row's number what is wrong with it."""

    points: list[Measured] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)


def read_table(text: str) -> Table:
    """Split a text with a line of headings into cells, whatever stands between them.

    Raises
    ------
    NoTableError
        If it is too long, empty, or has no headings.
    """
    if len(text) > LONGEST_TEXT:
        message = f"it has more than {LONGEST_TEXT:,} characters"
        raise NoTableError(message)
    plain = text.lstrip("\ufeff").replace("\0", "")
    lines = [line for line in plain.splitlines() if line.strip(" \t,;|-+=")]
    while len(lines) > 1 and lines[0].startswith("#") and lines[1].startswith("#"):
        lines.pop(0)
    lines = (
        [lines[0].lstrip("# "), *(line for line in lines[1:] if line[0] != "#")] if lines else []
    )
    if len(lines) < 2:
        message = "it needs a line of headings and a row"
        raise NoTableError(message)
    if len(lines) > MOST_ROWS + 1:
        message = f"it has more than {MOST_ROWS:,} rows"
        raise NoTableError(message)
    cells = _split(lines)
    headings = [heading.strip()[:40] for heading in cells[0]]
    if not 2 <= len(headings) <= MOST_COLUMNS:
        message = f"it has {len(headings)} columns: 2 to {MOST_COLUMNS} can be read"
        raise NoTableError(message)
    if all(_number(heading) is not None for heading in headings):
        message = "its first line has numbers: it needs headings, such as mjd, band, mag, err"
        raise NoTableError(message)
    return Table(headings, cells[1:])


def _split(lines: Sequence[str]) -> list[list[str]]:
    delimiter = max(",\t;|", key=lines[0].count)
    if not lines[0].count(delimiter):
        return [line.split() for line in lines]
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    except csv.Error as error:
        raise NoTableError(str(error)) from error
    return [[cell.strip() for cell in row] for row in rows]


def guess_columns(headings: Sequence[str]) -> dict[str, int]:
    """Guess which column holds what, by the headings; of two that say the same, the first."""
    plain = [re.sub(r"[\s.()\[\]/-]+", "_", heading.lower()).strip("_") for heading in headings]
    found: dict[str, int] = {}
    for name, pattern in FIELDS.items():
        for number, heading in enumerate(plain):
            if re.fullmatch(pattern, heading, re.IGNORECASE):
                found.setdefault(name, number)
    return found


def read_points(
    table: Table, columns: Mapping[str, int], *, flux_unit: str, now: datetime
) -> Reading:
    """Read each row by the columns that were chosen; name each bad row with its reason."""
    reading = Reading()
    known: dict[tuple[datetime, str, PointKind], int] = {}
    for number, cells in enumerate(table.rows, start=1):
        given = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
        try:
            point = _read_row(given, unit=FLUX_UNITS[flux_unit], now=now)
        except RowError as error:
            reading.errors.append((number, str(error)))
            continue
        same = known.setdefault((point.time, point.band, point.kind), number)
        if same != number:
            reading.errors.append((number, f"the same time and band as row {same}"))
        else:
            reading.points.append(point)
    return reading


@cache
def _prefix() -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in (*surveys(), *_OTHERS))
    return re.compile(rf"^(?:{names})[\s_:.-]*(?=[a-z])", re.IGNORECASE)


def plain_band(text: str) -> str:
    """Take the name of a survey from the beginning of a band's name."""
    return _prefix().sub("", text.strip())


def _read_row(given: Mapping[str, str], *, unit: float, now: datetime) -> Measured:
    time = read_time(given.get("time", ""), now=now)
    band = plain_band(given.get("band", ""))
    if not _BAND.fullmatch(band):
        message = f"“{band[:20]}” is not a band: a letter, and up to 8 characters"
        raise RowError(message)
    kind, flux, error = _brightness(given, unit=unit)
    telescope = "".join(c for c in given.get("telescope", "") if c.isprintable())[:40]
    return Measured(kind, time, band, flux, error, telescope)


def _brightness(given: Mapping[str, str], *, unit: float) -> tuple[PointKind, float | None, float]:
    magnitude, limit = given.get("magnitude", ""), given.get("limit", "")
    if magnitude.startswith((">", "<")):  # a limit, written in the magnitudes' column
        magnitude, limit = "", magnitude.lstrip("<> ")
    if magnitude.lower() not in _MISSING:
        return (PointKind.ALERT, *_detection(magnitude, given.get("magnitude_error", "")))
    if given.get("flux", "").lower() not in _MISSING:
        flux = read_finite(given["flux"], "flux") * unit
        error = read_finite(given.get("flux_error", ""), "flux error") * unit
        if not (0 < error < 1e30 and abs(flux) < 1e30):
            message = "the flux error must be above 0, and both must be below 1e30 nJy"
            raise RowError(message)
        return PointKind.FORCED, flux, error
    if limit.lower().lstrip("<> ") not in _MISSING:
        value = _in_range(read_finite(limit.lstrip("<> "), "limit"), "limit")
        return PointKind.LIMIT, None, flux_of_magnitude(value) / LIMIT_SIGMA
    message = "it has no magnitude, flux or limit"
    raise RowError(message)


def _detection(magnitude: str, error: str) -> tuple[float, float]:
    value = _in_range(read_finite(magnitude, "magnitude"), "magnitude")
    if error.lower() in _MISSING:
        message = "the magnitude has no error"
        raise RowError(message)
    sigma = read_finite(error, "magnitude error")
    if not 0 < sigma <= 2:
        message = f"the magnitude error {sigma:g} is not above 0 and at most 2"
        raise RowError(message)
    flux = flux_of_magnitude(value)
    return flux, flux * sigma * math.log(10) / 2.5


def _in_range(value: float, name: str) -> float:
    least, most = _MAGNITUDES
    if not least <= value <= most or (name == "limit" and value <= 0):
        message = f"the {name} {value:g} is not an AB magnitude"
        raise RowError(message)
    return value


def read_finite(text: str, name: str) -> float:
    """Read a number; RowError, which names the column: it is none."""
    value = _number(text)
    if value is None:
        message = f"the {name} “{text[:20]}” is not a number"
        raise RowError(message)
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text.strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_time(text: str, *, now: datetime) -> datetime:
    """Read MJD, JD or an ISO date as UTC.

    Raises
    ------
    RowError
        If it is none, or lies before 1900 or more than an hour after `now`.
    """
    number = _number(text)
    if number is None:
        moment = _iso(text)
    else:
        mjd = number - _JD_OFFSET if number > _JD_OFFSET else number
        if not _MJD_RANGE[0] <= mjd <= _MJD_RANGE[1]:
            message = f"the time {text[:20]} is neither MJD nor JD"
            raise RowError(message)
        moment = _MJD_EPOCH + timedelta(microseconds=round(mjd * 86_400_000_000))
    if not _FIRST <= moment <= now + timedelta(hours=1):
        message = f"the time {moment:%Y-%m-%d %H:%M} lies in the future, or before 1900"
        raise RowError(message)
    return moment


def _iso(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError as error:
        message = (
            f"the time “{text[:30]}” is neither MJD, JD nor a date such as 2026-11-25T03:14:15"
        )
        raise RowError(message) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
