"""Points as brokers tell Rubin's: fluxes in nJy, at TAI in the middle of the exposure.

Names differ by the year of the schema: https://sdm-schemas.lsst.io/apdb.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tom.formats.times import time_of_tai_mjd
from tom.formats.values import finite, integer, whole_id
from tom.forms.rubin_flags import faults_of, was_put_in
from tom.records.alert import Point, PointKind, flux_of_magnitude, nameless_key

Fields = Mapping[str, Any]

SURVEY: Final = "LSST"
PROGRAM: Final = 1  # its alerts are public, and name none
BANDS: Final = "ugrizy"
_NUMBERED: Final = {"1": "g", "2": "r", "3": "i", "4": "z", "5": "y", "6": "u"}  # by ALeRCE
_TIMES: Final = ("midpointMjdTai", "midPointTai", "mjd")
_BANDS: Final = ("band", "filterName", "filter")
_FLUXES: Final = ("psfFlux", "psFlux")
_ERRORS: Final = ("psfFluxErr", "psFluxErr")
_DETECTION_IDS: Final = ("diaSourceId", "measurement_id", "candid")
_FORCED_IDS: Final = ("diaForcedSourceId", "measurement_id")
_LARGEST_FLUX_NJY: Final = flux_of_magnitude(0.0)


def read_detections(sources: Any) -> Iterator[Point]:
    """Read listed detections; what lacks a time, a band, a flux or an error is no point.

    Nor is what a flag says to be no measurement.
    """
    return _read(sources, PointKind.ALERT, _DETECTION_IDS)


def read_forced(sources: Any) -> Iterator[Point]:
    """Read listed forced photometry, as `read_detections` does."""
    return _read(sources, PointKind.FORCED, _FORCED_IDS)


def _read(sources: Any, kind: PointKind, ids: Iterable[str]) -> Iterator[Point]:
    for source in sources if isinstance(sources, list) else ():
        point = _point(source, kind, ids) if isinstance(source, dict) else None
        if point is not None:
            yield point


def _point(source: Fields, kind: PointKind, ids: Iterable[str]) -> Point | None:
    time, band = time_of_tai_mjd(_first(source, _TIMES)), _band(source)
    flux, error = finite(_first(source, _FLUXES)), finite(_first(source, _ERRORS))
    if time is None or band is None or flux is None or not error or error < 0:
        return None
    if faults_of(source) or was_put_in(source):
        return None
    if max(abs(flux), error) > _LARGEST_FLUX_NJY:
        return None
    number = id_of(_first(source, ids))
    score = finite(source.get("reliability"))
    return Point(
        kind=kind,
        key=number or nameless_key(band, time),
        time=time,
        band=band,
        flux_njy=flux,
        flux_error_njy=error,
        program=PROGRAM,
        real_bogus=score if score is not None and 0 <= score <= 1 else None,
        is_at_peak=kind is PointKind.ALERT and source.get("centroid_flag") == 1,
    )


def _band(source: Fields) -> str | None:
    """Read a band; ALeRCE numbers them, and tells how in most answers."""
    band, names = _first(source, _BANDS), source.get("band_map")
    if isinstance(names, dict) or integer(band) is not None:
        band = (names if isinstance(names, dict) else _NUMBERED).get(str(band))
    return band if isinstance(band, str) and len(band) == 1 and band in BANDS else None


def id_of(value: Any) -> str | None:
    """Read an id of 64 bits, a number or its figures; None where it is 0, or none."""
    number = whole_id(value)
    return str(number) if number and number > 0 else None


def _first(source: Fields, names: Iterable[str]) -> Any:
    return next((source[name] for name in names if source.get(name) is not None), None)
