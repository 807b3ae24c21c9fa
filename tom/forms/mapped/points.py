"""The points of a light curve, from packets that plain data describes."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tom.formats.times import JD_OF_MJD, middle_of_exposure, time_of_tai_mjd
from tom.formats.values import finite, integer, magnitude, natural, sign_of
from tom.forms.mapped.declared import Clock, Epochs, Packet
from tom.forms.mapped.values import name_at, value_at
from tom.photometry import LIMIT_SIGMA
from tom.records.alert import Point, PointKind, flux_of_magnitude

Fields = Mapping[str, Any]

PROGRAM: Final = 1  # of packets that name none
_SAME_NIGHT: Final = timedelta(hours=12)
_ERROR_PER_MAGNITUDE: Final = 0.4 * math.log(10)
_LARGEST_ERROR_MAG: Final = 5.0
_LARGEST_FLUX_NJY: Final = flux_of_magnitude(0.0)
_LONGEST_KEY: Final = 80


def read_points(
    packet: Packet, record: Fields, object_id: str, trigger: Point
) -> tuple[Point, ...]:
    """One point per kind and key; an epoch later than the alert would stay the newest for good."""
    points = {}
    for columns in packet.history:
        epochs = value_at(record, columns.at)
        for epoch in epochs if isinstance(epochs, list) else ():
            if not isinstance(epoch, dict):
                continue
            point = read_measured(packet, columns, epoch, object_id) or _read_limit(
                packet, columns, epoch, object_id
            )
            if point is not None and point.time <= trigger.time + _SAME_NIGHT:
                points[point.kind, point.key] = point
    points[trigger.kind, trigger.key] = trigger
    return tuple(sorted(points.values(), key=lambda point: (point.time, point.kind, point.key)))


def read_measured(
    packet: Packet, columns: Epochs, epoch: Fields, object_id: str, *, is_trigger: bool = False
) -> Point | None:
    """Read a measured epoch; None if it lacks what makes it one."""
    exposure = _exposure(packet, columns, epoch)
    if exposure is None:
        return None
    time, band, program = exposure
    measured = _read_flux(packet, columns, epoch, band)
    key = _key(columns, epoch, object_id, time, band)
    if measured is None or key is None:
        return None
    flux, error = measured
    if not 0 < error <= _LARGEST_FLUX_NJY or abs(flux) > _LARGEST_FLUX_NJY:
        return None
    return Point(
        kind=columns.kind,
        key=key,
        time=time,
        band=band,
        flux_njy=flux,
        flux_error_njy=error,
        program=program,
        magnitude_limit=_limit(packet, columns, epoch, band),
        is_trigger=is_trigger,
        real_bogus=read_share(value_at(epoch, columns.score)),
    )


def lacks_of(packet: Packet, columns: Epochs, epoch: Fields, object_id: str) -> list[str]:
    """The fields of an epoch that are missing, or hold what no detection has."""
    exposure = _exposure(packet, columns, epoch)
    if exposure is None:
        time = read_time(packet, value_at(epoch, columns.time), None)
        return [columns.time if time is None else columns.band]
    time, band, _ = exposure
    if _key(columns, epoch, object_id, time, band) is None:
        return [columns.key]
    names = (columns.flux, columns.flux_error, columns.magnitude, columns.magnitude_error)
    lacking = [name for name in names if name and not finite(value_at(epoch, name))]
    if columns.sign and sign_of(value_at(epoch, columns.sign)) is None:
        lacking.append(columns.sign)
    return lacking or [name for name in names if name]


def _read_limit(packet: Packet, columns: Epochs, epoch: Fields, object_id: str) -> Point | None:
    """An epoch that has no detection, of which the exposure's id and its limit are told."""
    exposure = _exposure(packet, columns, epoch)
    number = integer(value_at(epoch, columns.limit_key))
    is_dark = value_at(epoch, columns.key) is None and not _is_measured(columns, epoch)
    if exposure is None or not number or not is_dark:
        return None
    time, band, program = exposure
    limit, key = _limit(packet, columns, epoch, band), f"{object_id}:{number}"
    if limit is None or len(key) > _LONGEST_KEY:
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


def _is_measured(columns: Epochs, epoch: Fields) -> bool:
    """Whether an epoch tells of light: one without an id is no proof of darkness."""
    told = finite(value_at(epoch, columns.magnitude))
    return magnitude(None if told is None else abs(told)) is not None


def _key(columns: Epochs, epoch: Fields, object_id: str, time: datetime, band: str) -> str | None:
    if not columns.key:  # an object, a band and a tenth of a second are one measurement
        key = f"{object_id}:{band}:{time:%y%m%d%H%M%S}{time.microsecond // 100_000}"
        return key if len(key) <= _LONGEST_KEY else None
    value = value_at(epoch, columns.key)
    number = integer(value)
    return str(number) if number else name_at(epoch, columns.key)


def _exposure(packet: Packet, columns: Epochs, epoch: Fields) -> tuple[datetime, str, int] | None:
    time = read_time(packet, value_at(epoch, columns.time), value_at(epoch, columns.exposure))
    told = value_at(epoch, columns.band) if columns.band else ""
    named = told.split(" ")[0] if isinstance(told, str) else natural(told)
    band = None if named is None else packet.bands.get(named)
    program = natural(value_at(epoch, columns.program)) if columns.program else PROGRAM
    if time is None or band is None:
        return None
    return time, band, PROGRAM if program is None else program


def read_time(packet: Packet, value: Any, exposure: Any) -> datetime | None:
    """Read when the middle of an exposure was; None if that is not told."""
    number = finite(value)
    if number is None or packet.clock is Clock.MJD_TAI_MIDDLE:
        return time_of_tai_mjd(number)
    if packet.clock is Clock.JD_START:
        return middle_of_exposure(number, exposure, usual_s=packet.usual_s)
    lasts = exposure if packet.clock is Clock.MJD_START else None
    usual_s = packet.usual_s if packet.clock is Clock.MJD_START else 0.0
    return middle_of_exposure(number + JD_OF_MJD, lasts, usual_s=usual_s)


def _read_flux(
    packet: Packet, columns: Epochs, epoch: Fields, band: str
) -> tuple[float, float] | None:
    """Read the signed flux and its error, nJy."""
    if not columns.flux:
        return _flux_of_size(columns, epoch, packet.ab_offsets.get(band, 0.0))
    flux = finite(value_at(epoch, columns.flux))
    error = finite(value_at(epoch, columns.flux_error))
    scale = columns.zero_point
    zero = magnitude(value_at(epoch, scale)) if isinstance(scale, str) else scale
    if flux is None or error is None or zero is None:
        return None
    return flux * flux_of_magnitude(zero), error * flux_of_magnitude(zero)


def _flux_of_size(columns: Epochs, epoch: Fields, shift: float) -> tuple[float, float] | None:
    """The flux of a magnitude, which tells its size, and of its sign."""
    told = finite(value_at(epoch, columns.magnitude))
    error = finite(value_at(epoch, columns.magnitude_error))
    size = magnitude(None if told is None else abs(told))
    sign = sign_of(value_at(epoch, columns.sign)) if columns.sign else math.copysign(1, told or 0)
    if size is None or sign is None or not error or not 0 < error <= _LARGEST_ERROR_MAG:
        return None
    flux = flux_of_magnitude(size + shift)
    return sign * flux, flux * error * _ERROR_PER_MAGNITUDE


def _limit(packet: Packet, columns: Epochs, epoch: Fields, band: str) -> float | None:
    limit = magnitude(value_at(epoch, columns.limit))
    return None if limit is None else limit + packet.ab_offsets.get(band, 0.0)


def read_share(value: Any, share: float = 1.0) -> float | None:
    """Read a chance from 0 to 1, told in parts of `1 / share`; None if it is not one."""
    number = finite(value)
    return number * share if number is not None and 0 <= number * share <= 1 else None
