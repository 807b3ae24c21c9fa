"""Read a table of pointings that a person brings; say what is wrong with which row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tom.pointings.instruments import Instrument, find_instrument
from tom.pointings.keeping import Told, identity_of
from tom.pointings.models import DepthUnit, Status
from tom.sky import Shape, circle, rectangle
from tom.targets.photometry_table import RowError, Table, plain_band, read_finite, read_time

# What each column may mean, with how its heading reads.
COLUMNS: Final = {
    "id": r"observation_?id|obs_?id|pointing_?id|exposure_?id|visit(?:_?id)?|id",
    "time": r"obs_?time|time|date|date_?obs|obs_?date|mjd|jd|t_?min|start|utc|epoch",
    "instrument": r"instrument(?:_?name)?|camera|inst",
    "field": r"field_?id|field|tile(?:_?id)?",
    "ra": r"ra|ra_?deg|s_?ra|right_?ascension",
    "dec": r"dec|decl|dec_?deg|s_?dec|declination",
    "angle": r"pos_?angle|position_?angle|pa|rot(?:ation)?(?:_?sky(?:_?pos)?)?",
    "radius": r"radius|radius_?deg|fov_?radius",
    "width": r"width|width_?deg",
    "height": r"height|height_?deg",
    "exposure": r"exposure(?:_?time)?|exp_?time|t_?exp(?:time)?|seconds",
    "band": r"band|filter|filt|passband",
    "depth": r"lim_?mag|limiting_?mag(?:nitude)?|mag_?lim|depth|limit|diffmaglim|m5|five_?sigma",
    "unit": r"depth_?unit|unit",
    "status": r"status|state",
    "team": r"team|who|observer|group|program(?:me)?",
}
FURTHEST: Final = timedelta(days=400)  # ahead, of a plan
_NOTHING: Final = {"", "-", "nan", "none", "null", "n/a"}
_STATUSES: Final = {
    "planned": Status.PLANNED,
    "scheduled": Status.PLANNED,
    "completed": Status.COMPLETED,
    "performed": Status.COMPLETED,
    "done": Status.COMPLETED,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
    "aborted": Status.CANCELLED,
}
# Within which a limiting magnitude lies.
_MAGNITUDES: Final = (5.0, 35.0)


@dataclass
class Reading:
    """What the rows of a table say: pointings, and by the row's number what is wrong with it."""

    pointings: list[Told] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)


def find_columns(headings: Sequence[str]) -> dict[str, int]:
    """Find which column holds what, by the headings; of two that say the same, the first."""
    plain = [re.sub(r"[\W_]+", "_", heading.casefold()).strip("_") for heading in headings]
    found: dict[str, int] = {}
    for name, pattern in COLUMNS.items():
        for number, heading in enumerate(plain):
            if re.fullmatch(pattern, heading):
                found.setdefault(name, number)
    return found


def read_pointings(
    table: Table, *, instrument: Instrument | None, status: Status, now: datetime
) -> Reading:
    """Read each row; `instrument` and `status` are those of rows that name none.

    The depths are 5-sigma limiting AB magnitudes where the table does not name a unit.
    """
    columns = find_columns(table.headings)
    reading = Reading()
    if "time" not in columns:
        reading.errors.append((0, "no column holds the time: call it obstime, mjd or jd"))
        return reading
    known: dict[str, int] = {}
    for number, cells in enumerate(table.rows, start=1):
        given = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
        given = {name: text for name, text in given.items() if text.casefold() not in _NOTHING}
        try:
            told = _read_row(given, instrument, status, now)
        except (RowError, ValueError) as error:
            reading.errors.append((number, str(error)))
            continue
        same = known.setdefault(told.external_id, number)
        if same != number:
            reading.errors.append((number, f"the same pointing as row {same}"))
        else:
            reading.pointings.append(told)
    return reading


def _read_row(
    given: Mapping[str, str], usual: Instrument | None, status: Status, now: datetime
) -> Told:
    camera = find_instrument(given["instrument"]) if "instrument" in given else usual
    ra, dec = _place(given, camera)
    time = read_time(given.get("time", ""), now=now + FURTHEST)
    name = camera.name if camera else _text(given.get("instrument", "")) or "unnamed camera"
    band = plain_band(_text(given.get("band", "")))[:20]
    depth, unit = _depth(given)
    own = _text(given.get("id", ""))
    return Told(
        external_id=f"{name}:{own}"[:100] if own else identity_of(name, time, ra, dec, band),
        facility=camera.facility if camera else "",
        instrument=name,
        shape=_shape(given, camera),
        ra=ra,
        dec=dec,
        position_angle=_number(given, "angle", -360, 360) or 0.0,
        time=time,
        team=_text(given.get("team", "")),
        exposure_s=_number(given, "exposure", 0, 1e6),
        band=band,
        depth=depth,
        depth_unit=unit,
        status=_status(given, status),
    )


def _place(given: Mapping[str, str], camera: Instrument | None) -> tuple[float, float]:
    if "ra" in given and "dec" in given:
        ra, dec = read_finite(given["ra"], "RA"), read_finite(given["dec"], "Dec")
        if not (0 <= ra <= 360 and -90 <= dec <= 90):
            message = f"{ra:g} {dec:g} is no place: RA has 0 to 360 and Dec -90 to 90 degrees"
            raise RowError(message)
        return ra % 360, dec
    if "field" not in given:
        message = "it has neither a place (ra, dec) nor a field of a camera's grid"
        raise RowError(message)
    if camera is None or not camera.grid:
        message = "a field's number says nothing without a camera whose grid is known"
        raise RowError(message)
    number = read_finite(given["field"], "field")
    place = camera.grid.get(int(number)) if number == int(number) else None
    if place is None:
        message = f"{camera.name} has no field {given['field'][:20]}"
        raise RowError(message)
    return place


def _shape(given: Mapping[str, str], camera: Instrument | None) -> Shape:
    if "radius" in given:
        return circle(_between(read_finite(given["radius"], "radius"), "radius", 1e-3, 60))
    if "width" in given:
        width = _between(read_finite(given["width"], "width"), "width", 1e-3, 60)
        height = _number(given, "height", 1e-3, 60) or width
        return rectangle(width, height)
    if camera is not None:
        return camera.shape
    if "instrument" in given:
        message = f"“{given['instrument'][:40]}” is no camera that is known: give its radius_deg"
        raise RowError(message)
    message = "it names no camera: choose one above, or give a column instrument or radius_deg"
    raise RowError(message)


def _depth(given: Mapping[str, str]) -> tuple[float | None, str]:
    if "depth" not in given:
        return None, ""
    unit = given.get("unit", DepthUnit.AB).casefold().replace(" ", "_")
    if unit not in DepthUnit.values:
        message = f"“{given['unit'][:20]}” is no unit of a depth: {', '.join(DepthUnit.values)}"
        raise RowError(message)
    depth = read_finite(given["depth"], "depth")
    if unit in (DepthUnit.AB, DepthUnit.VEGA):
        least, most = _MAGNITUDES
        if not least <= depth <= most:
            message = f"the depth {depth:g} is not a limiting magnitude"
            raise RowError(message)
    elif not depth > 0:
        message = f"the depth {depth:g} is not a flux above 0"
        raise RowError(message)
    return depth, unit


def _status(given: Mapping[str, str], usual: Status) -> Status:
    if "status" not in given:
        return usual
    found = _STATUSES.get(given["status"].casefold())
    if found is None:
        message = f"“{given['status'][:20]}” is no status: planned, completed or cancelled"
        raise RowError(message)
    return found


def _number(given: Mapping[str, str], name: str, least: float, most: float) -> float | None:
    return _between(read_finite(given[name], name), name, least, most) if name in given else None


def _between(value: float, name: str, least: float, most: float) -> float:
    if not least <= value <= most:
        message = f"the {name} {value:g} does not lie between {least:g} and {most:g}"
        raise RowError(message)
    return value


def _text(value: str) -> str:
    return "".join(c for c in value if c.isprintable())[:100]
