"""The points of a Rubin light curve: detections, forced photometry, and the limits of 7.x.

Fluxes are nJy, signed: `isNegative` says how a source was detected, and takes no part in its flux.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from tom.formats.times import time_of_tai_mjd
from tom.formats.values import finite, whole_id
from tom.forms.rubin_flags import INJECTED, SPOILED, WITHDRAWN, faults_of, was_put_in
from tom.photometry import LIMIT_SIGMA
from tom.records.alert import AB_ZERO_POINT_NJY, Point, PointKind, flux_of_magnitude, keep_best

Fields = Mapping[str, Any]

PROGRAM: Final = 1  # its packets name none, and are public
BANDS: Final = frozenset("ugrizy")
_LARGEST_FLUX_NJY: Final = flux_of_magnitude(0.0)
# How much later than the alert's own epoch one of its history may be.
_SAME_NIGHT: Final = timedelta(hours=12)
_SURELY_SAME_NIGHT: Final = 0.4  # days
_LISTS: Final = ("prvDiaSources", "prvDiaForcedSources", "prvDiaNondetectionLimits")
# The names of versions 3 and 4, where they differ.
_OLD_NAMES: Final = {
    "midpointMjdTai": "midPointTai",
    "band": "filterName",
    "dec": "decl",
    "psfFlux": "psFlux",
    "psfFluxErr": "psFluxErr",
}
_IDS: Final = ("diaSourceId", "diaForcedSourceId", "ccdVisitId")
_OTHERS: Final = ("centroid_flag", WITHDRAWN, "reliability", "diaNoise")
POINT_FIELDS: Final = frozenset(
    (*_OLD_NAMES, *_OLD_NAMES.values(), *SPOILED, *INJECTED, *_IDS, *_OTHERS)
) - {"dec", "decl"}
"""What is read of an entry of the history."""


def band_of(source: Fields) -> str | None:
    """The band of a source; None if it is none of Rubin's."""
    band = value_of(source, "band")
    return band if isinstance(band, str) and band in BANDS else None


def value_of(source: Fields, name: str) -> Any:
    """A field by its newest name, or by that of versions 3 and 4."""
    found = source.get(name)
    return source.get(_OLD_NAMES[name]) if found is None and name in _OLD_NAMES else found


def read_points(record: Fields, object_id: str, trigger: Point) -> tuple[Point, ...]:
    """Collect one point per kind and key; the trigger's own copy stands for its detection."""
    latest = trigger.time + _SAME_NIGHT
    found = (
        *_each(record, _LISTS[0], read_detection),
        *_each(record, _LISTS[1], _read_forced),
        *_each(record, _LISTS[2], lambda row: _read_limit(row, object_id)),
    )
    return keep_best((trigger, *(point for point in found if point.time <= latest)))


def withdrawn_points(record: Fields) -> tuple[tuple[PointKind, str], ...]:
    """The kind and key of each entry of the history that the survey marked as invalid by now."""
    ids = ((_LISTS[0], PointKind.ALERT, _IDS[0]), (_LISTS[1], PointKind.FORCED, _IDS[1]))
    return tuple(
        (kind, str(key))
        for name, kind, field in ids
        for row in _rows(record, name)
        if finite(row.get(WITHDRAWN)) and (key := whole_id(row.get(field)))
    )


def reaches_beyond(record: Fields) -> bool:
    """Whether the history may hold an epoch that is too late for this alert, and not for others."""
    latest = value_of(record["diaSource"], "midpointMjdTai") + _SURELY_SAME_NIGHT
    lists = (record.get(name) for name in _LISTS)
    rows = (row for found in lists if isinstance(found, list) for row in found)
    told = (value_of(row, "midpointMjdTai") for row in rows if isinstance(row, dict))
    return any((finite(time) or 0.0) > latest for time in told)


def _each(record: Fields, name: str, read: Any) -> Iterator[Point]:
    for row in _rows(record, name):
        point = read(row)
        if point is not None:
            yield point


def _rows(record: Fields, name: str) -> list[Fields]:
    rows = record.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def lacks_of(source: Fields) -> list[str]:
    """The fields of a source that are missing, or hold what no detection has."""
    flux, error = (finite(value_of(source, name)) for name in ("psfFlux", "psfFluxErr"))
    sound = {
        "diaSourceId": bool(whole_id(source.get("diaSourceId"))),
        "midpointMjdTai": time_of_tai_mjd(value_of(source, "midpointMjdTai")) is not None,
        "band": band_of(source) is not None,
        "psfFlux": bool(flux) and abs(flux or 0) <= _LARGEST_FLUX_NJY,
        "psfFluxErr": error is not None and 0 < error <= _LARGEST_FLUX_NJY,
    }
    return [name for name, is_sound in sound.items() if not is_sound]


def read_detection(source: Fields, *, is_trigger: bool = False) -> Point | None:
    """Read a detection; None if it lacks what makes it one, or a flag says that it is none."""
    key = whole_id(source.get("diaSourceId"))
    if not key or faults_of(source) or was_put_in(source):
        return None
    return _read_flux(
        source,
        PointKind.ALERT,
        str(key),
        is_trigger=is_trigger,
        real_bogus=read_share(source.get("reliability")),
        is_at_peak=source.get("centroid_flag") == 1,
    )


def _read_forced(source: Fields) -> Point | None:
    key = whole_id(source.get("diaForcedSourceId"))
    if not key or faults_of(source):
        return None
    return _read_flux(source, PointKind.FORCED, str(key))


def _read_flux(source: Fields, kind: PointKind, key: str, **more: Any) -> Point | None:
    time = time_of_tai_mjd(value_of(source, "midpointMjdTai"))
    band = band_of(source)
    flux = finite(value_of(source, "psfFlux"))
    error = finite(value_of(source, "psfFluxErr"))
    if time is None or band is None or flux is None or not error or error < 0:
        return None
    if max(abs(flux), error) > _LARGEST_FLUX_NJY:
        return None
    return Point(
        kind=kind,
        key=key,
        time=time,
        band=band,
        flux_njy=flux,
        flux_error_njy=error,
        program=PROGRAM,
        **more,
    )


def _read_limit(row: Fields, object_id: str) -> Point | None:
    """Read an epoch at which nothing was detected: the noise of its difference image, nJy."""
    time, visit = (
        time_of_tai_mjd(value_of(row, "midpointMjdTai")),
        whole_id(row.get("ccdVisitId")),
    )
    band, noise = band_of(row), finite(row.get("diaNoise"))
    if time is None or not visit or band is None or not noise:
        return None
    if not 0 < noise < _LARGEST_FLUX_NJY:
        return None
    return Point(
        kind=PointKind.LIMIT,
        key=f"{object_id}:{visit}",
        time=time,
        band=band,
        flux_njy=math.nan,
        flux_error_njy=noise,
        program=PROGRAM,
        magnitude_limit=AB_ZERO_POINT_NJY - 2.5 * math.log10(LIMIT_SIGMA * noise),
    )


def read_share(value: Any) -> float | None:
    """Read a chance from 0 to 1; None if it is not one."""
    share = finite(value)
    return share if share is not None and 0 <= share <= 1 else None


def strong(points: Iterable[Point], sigma: float) -> Iterator[Point]:
    """The points that show the source: its detections, and forced ones far above nothing."""
    for point in points:
        is_strong = point.kind is PointKind.FORCED and point.signal_to_noise >= sigma
        if point.kind is PointKind.ALERT or is_strong:
            yield point
