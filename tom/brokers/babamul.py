"""Babamul, the public streams of BOOM: light curves of ZTF and Rubin as fluxes, and tags.

Client: https://pypi.org/project/babamul/. It calls all fluxes nJy; those of ZTF have the zero point
46.4 instead, as the magnitude of each alert shows (10**15 to 1).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tom.formats.containers import WriterSchema, read_record
from tom.formats.errors import MalformedAlertError
from tom.formats.prefixes import read_prefix
from tom.formats.times import JD_OF_MJD, middle_of_exposure
from tom.formats.values import finite, natural
from tom.forms.declared import Broker, Encoding, Form, Lane
from tom.forms.njy_points import SURVEY as LSST
from tom.forms.njy_points import id_of, read_detections, read_forced
from tom.forms.retelling import light_curve, place_of, read_packet, without_twins
from tom.records import Classification, ObjectAlert, Retelling, Trigger, trigger_of
from tom.records.alert import AB_ZERO_POINT_NJY, Point, PointKind, flux_of_magnitude, nameless_key

Fields = Mapping[str, Any]

_NAME: Final = "Babamul"
_ZTF: Final = "ZTF"
_TRIGGER: Final = ("objectId", "candid", "candidate")
_MAX_DECODED_BYTES: Final = 4 * 1024 * 1024  # real ones take 303 KB at most
_NJY_PER_FLUX: Final = math.pow(10, -0.4 * (46.4 - AB_ZERO_POINT_NJY))
_LARGEST_FLUX_NJY: Final = flux_of_magnitude(0.0)
_BANDS: Final = ("g", "r", "i")
_TAGS: Final = ("rock", "star", "near_brightstar", "stationary")


def read_alert(payload: bytes) -> Retelling:
    """Read an alert: its detection as its survey has it, and the history as fluxes.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, or the alert lacks its object, place or detection.
    """
    record = read_record(payload, _MAX_DECODED_BYTES)
    alert = _read(record)
    tags = tuple(_tags(record))
    said = Classification(
        author=_NAME,
        survey=alert.survey,
        object_id=alert.object_id,
        ra=alert.ra,
        dec=alert.dec,
        time=alert.time,
        tags=tags,
    )
    return Retelling(alerts=(alert,), opinions=(said,) if tags else ())


def read_trigger(payload: bytes) -> Trigger:
    """Read what an alert is about, without its history and its stamps.

    Raises
    ------
    MalformedAlertError
        As `read_alert` does, but for damage that comes after the trigger.
    """
    record = read_prefix(payload, _TRIGGER, _MAX_DECODED_BYTES)
    trigger = trigger_of(_read(record))
    if trigger.survey != LSST:
        return trigger
    source = record["candidate"]
    reliability = finite(source.get("reliability"))
    is_share = reliability is not None and 0 <= reliability <= 1
    return replace(
        trigger,
        reliability=reliability if is_share else None,
        is_solar_system=id_of(source.get("ssObjectId")) is not None,
    )


def _read(record: Fields) -> ObjectAlert:
    candidate = record.get("candidate")
    if not isinstance(candidate, dict):
        reason = "no candidate"
        raise MalformedAlertError(reason)
    is_lsst = id_of(record.get("objectId")) is not None
    return _read_lsst(record, candidate) if is_lsst else _read_ztf(record, candidate)


def _read_ztf(record: Fields, candidate: Fields) -> ObjectAlert:
    packet = {"objectId": record.get("objectId"), "candid": record.get("candid")}
    alert = read_packet(_ZTF, packet | {"candidate": candidate})
    history = without_twins(_history(record, alert), alert.points)
    points = sorted((*alert.points, *history), key=lambda p: (p.time, p.kind, p.key))
    detections = [point.time for point in points if point.kind is PointKind.ALERT]
    first = min((*detections, alert.first_seen))
    return replace(alert, points=tuple(points), first_seen=first)


def _history(record: Fields, alert: ObjectAlert) -> Iterator[Point]:
    """Yield what it lists of earlier epochs, without the survey's ids.

    An epoch that names no program is of the alert's. None names its exposure, but that of the
    alert's own epoch is known.
    """
    newest = record["candidate"]
    kinds = {
        "prv_candidates": PointKind.ALERT,
        "prv_nondetections": PointKind.LIMIT,
        "fp_hists": PointKind.FORCED,
    }
    for name, kind in kinds.items():
        for epoch in _epochs(record, name):
            lasts = newest.get("exptime") if epoch.get("jd") == newest.get("jd") else None
            point = _point({"exptime": lasts, "programid": alert.program, **epoch}, kind)
            if point is not None and point.time <= alert.time:
                yield point


def _epochs(record: Fields, name: str) -> list[Fields]:
    listed = record.get(name)
    return [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []


def _point(epoch: Fields, kind: PointKind) -> Point | None:
    time, band = middle_of_exposure(epoch.get("jd"), epoch["exptime"]), epoch.get("band")
    program = natural(epoch["programid"])
    flux, error = finite(epoch.get("psfFlux")), finite(epoch.get("psfFluxErr"))
    is_limit = kind is PointKind.LIMIT
    if time is None or band not in _BANDS or program is None or not error or error < 0:
        return None
    if flux is None and not is_limit:
        return None
    scaled = math.nan if is_limit or flux is None else flux * _NJY_PER_FLUX
    error *= _NJY_PER_FLUX
    if error > _LARGEST_FLUX_NJY or abs(scaled) > _LARGEST_FLUX_NJY:
        return None
    limit = AB_ZERO_POINT_NJY - 2.5 * math.log10(5 * error)
    return Point(
        kind=kind,
        key=nameless_key(band, time),
        time=time,
        band=band,
        flux_njy=scaled,
        flux_error_njy=error,
        program=program,
        magnitude_limit=limit if is_limit else None,
    )


def _read_lsst(record: Fields, candidate: Fields) -> ObjectAlert:
    """Read an alert of Rubin: true nJy; its Julian dates are TAI as Rubin's own times are."""
    trigger = _with_mjd(candidate) | {"candid": record.get("candid")}
    lists = {
        name: [_with_mjd(each) for each in _epochs(record, name)]
        for name in ("prv_candidates", "fp_hists")
    }
    newest = list(read_detections([trigger]))
    earlier = without_twins(read_detections(lists["prv_candidates"]), newest)
    return light_curve(
        survey=LSST,
        object_id=id_of(record.get("objectId")) or "",
        place=place_of(candidate.get("ra"), candidate.get("dec")),
        points=[*newest, *earlier, *read_forced(lists["fp_hists"])],
    )


def _with_mjd(epoch: Fields) -> dict[str, Any]:
    jd = finite(epoch.get("jd"))
    return {"mjd": None if jd is None else jd - JD_OF_MJD} | dict(epoch)


def _tags(record: Fields) -> Iterator[str]:
    properties = record.get("properties")
    if isinstance(properties, dict):
        yield from (tag for tag in _TAGS if properties.get(tag) is True)


def _is_babamul(schema: WriterSchema) -> bool:
    history = schema.fields.get("prv_candidates", frozenset())
    return "candidate" in schema.fields and history >= {"jd", "psfFlux", "psfFluxErr", "band"}


BABAMUL: Final = Broker(
    name=_NAME,
    forms=(
        Form(
            name="babamul.alert",
            encoding=Encoding.AVRO,
            record=Retelling,
            topics=("babamul.*",),
            recognises=_is_babamul,
            anywhere=True,
            parse=read_alert,
            read_trigger=read_trigger,
            lane=Lane.BATCH,
        ),
    ),
)
