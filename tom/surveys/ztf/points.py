"""The points of a ZTF light curve: detections, upper limits and forced photometry."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tom.formats.times import middle_of_exposure
from tom.formats.values import (
    finite,
    magnitude,
    natural,
    sign_of,
    whole_id,
)
from tom.photometry import LIMIT_SIGMA
from tom.records.alert import (
    NAMELESS,
    Point,
    PointKind,
    flux_of_magnitude,
    keep_best,
    nameless_key,
)

Fields = Mapping[str, Any]

_BANDS: Final = {1: "g", 2: "r", 3: "i"}
_ERROR_PER_MAGNITUDE: Final = 0.4 * math.log(10)  # relative flux error for an error of 1 mag
# An error beyond this, or a flux beyond that of magnitude 0, is not a measurement.
_LARGEST_ERROR_MAG: Final = 5.0
_LARGEST_FLUX_NJY: Final = flux_of_magnitude(0.0)
# How much later than the alert's own epoch one of its history may be.
_SAME_NIGHT: Final = timedelta(hours=12)
_SURELY_SAME_NIGHT: Final = 0.4  # days
_SENTINELS: Final = -100_000  # none is lower
_NO_FLUX: Final = -99_999.0  # in counts, where -999 may well be real
POINT_FIELDS: Final = frozenset(
    {"jd", "exptime", "fid", "programid", "pid", "candid", "magpsf", "sigmapsf", "isdiffpos"}
    | {"diffmaglim", "rb", "forcediffimflux", "forcediffimfluxunc", "magzpsci", "procstatus"}
)
"""What is read of an entry of the history."""


def read_light_curve(record: Fields, object_id: str, trigger: Point) -> tuple[Point, ...]:
    """Collect one point per key; the trigger's own values replace a rounded copy of it.

    An epoch of the history that is later than the alert is none: it would stay the newest for good.
    """
    history = _read_history(_list(record, "prv_candidates"), object_id)
    forced = _read_forced(_list(record, "fp_hists"), object_id)
    latest = trigger.time + _SAME_NIGHT
    points = (point for points in (history, forced) for point in points if point.time <= latest)
    return keep_best((trigger, *points))


def reaches_beyond(record: Fields) -> bool:
    """Whether the history may hold an epoch that is too late for this alert, and not for others."""
    latest = record["candidate"]["jd"] + _SURELY_SAME_NIGHT
    epochs = (*_list(record, "prv_candidates"), *_list(record, "fp_hists"))
    return any((finite(epoch.get("jd")) or 0.0) > latest for epoch in epochs)


def _list(record: Fields, name: str) -> list[Fields]:
    epochs = record.get(name)
    if not isinstance(epochs, list):  # null, or a broker that leaves the history out
        return []
    return [epoch for epoch in epochs if isinstance(epoch, dict)]


def _read_history(epochs: Iterable[Fields], object_id: str) -> Iterator[Point]:
    for epoch in epochs:
        candid = epoch.get("candid")
        # With a magnitude it is a detection whose id is lacking, and no proof of darkness.
        is_limit = candid is None and magnitude(epoch.get("magpsf")) is None
        point = _read_limit(epoch, object_id) if is_limit else read_detection(epoch, candid)
        if point is not None:
            yield point


def read_detection(epoch: Fields, candid: Any, *, is_trigger: bool = False) -> Point | None:
    """Read a detection: the magnitude is the size of the difference flux, `isdiffpos` its sign.

    Brokers leave the id of one of the history out; the one that an alert is about needs it.
    """
    exposure = _read_exposure(epoch)
    size, error = magnitude(epoch.get("magpsf")), finite(epoch.get("sigmapsf"))
    sign = sign_of(epoch.get("isdiffpos"))
    key = whole_id(candid)
    is_nameless = candid is None and not is_trigger
    if exposure is None or sign is None or size is None or not (key or is_nameless):
        return None
    if not error or not 0 < error <= _LARGEST_ERROR_MAG:
        return None
    time, band, program = exposure
    flux = flux_of_magnitude(size)
    return Point(
        kind=PointKind.ALERT,
        key=str(key) if key else nameless_key(band, time),
        time=time,
        band=band,
        flux_njy=sign * flux,
        flux_error_njy=flux * error * _ERROR_PER_MAGNITUDE,
        program=program,
        magnitude_limit=magnitude(epoch.get("diffmaglim")),
        is_trigger=is_trigger,
        real_bogus=read_score(epoch.get("rb")),
    )


def lacks_of(epoch: Fields, candid: Any) -> list[str]:
    """The fields of an epoch that are missing, or hold what no detection has."""
    error = finite(epoch.get("sigmapsf"))
    sound = {
        "candid": bool(whole_id(candid)),
        "jd": middle_of_exposure(epoch.get("jd"), None) is not None,
        "fid": natural(epoch.get("fid")) in _BANDS,
        "programid": natural(epoch.get("programid")) is not None,
        "magpsf": magnitude(epoch.get("magpsf")) is not None,
        "sigmapsf": error is not None and 0 < error <= _LARGEST_ERROR_MAG,
        "isdiffpos": sign_of(epoch.get("isdiffpos")) is not None,
    }
    return [name for name, is_sound in sound.items() if not is_sound]


def _read_limit(epoch: Fields, object_id: str) -> Point | None:
    exposure, limit = _read_exposure(epoch), magnitude(epoch.get("diffmaglim"))
    if exposure is None or limit is None:
        return None
    time, band, program = exposure
    key = _key_of(epoch, object_id, band, time)
    if key is None:
        return None
    return Point(
        kind=PointKind.LIMIT,
        key=key,
        time=time,
        band=band,
        flux_njy=math.nan,
        flux_error_njy=flux_of_magnitude(limit) / LIMIT_SIGMA,
        program=program,
        magnitude_limit=limit,
    )


def _read_forced(epochs: Iterable[Fields], object_id: str) -> Iterator[Point]:
    """Read forced photometry: counts on a zero-point of their own at each epoch.

    Only epochs with `procstatus` 0 are kept: the others have no flux, or one that bad pixels
    spoiled (56), which would pass for earlier activity. Codes: Masci et al. 2023,
    https://arxiv.org/abs/2305.16279
    """
    for epoch in epochs:
        exposure = _read_exposure(epoch)
        flux, error = finite(epoch.get("forcediffimflux")), finite(epoch.get("forcediffimfluxunc"))
        zero_point = magnitude(epoch.get("magzpsci"))
        if str(epoch.get("procstatus") or "0") != "0" or exposure is None:
            continue
        if flux is None or flux == _NO_FLUX or not error or error < 0 or not zero_point:
            continue
        scale = flux_of_magnitude(zero_point)
        if max(abs(flux), error) * scale > _LARGEST_FLUX_NJY:
            continue
        time, band, program = exposure
        key = _key_of(epoch, object_id, band, time)
        if key is None:
            continue
        yield Point(
            kind=PointKind.FORCED,
            key=key if key.startswith(NAMELESS) else f"{key}:fp",
            time=time,
            band=band,
            flux_njy=flux * scale,
            flux_error_njy=error * scale,
            program=program,
            magnitude_limit=magnitude(epoch.get("diffmaglim")),
        )


def _key_of(epoch: Fields, object_id: str, band: str, time: datetime) -> str | None:
    """Name an epoch by the id of its exposure; None for a sentinel, which would make many one.

    Brokers leave the id out. In packets of early 2018 the ids of exposures before the survey are
    below 0, and long.
    """
    if epoch.get("pid") is None:
        return nameless_key(band, time)
    pid = whole_id(epoch["pid"])
    return f"{object_id}:{pid}" if pid is not None and (pid > 0 or pid < _SENTINELS) else None


def _read_exposure(epoch: Fields) -> tuple[datetime, str, int] | None:
    """Read when, in which band and for which program; None where any of it is missing."""
    time = middle_of_exposure(epoch.get("jd"), epoch.get("exptime"))
    fid, program = natural(epoch.get("fid")), natural(epoch.get("programid"))
    if time is None or fid not in _BANDS or program is None:
        return None
    return time, _BANDS[fid], program


def read_score(value: Any) -> float | None:
    """Read a score from 0 to 1; None if it is not one."""
    score = finite(value)
    return score if score is not None and 0 <= score <= 1 else None
