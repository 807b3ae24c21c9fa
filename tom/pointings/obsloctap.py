"""ObsLocTAP: an observatory's planned and performed visits, by TAP or as Rubin lists them.

https://www.ivoa.net/documents/ObsLocTAP/20210724/ and https://github.com/lsst-dm/obsloctap
"""

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tom.forms.declared import Ask
from tom.pointings.asked import Fields, Found, number, read_rows, word
from tom.pointings.instruments import Instrument, find_instrument
from tom.pointings.keeping import Told, identity_of
from tom.pointings.models import Status
from tom.sky import circle

MOST_VISITS: Final = 20_000
MOST_HOURS: Final = 48  # that a list of a schedule reaches
COLUMNS: Final = (
    *("obs_id", "s_ra", "s_dec", "s_fov", "t_min", "t_exptime", "em_min", "em_max"),
    *("facility_name", "instrument_name", "execution_status"),
)
STATUSES: Final = {
    "planned": Status.PLANNED,
    "scheduled": Status.PLANNED,
    "performed": Status.COMPLETED,
    "aborted": Status.CANCELLED,
    "unscheduled": Status.CANCELLED,
}
# Where each band ends, in metres: a filter is that in which its middle lies.
BANDS: Final = ((4.0e-7, "u"), (5.5e-7, "g"), (6.9e-7, "r"), (8.2e-7, "i"), (9.2e-7, "z"))
LAST_BAND: Final = (1.1e-6, "y")
EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)  # of MJD


def talk(url: str, start: datetime, stop: datetime) -> Generator[Ask, bytes | None, Found]:
    """Ask for the visits of a time. An address that ends in /schedule answers with a list."""
    if url.rstrip("/").endswith("/schedule"):
        said = yield Ask(url=url, query=_hours(start, stop))
    else:
        said = yield Ask(url=f"{url.rstrip('/')}/sync", query=_adql(start, stop))
    rows = read_rows(said)[:MOST_VISITS]
    told = [each for row in rows if (each := _read(row))]
    inside = [each for each in told if start <= each.time < stop]
    return Found(inside, len(rows) - len(told))


def _hours(start: datetime, stop: datetime) -> Mapping[str, str]:
    hours = min(max(round((stop - start) / timedelta(hours=1)), 1), MOST_HOURS)
    return {"start": f"{start:%Y-%m-%d %H:%M:%S}", "time": str(hours)}


def _adql(start: datetime, stop: datetime) -> Mapping[str, str]:
    first, last = ((moment - EPOCH) / timedelta(days=1) for moment in (start, stop))
    query = (  # of our own constants and two numbers
        f"SELECT TOP {MOST_VISITS} {', '.join(COLUMNS)} FROM ivoa.obsplan "  # noqa: S608
        f"WHERE t_min >= {first:.6f} AND t_min < {last:.6f}"
    )
    return {"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": "csv", "QUERY": query}


def _read(row: Fields) -> Told | None:
    """Read one visit; None: it has no place, time, field or status that can be used."""
    ra, dec, time = number(row.get("s_ra")), number(row.get("s_dec")), number(row.get("t_min"))
    status = STATUSES.get(word(row.get("execution_status")).casefold())
    camera = _camera(row)
    if ra is None or dec is None or not -90 <= dec <= 90 or status is None or camera is None:
        return None
    if time is None or not 15_000 < time < 90_000:
        return None
    began = EPOCH + timedelta(days=time)
    own, facility = word(row.get("obs_id"), most=60), word(row.get("facility_name"), most=100)
    return Told(
        external_id=f"{facility}:{own}"[:100] if own else identity_of(facility, began, ra, dec),
        facility=facility,
        instrument=camera.name,
        shape=camera.shape,
        ra=ra % 360,
        dec=dec,
        position_angle=number(row.get("rubin_rot_sky_pos")) or 0.0,
        time=began,
        exposure_s=number(row.get("t_exptime")),
        band=_band(row),
        status=status,
    )


def _camera(row: Fields) -> Instrument | None:
    """The camera by its name; one that is not known here sees a circle, `s_fov` across."""
    name = word(row.get("instrument_name"))
    known = find_instrument(name)
    width = number(row.get("s_fov"))
    if known is not None or width is None or not 0 < width <= 120:
        return known
    return Instrument(name or "unnamed camera", "", circle(width / 2))


def _band(row: Fields) -> str:
    low, high = number(row.get("em_min")), number(row.get("em_max"))
    if low is None or high is None or not 3e-7 < (low + high) / 2 <= LAST_BAND[0]:
        return ""
    return next((name for end, name in BANDS if (low + high) / 2 <= end), LAST_BAND[1])
