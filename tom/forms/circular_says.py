"""What a GCN Circular's text says: positions, photometry, areas, and whether it takes back.

People write these texts as they like. So this is read with care and offered to a person with the
words it was read from; nothing is believed. What has two meanings is left out.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

LONGEST_TEXT: Final = 60_000
"""So many characters of a text are read: GCN's longest circulars have a third of it."""
MOST: Final = 50
"""Of each kind so many are found at most."""
SAME_ARCSEC: Final = 5.0
"""Positions so near to each other are one: authors write it in degrees and in hours."""

# Greek letters are indices of spectra, too: they are a position's with the equinox alone.
_RA: Final = r"\b(?:R\.?\s?A\.?|right\s+ascension|(?:alpha|\u03b1)(?=\s*\(?\s*J?2000))(?![A-Za-z.])"
_DEC: Final = r"\b(?:Dec(?:l(?:ination)?)?|(?:delta|\u03b4)(?=\s*\(?\s*J?2000))\b\.?"
_EQUINOX: Final = r"(?:\s*\(?\s*J?2000(?:\.0)?\s*\)?)?"
_IS: Final = rf"{_EQUINOX}\s*(?:\(?deg\.?\)?)?\s*[=:]?\s*"
# Signs that mail programs and editors write for plain ones, each one character for one.
_PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2032\u02b9\u02bc\u2018\u2019", "'"),
        **dict.fromkeys("\u2033\u02ba\u201c\u201d", '"'),
        **dict.fromkeys("\u00ba\u02da", "\u00b0"),
        **{"\u02b0": "h", "\u1d50": "m", "\u02e2": "s", "\u2265": ">", "\uff0b": "+"},
    }
)
_PART: Final = r"[0-9]{1,2}"
_SECONDS: Final = r"[0-9]{1,2}(?:[s\"]?\.[s\"]?[0-9]+)?"
_WITHIN_SECONDS: Final = re.compile(r"(?<=[0-9])[s\"]?\.[s\"]?(?=[0-9])")  # 48s.08, 48.s08
_DECIMAL: Final = r"[0-9]{1,3}\.[0-9]+"
_HOURS: Final = rf"{_PART}\s?[h:\s]\s?{_PART}\s?[m:\s],?\s?{_SECONDS}"
_ARC: Final = rf"{_PART}\s?[d°:\s]\s?{_PART}\s?['pm:\s]\s?{_SECONDS}"
_RA_VALUE: Final = rf"(?P<ra>{_HOURS}|{_DECIMAL})"
_DEC_VALUE: Final = rf"(?P<dec>[+-]?\s?(?:{_ARC}|{_DECIMAL}))"
# A comma, a stroke, or a blank before a sign: a second number without one might be anything.
_BETWEEN: Final = r"(?:\s*(?:deg|°))?(?:\s*[,/]\s*|\s+(?=[+-]))"
_POSITIONS: Final = (
    # Each with its label; units, errors and the same in other units may stand between them.
    re.compile(
        rf"{_RA}{_IS}{_RA_VALUE}(?:(?!{_RA}).){{0,60}}?{_DEC}{_IS}{_DEC_VALUE}",
        re.IGNORECASE | re.DOTALL,
    ),
    # Both labels, then both numbers.
    re.compile(
        rf"{_RA}\s*[,/]\s*{_DEC}\)?{_EQUINOX}\s*[=:]?\s*\(?{_RA_VALUE}{_BETWEEN}{_DEC_VALUE}",
        re.IGNORECASE,
    ),
)
# An error that comes on top of another one is not the position's.
_ERROR: Final = re.compile(
    r"(?<!systematic\s)(?:uncertainty|error(?:\s+radius)?|radius)\s+(?:radius\s+)?(?:of|is|:|=)\s*(?:about\s+|~\s*)?"
    r"(?P<size>[0-9]+(?:\.[0-9]+)?)\s*-?\s*(?P<unit>arcsec|arcmin|deg)",
    re.IGNORECASE,
)
_ERROR_WITHIN: Final = 250  # characters after the position
_ARCSEC: Final = {"arcsec": 1.0, "arcmin": 60.0, "deg": 3600.0}

_PLUS_MINUS: Final = r"\s*(?:\+\s?/?\s?-|±)\s*"
_BAND: Final = r"(?:sdss)?[ugrizyUBVRIJHKLw]'?|[RIV]c|Ks|CR|white|clear"
_MAGNITUDE: Final = r"(?P<magnitude>[0-9]{1,2}\.[0-9]{1,3})"
_MAGNITUDE_ERROR: Final = r"(?P<error>[01]?\.[0-9]{1,3})"
_MEASURED: Final = re.compile(
    rf"(?<![A-Za-z0-9_'])(?:m\s?[(_]\s?)?(?P<band>{_BAND})\)?\s*[=~]\s*{_MAGNITUDE}"
    rf"{_PLUS_MINUS}{_MAGNITUDE_ERROR}(?!\d)"
)
_LIMIT: Final = re.compile(
    rf"(?<![A-Za-z0-9_'])(?:m\s?[(_]\s?)?(?P<band>{_BAND})\)?\s*>\s*{_MAGNITUDE}(?!\d)"
)
_MAGNITUDES: Final = (8.0, 30.0)  # a letter and a smaller number may be a redshift
_CELL: Final = re.compile(rf"{_MAGNITUDE}{_PLUS_MINUS}{_MAGNITUDE_ERROR}")
_BAND_CELL: Final = re.compile(rf"(?:{_BAND})")
_CELLS: Final = re.compile(r"\s*\|\s*|\s{2,}|\t|,\s+")
_MJD: Final = re.compile(r"\bMJD\s*[=:]?\s*(?P<mjd>[456][0-9]{4}\.[0-9]+)")
_DATES: Final = (
    re.compile(r"\b(?P<jd>24[0-9]{5}\.[0-9]+)"),
    re.compile(r"(?<![0-9.])(?P<mjd>[56][0-9]{4}\.[0-9]+)"),
    re.compile(
        r"\b(?P<year>20[0-9]{2})[-/ ](?P<month>[01][0-9])[-/ ](?P<day>[0-3][0-9])[T ]+"
        r"(?P<hour>[0-2][0-9]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9](?:\.[0-9]+)?))?"
    ),
)
_MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
_JD_OFFSET: Final = 2_400_000.5
_AFTER: Final = 80  # characters after a magnitude in which its time is said

_AREA: Final = re.compile(
    r"(?P<percent>[1-9][0-9](?:\.[0-9])?)\s?(?:%|per\s?cent)[^.;%]{0,120}?"
    r"(?P<area>[0-9][0-9,]*(?:\.[0-9]+)?)\s*"
    r"(?:deg\s?\^?\*{0,2}2|deg²|sq(?:uare|\.)?\s?deg)",
    re.IGNORECASE,
)
_TAKES_BACK: Final = re.compile(
    r"\bretract(?:s|ed|ion)\b"
    r"|\bnot (?:a |an )?(?:real|astrophysical|GRB\b|candidate)"
    r"|\bno longer (?:considered|a candidate)"
    r"|\bnot due to a GRB\b",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"])|\n\s*\n")


@dataclass(frozen=True)
class SaidPlace:
    """A position in ICRS degrees, with its error where the next words give one, in arcsec."""

    ra: float
    dec: float
    error_arcsec: float | None
    words: str

    @property
    def typed(self) -> str:
        """The position as a person types it, in degrees."""
        return f"{self.ra:.6f} {self.dec:+.6f}"


@dataclass(frozen=True)
class SaidMagnitude:
    """A magnitude, or a limit where it has no error. The time is None where no words tell it."""

    band: str
    magnitude: float
    error: float | None
    time: datetime | None
    words: str


@dataclass(frozen=True)
class SaidArea:
    """The area of a credible region, in square degrees."""

    percent: float
    area_deg2: float
    words: str


@dataclass(frozen=True)
class Said:
    """What a circular's text seems to say. `takes_back` has the sentence that says so, or ""."""

    places: tuple[SaidPlace, ...]
    magnitudes: tuple[SaidMagnitude, ...]
    areas: tuple[SaidArea, ...]
    takes_back: str

    def __bool__(self) -> bool:
        return bool(self.places or self.magnitudes or self.areas or self.takes_back)


def read_said(subject: str, body: str) -> Said:
    """Read a circular's text; it may say nothing of this kind."""
    body = body[:LONGEST_TEXT].translate(_PLAIN)
    return Said(
        places=tuple(islice(_places(body), MOST)),
        magnitudes=tuple(islice(_magnitudes(body), MOST)),
        areas=tuple(islice(_areas(body), MOST)),
        takes_back=taken_back(subject, body),
    )


def taken_back(subject: str, body: str) -> str:
    """The words that say that the event is none; "" where the circular does not say it.

    The subject decides: a body may speak of other events that were retracted.
    """
    if not _TAKES_BACK.search(subject):
        return ""
    told = (_plain(each) for each in _SENTENCE.split(body[:LONGEST_TEXT]))
    return next((each for each in told if _TAKES_BACK.search(each)), _plain(subject))


def write_said(said: Said) -> str:
    """Write the magnitudes whose time is told as CSV, as the form for photometry reads it."""
    rows = [
        f"{each.time:%Y-%m-%dT%H:%M:%S},{each.band},{each.magnitude},{each.error or ''}"
        for each in said.magnitudes
        if each.time is not None
    ]
    return "\n".join(["time,band,magnitude,magnitude_error", *rows]) if rows else ""


def _plain(text: str) -> str:
    return " ".join(text.split())[:300]


# --- Positions --------------------------------------------------------------------------------
def _places(body: str) -> Iterator[SaidPlace]:
    matches = sorted(
        (match for form in _POSITIONS for match in form.finditer(body)), key=re.Match.start
    )
    told: list[SaidPlace] = []
    for match in matches:
        place = _place(match, body)
        if place is not None and not any(_is_same(place, each) for each in told):
            told.append(place)
            yield place


def _place(match: re.Match[str], body: str) -> SaidPlace | None:
    ra, dec = _angle(match["ra"]), _angle(match["dec"])
    if ra is None or dec is None:
        return None
    if not _is_decimal(match["ra"]):
        ra *= 15
    if not (0 <= ra < 360 and -90 <= dec <= 90) or _is_decimal(match["ra"]) != _is_decimal(
        match["dec"]
    ):
        return None
    said = _ERROR.search(body, match.end(), match.end() + _ERROR_WITHIN)
    error = float(said["size"]) * _ARCSEC[said["unit"].lower()] if said else None
    return SaidPlace(ra, dec, error, _plain(match[0]))


def _is_decimal(text: str) -> bool:
    return re.fullmatch(rf"[+-]?\s?{_DECIMAL}", text) is not None


def _angle(text: str) -> float | None:
    """The number that a text of one or three parts means; None where a part is out of range."""
    plain = _WITHIN_SECONDS.sub(".", text)
    parts = [float(part) for part in re.findall(r"[0-9]+(?:\.[0-9]+)?", plain)]
    if any(part >= 60 for part in parts[1:]) or len(parts) not in (1, 3):
        return None
    size: float = sum(part / 60**power for power, part in enumerate(parts))
    return -size if text.lstrip().startswith("-") else size


def _is_same(one: SaidPlace, other: SaidPlace) -> bool:
    turn = (one.ra - other.ra + 180) % 360 - 180
    east = turn * math.cos(math.radians(one.dec))
    return math.hypot(east, one.dec - other.dec) * 3600 <= SAME_ARCSEC


# --- Photometry -------------------------------------------------------------------------------
def _magnitudes(body: str) -> Iterator[SaidMagnitude]:
    faintest, brightest = max(_MAGNITUDES), min(_MAGNITUDES)
    for line in body.splitlines():
        rows = list(_row(line)) or list(_in_words(line))
        yield from (each for each in rows if brightest <= each.magnitude <= faintest)


def _row(line: str) -> Iterator[SaidMagnitude]:
    """A row of a table: a time, a band, and one magnitude with its error."""
    cells = [cell for cell in _CELLS.split(line.strip()) if cell]
    measured = [found for cell in cells if (found := _CELL.fullmatch(cell))]
    bands = [cell for cell in cells if _BAND_CELL.fullmatch(cell)]
    time = _time(line)
    if len(measured) == 1 and len(bands) == 1 and time is not None:
        yield _measured(bands[0], measured[0], time, line)


def _in_words(line: str) -> Iterator[SaidMagnitude]:
    for match in _MEASURED.finditer(line):
        time = _MJD.search(line, match.end(), match.end() + _AFTER)
        yield _measured(match["band"], match, _moment(time) if time else None, match[0])
    for match in _LIMIT.finditer(line):
        yield SaidMagnitude(match["band"], float(match["magnitude"]), None, None, _plain(match[0]))


def _measured(band: str, match: re.Match[str], time: datetime | None, words: str) -> SaidMagnitude:
    return SaidMagnitude(
        band, float(match["magnitude"]), float(match["error"]), time, _plain(words)
    )


def _time(line: str) -> datetime | None:
    """The only time of a line; None where it has none, or several."""
    found = [match for form in _DATES for match in form.finditer(line)]
    return _moment(found[0]) if len(found) == 1 else None


def _moment(match: re.Match[str]) -> datetime | None:
    told = match.groupdict()
    if told.get("mjd"):
        return _MJD_EPOCH + timedelta(days=float(told["mjd"]))
    if told.get("jd"):
        return _MJD_EPOCH + timedelta(days=float(told["jd"]) - _JD_OFFSET)
    year, month, day, hour, minute = (
        int(told[name]) for name in ("year", "month", "day", "hour", "minute")
    )
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    return moment + timedelta(seconds=float(told["second"] or 0))


# --- Areas ------------------------------------------------------------------------------------
def _areas(body: str) -> Iterator[SaidArea]:
    for match in _AREA.finditer(" ".join(body.split())):
        area = float(match["area"].replace(",", ""))
        if 0 < area <= 41_253:
            yield SaidArea(float(match["percent"]), area, _plain(match[0]))
