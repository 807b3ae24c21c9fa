"""ATLAS alert packets: one detection each, without a history.

Learnt from real packets: `mjd` is the middle of the exposure (15 s after `MJD-OBS` of the stamps'
headers, for 30 s); `Mag` and `flux` are negative where the source is fainter than before, while
`isdiffpos` says the opposite of both; `Dflux` is `flux` times `Dmag`, and so 9% too large.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from tom.formats.containers import read_record
from tom.formats.errors import MalformedAlertError
from tom.formats.times import JD_OF_MJD, time_of_jd
from tom.formats.values import finite, integer, magnitude, text
from tom.records.alert import ObjectAlert, Point, PointKind, flux_of_magnitude

Fields = dict[str, Any]

SURVEY: Final = "ATLAS"
BANDS: Final = ("c", "o")
PROGRAM: Final = 1  # its packets name none
MAX_DECODED_BYTES: Final = 2 * 1024 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9_.+-]{1,80}")
_ERROR_PER_MAGNITUDE: Final = 0.4 * math.log(10)
_LARGEST_ERROR_MAG: Final = 5.0
_FAKE: Final = 10  # what is added to `Det` of a source that somebody put into the image
# The chances that its own vetting gives, in thousandths, and what they are of.
_VETTING: Final = {
    "Pvr": "variable",
    "Ptr": "transient",
    "Pmv": "moving",
    "Pkn": "known asteroid",
    "Pno": "noise",
    "Pbn": "burn",
    "Pcr": "cosmic ray",
    "Pxt": "cross-talk",
    "Psc": "star scar",
}
_CUTOUTS: Final = {"science": "cutoutScience", "difference": "cutoutDifference"}
_FITS: Final = (b"SIMPLE  ", b"\x1f\x8b")


def parse_atlas(payload: bytes) -> ObjectAlert:
    """Parse one packet.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, does not hold exactly one record, or the alert lacks its
        identity, position, time or flux, or is of a source that was put in. Retrying cannot help.
    """
    record = read_record(payload, MAX_DECODED_BYTES)
    candidate = record.get("candidate")
    if not isinstance(candidate, dict):
        reason = "no candidate"
        raise MalformedAlertError(reason)
    trigger = _read_trigger(candidate, record)
    ra, dec = _position(candidate)
    return ObjectAlert(
        survey=SURVEY,
        object_id=_name(record, "objectId"),
        alert_id=trigger.key,
        time=trigger.time,
        ra=ra,
        dec=dec,
        points=(trigger,),
        program=PROGRAM,
        first_seen=trigger.time,
        magnitude=abs(float(candidate["Mag"])),
        is_positive=trigger.flux_njy > 0,
        schema_version=text(record.get("schemavsn")),
        scores=dict(_scores(candidate)),
        cutouts=dict(_cutouts(record)),
    )


def _name(record: Fields, field: str) -> str:
    name = record.get(field)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        reason = f"no usable {field}: it is missing, or no name"
        raise MalformedAlertError(reason)
    return name


def _position(candidate: Fields) -> tuple[float, float]:
    ra, dec = finite(candidate.get("RA")), finite(candidate.get("Dec"))
    if ra is None or dec is None or not 0 <= ra <= 360 or not -90 <= dec <= 90:
        reason = "no usable position: RA and Dec are missing, or out of range"
        raise MalformedAlertError(reason)
    return ra % 360, dec


def _read_trigger(candidate: Fields, record: Fields) -> Point:
    detection = integer(candidate.get("Det"))
    if detection is not None and detection >= _FAKE:
        reason = "Det says that its source was put into the image"
        raise MalformedAlertError(reason)
    mjd, band = finite(candidate.get("mjd")), candidate.get("filter")
    time = None if mjd is None else time_of_jd(mjd + JD_OF_MJD)
    measured, error = finite(candidate.get("Mag")), finite(candidate.get("Dmag"))
    size = magnitude(None if measured is None else abs(measured))
    if time is None or band not in BANDS or measured is None or size is None:
        reason = "no usable detection: one of mjd, filter, Mag is missing or unfit"
        raise MalformedAlertError(reason)
    if not error or not 0 < error <= _LARGEST_ERROR_MAG:
        reason = "no usable detection: Dmag is missing or unfit"
        raise MalformedAlertError(reason)
    flux = flux_of_magnitude(size)
    return Point(
        kind=PointKind.ALERT,
        key=_name(record, "candid"),
        time=time,
        band=band,
        flux_njy=math.copysign(flux, measured),
        flux_error_njy=flux * error * _ERROR_PER_MAGNITUDE,
        program=PROGRAM,
        is_trigger=True,
    )


def _scores(candidate: Fields) -> Iterator[tuple[str, float]]:
    """Yield the chances of its vetting; where all are 0, it was not vetted."""
    shares = {name: finite(candidate.get(field)) for field, name in _VETTING.items()}
    found = {name: share / 1000 for name, share in shares.items() if share is not None}
    if any(found.values()):
        yield from ((f"atlas {name}", share) for name, share in found.items() if 0 <= share <= 1)


def _cutouts(record: Fields) -> Iterator[tuple[str, bytes]]:
    """Yield the stamps: FITS, gzipped or not; their headers say how they lie."""
    for name, field in _CUTOUTS.items():
        cutout = record.get(field)
        stamp = cutout.get("stampData") if isinstance(cutout, dict) else None
        if isinstance(stamp, bytes) and stamp.startswith(_FITS):
            yield name, stamp
