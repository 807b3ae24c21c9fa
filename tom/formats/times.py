"""Times as surveys and missions send them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tom.formats.values import finite

JD_OF_MJD: Final = 2_400_000.5
_UNIX_EPOCH_JD: Final = 2_440_587.5
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_DATES: Final = (2_451_544.5, 2_488_070.0)  # 2000 to 2100
_LONGEST_EXPOSURE_S: Final = 3600.0
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


def time_of_jd(jd: Any) -> datetime | None:
    """Read a UTC Julian date in days; None where `middle_of_exposure` has none."""
    return middle_of_exposure(jd, None, usual_s=0.0)


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
