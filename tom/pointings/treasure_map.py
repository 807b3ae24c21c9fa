"""The Treasure Map's API: pointings for an event, and the fields of unknown cameras.

https://treasuremap.space/documentation; the fields are those that its server answers with:
https://github.com/TheTreasureMap/gwtm/blob/087a5a12e073/server/routes/pointing/get_pointings.py
"""

import re
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tom.forms.declared import Ask, NoAnswerError
from tom.pointings.asked import Fields, Found, number, read_rows, word
from tom.pointings.instruments import Instrument, find_instrument
from tom.pointings.keeping import Told
from tom.pointings.models import DepthUnit, Status
from tom.sky import Shape

API: Final = "https://treasuremap.space/api/v1"
MOST_POINTINGS: Final = 20_000
# Of so many cameras that are not known here the fields are asked for.
MOST_CAMERAS: Final = 20
MOST_POLYGONS: Final = 200
_POINT: Final = re.compile(r"POINT\s*\(\s*(\S+)\s+(\S+)\s*\)", re.IGNORECASE)
_POLYGON: Final = re.compile(r"POLYGON\s*\(\(([^()]*)\)\)", re.IGNORECASE)

Cameras = Mapping[str, Instrument | None]


def talk(event_name: str, token: str) -> Generator[Ask, bytes | None, Found]:
    """Ask for the pointings for an event, then for the field of each camera not known here."""
    headers = {"api_token": token}
    said = yield Ask(url=f"{API}/pointings", query={"graceid": event_name}, headers=headers)
    rows = read_rows(said)[:MOST_POINTINGS]
    cameras: dict[str, Instrument | None] = {}
    asked = 0
    for row in rows:
        pk, name = word(row.get("instrumentid")), word(row.get("instrument_name"))
        if pk in cameras:
            continue
        cameras[pk] = find_instrument(name)
        if cameras[pk] is None and asked < MOST_CAMERAS:
            asked += 1
            shape = yield from _ask_for_shape(pk, headers)
            cameras[pk] = Instrument(name or f"camera {pk}", "", shape) if shape else None
    told = [each for row in rows if (each := _read(row, cameras))]
    return Found(told, len(rows) - len(told))


def _ask_for_shape(
    pk: str, headers: Mapping[str, str]
) -> Generator[Ask, bytes | None, Shape | None]:
    try:
        said = yield Ask(url=f"{API}/footprints", query={"id": pk}, headers=headers)
        polygons = [polygon for row in read_rows(said) for polygon in _polygons(row)]
        return Shape(tuple(polygons[:MOST_POLYGONS])) if polygons else None
    except (NoAnswerError, ValueError):
        return None  # the other cameras' pointings are of use without it


def _read(row: Fields, cameras: Cameras) -> Told | None:
    """Read one pointing; None: no id, place, time or status, or its camera has no known field."""
    camera = cameras.get(word(row.get("instrumentid")))
    pk, place, time, status = word(row.get("id")), _place(row), _time(row.get("time")), _status(row)
    if not pk or camera is None or place is None or time is None or status is None:
        return None
    depth, unit = number(row.get("depth")), word(row.get("depth_unit")).casefold()
    has_depth = depth is not None and unit in DepthUnit.values
    return Told(
        external_id=pk,
        facility=camera.facility,
        instrument=camera.name,
        shape=camera.shape,
        ra=place[0],
        dec=place[1],
        position_angle=number(row.get("pos_angle")) or 0.0,
        time=time,
        team=word(row.get("username")),
        band=word(row.get("band"), most=20),
        depth=depth if has_depth else None,
        depth_unit=unit if has_depth else "",
        status=status,
    )


def _status(row: Fields) -> Status | None:
    name = word(row.get("status")).casefold()
    return Status(name) if name in Status.values else None


def _place(row: Fields) -> tuple[float, float] | None:
    found = _POINT.fullmatch(word(row.get("position")))
    ra, dec = (
        number(each) for each in (found.groups() if found else (row.get("ra"), row.get("dec")))
    )
    if ra is None or dec is None or not -90 <= dec <= 90:
        return None
    return ra % 360, dec


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(word(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _polygons(row: Fields) -> Iterator[tuple[tuple[float, float], ...]]:
    """Yield the polygons of a footprint, each without its last corner, which repeats the first."""
    for found in _POLYGON.findall(str(row.get("footprint") or "")):
        corners = [_corner(each) for each in found.split(",")]
        if len(corners) > 3:
            yield tuple(corners[:-1] if corners[0] == corners[-1] else corners)


def _corner(written: str) -> tuple[float, float]:
    """Read a corner in degrees; ValueError: it is none."""
    x, y = map(float, written.split()[:2])
    return x, y
