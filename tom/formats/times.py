"""Times as surveys and missions send them."""

import re
from bisect import bisect
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final

import erfa

from tom.formats.values import finite

JD_OF_MJD: Final = 2_400_000.5
_UNIX_EPOCH_JD: Final = 2_440_587.5
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_DATES: Final = (2_451_544.5, 2_488_070.0)  # 2000 to 2100
_LONGEST_EXPOSURE_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_NUMBER: Final = re.compile(r"[+-]?[0-9.]+(?:e[+-]?[0-9]+)?", re.IGNORECASE)
# A date and an hour, of which a figure may be alone: 2024-6-25T9:32.
_UNPADDED: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})([T ])([0-9]{1,2})(?=:)")
# By how many seconds scales of time are ahead of TAI. TDB is never 2 ms from TT.
_AHEAD_OF_TAI_S: Final = {"TAI": 0.0, "TT": 32.184, "TDB": 32.184, "GPS": -19.0}
_YEARS: Final = range(1900, 2100)  # a window around any time in them is a time, too


def in_utc(time: datetime) -> datetime:
    """Take a time that names no zone as UTC.

    Raises
    ------
    ValueError
        If its year is not between 1900 and 2100.
    """
    if time.year not in _YEARS:
        reason = "out of range"
        raise ValueError(reason)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def spelled_time(value: object) -> object:
    """Read a time in any spelling of ISO 8601 that Python knows; else return its text as it came.

    A number is no such time: nobody says of what it counts the days or seconds.

    Raises
    ------
    ValueError
        If it is a number, or the text of one.
    """
    text = value.strip().removesuffix("UTC").rstrip() if isinstance(value, str) else value
    if isinstance(text, str):
        with suppress(ValueError):
            return datetime.fromisoformat(_UNPADDED.sub(_padded, text, count=1))
    if isinstance(text, int | float) or (isinstance(text, str) and _NUMBER.fullmatch(text)):
        reason = "a number, and no time in ISO 8601"
        raise ValueError(reason)
    return text


def _padded(found: re.Match[str]) -> str:
    year, month, day, between, hour = found.groups()
    return f"{year}-{month:0>2}-{day:0>2}{between}{hour:0>2}"


def utc_of(time: datetime, scale: str) -> datetime:
    """Read a time of a scale such as TDB as UTC; one of an unknown scale counts as UTC.

    Raises
    ------
    ValueError
        As `in_utc`.
    """
    given, ahead = in_utc(time), _AHEAD_OF_TAI_S.get(scale.upper())
    if ahead is None:
        return given
    tai = given - timedelta(seconds=ahead)
    starts, offsets = _leap_seconds()
    day = (tai - _UNIX_EPOCH) / timedelta(days=1) + _UNIX_EPOCH_JD - JD_OF_MJD
    return tai - timedelta(seconds=offsets[bisect(starts, day) - 1])


def time_of_jd(jd: Any) -> datetime | None:
    """Read a UTC Julian date in days; None where `middle_of_exposure` has none."""
    return middle_of_exposure(jd, None, usual_s=0.0)


def time_of_tai_mjd(mjd: Any) -> datetime | None:
    """Read a TAI Modified Julian Date in days as UTC; None where `middle_of_exposure` has none."""
    day = finite(mjd)
    return None if day is None else _time_of_tai_day(day)


@lru_cache(maxsize=16_384)
def _time_of_tai_day(day: float) -> datetime | None:
    """The same of a finite number: the lists of a packet repeat their exposures."""
    starts, offsets = _leap_seconds()
    return time_of_jd(day - offsets[bisect(starts, day) - 1] / _DAY_S + JD_OF_MJD)


@cache
def _leap_seconds() -> tuple[list[float], list[float]]:
    """From which TAI date on TAI is how many seconds ahead of UTC; the first holds before, too."""
    rows = [row for row in erfa.leap_seconds.get() if row["year"] >= 1972]
    offsets = [float(row["tai_utc"]) for row in rows]
    days = (sum(erfa.cal2jd(int(row["year"]), int(row["month"]), 1)) for row in rows)
    starts = [
        float(day) - JD_OF_MJD + offset / _DAY_S for day, offset in zip(days, offsets, strict=True)
    ]
    return [-1e9, *starts[1:]], offsets


def middle_of_exposure(jd: Any, exposure_s: Any, *, usual_s: float = 30.0) -> datetime | None:
    """Find the middle of an exposure that starts at a Julian date (UTC).

    Parameters
    ----------
    jd
        UTC Julian date of the start, in days.
    exposure_s
        Exposure time in seconds.
    usual_s
        What it is where it is not given, as the survey has it.

    Returns
    -------
    datetime or None
        Aware, UTC, to the millisecond (a double holds a Julian date to 0.04 ms); None where the
        date is missing or not between 2000 and 2100.
    """
    start, exposure = finite(jd), finite(exposure_s)
    if start is None or not _JULIAN_DATES[0] < start < _JULIAN_DATES[1]:
        return None
    if exposure is None or not 0 < exposure < _LONGEST_EXPOSURE_S:
        exposure = usual_s
    milliseconds = (start - _UNIX_EPOCH_JD) * 86_400_000 + exposure * 500
    return _UNIX_EPOCH + timedelta(milliseconds=round(milliseconds))
