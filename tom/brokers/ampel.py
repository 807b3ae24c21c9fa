"""AMPEL: its reports on objects of the LSST, with their light curves and classifications.

A report is an Avro container on Hopskotch. Its times are Rubin's own, TAI, as Julian dates. The ids
of its points are rounded, as floats are: a point is known by its band and time. Its host and its
features are not taken.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from tom.formats.containers import WriterSchema, read_record
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.times import JD_OF_MJD, time_of_tai_mjd
from tom.formats.values import finite, magnitude, text, whole_id
from tom.forms.declared import Broker, Encoding, Form, Lane
from tom.forms.njy_points import SURVEY as LSST
from tom.forms.njy_points import read_detections, read_forced
from tom.forms.retelling import light_curve, version_of
from tom.records import Classification, ObjectAlert, Retelling
from tom.records.alert import flux_of_magnitude
from tom.records.classification import Judgement
from tom.taxonomy import find_class

_NAME: Final = "AMPEL"
_OBJECT: Final = frozenset({"id", "ra", "dec", "source"})
_MAX_DECODED_BYTES: Final = 4 * 1024 * 1024  # real ones take 303 KB at most
_MOST: Final = 50  # of classifiers in a report, and of classes of each
_PROBABILITY: Final = re.compile(r"P\((.{1,60})\)")
_SURVEY: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")


def read_report(payload: bytes) -> Classification:
    """Read what a report says of the classes of its object.

    Raises
    ------
    MalformedAlertError
        If the container is damaged, or names no object. Retrying cannot help.
    UnhandledAlertError
        If it says nothing of a class.
    """
    record = read_record(payload, _MAX_DECODED_BYTES)
    about = record.get("object")
    if not isinstance(about, dict):
        reason = "no object"
        raise MalformedAlertError(reason)
    number, survey = whole_id(about.get("id")), about.get("source")
    if number is None or not isinstance(survey, str) or not _SURVEY.fullmatch(survey):
        reason = "no usable object: its id or its source is missing"
        raise MalformedAlertError(reason)
    left_out: list[str] = []
    judgements = tuple(_judgements(record, left_out))[:_MOST]
    if not judgements:
        reason = "a report that says nothing of a class"
        raise UnhandledAlertError(reason)
    place = _place(about)
    return Classification(
        author=_NAME,
        survey=survey,
        object_id=str(number),
        ra=place[0] if place else None,
        dec=place[1] if place else None,
        time=_newest(record),
        judgements=judgements,
        left_out=tuple(left_out)[:_MOST],
    )


def read_told(payload: bytes) -> Retelling:
    """Read a report with its light curve, where it has a place and a detection.

    Raises
    ------
    MalformedAlertError
        As `read_report` has it.
    UnhandledAlertError
        If it has neither a light curve nor a class.
    """
    alert = _light_curve(read_record(payload, _MAX_DECODED_BYTES))
    try:
        said = read_report(payload)
    except UnhandledAlertError:
        if alert is None:
            raise
        return Retelling(alerts=(alert,))
    alerts = (alert,) if alert else ()
    return Retelling(alerts=alerts, opinions=(said,), left_out=said.left_out)


def _light_curve(record: dict[str, Any]) -> ObjectAlert | None:
    about = record.get("object")
    object_id = whole_id(about.get("id")) if isinstance(about, dict) else None
    if not isinstance(about, dict) or object_id is None or about.get("source") != LSST:
        return None
    rows = [_epoch(point) for point in _dicts(record.get("photometry"))]
    forced = [row for row in rows if row["is_forced"]]
    detections = [row for row in rows if not row["is_forced"]]
    points = [*read_detections(detections), *read_forced(forced)]
    try:
        return light_curve(
            survey=LSST, object_id=str(object_id), place=_place(about), points=points
        )
    except MalformedAlertError:
        return None


def _epoch(point: dict[str, Any]) -> dict[str, Any]:
    """A point by the names that Rubin's have, in nJy; without a zero point it has no flux."""
    jd, zero = finite(point.get("time")), magnitude(point.get("zp"))
    flux, error = finite(point.get("flux")), finite(point.get("fluxerr"))
    scale = None if zero is None else flux_of_magnitude(zero)
    return {
        "mjd": None if jd is None else jd - JD_OF_MJD,
        "band": str(point.get("band")).removeprefix("lsst"),
        "psfFlux": None if flux is None or scale is None else flux * scale,
        "psfFluxErr": None if error is None or scale is None else error * scale,
        "is_forced": str(point.get("source")).endswith("_FP"),
    }


def _place(about: dict[str, Any]) -> tuple[float, float] | None:
    ra, dec = finite(about.get("ra")), finite(about.get("dec"))
    if ra is None or dec is None or not 0 <= ra <= 360 or not -90 <= dec <= 90:
        return None
    return ra % 360, dec


def _newest(record: dict[str, Any]) -> datetime | None:
    epochs = (_epoch(point) for point in _dicts(record.get("photometry")))
    times = (time_of_tai_mjd(epoch["mjd"]) for epoch in epochs)
    return max((time for time in times if time), default=None)


def _judgements(record: dict[str, Any], left_out: list[str]) -> Iterator[Judgement]:
    for given in _dicts(record.get("classification")):
        name, version = text(given.get("name"), most=60), version_of(given.get("version"))
        for model in _dicts(given.get("models")):
            chances = dict(_chances(model.get("probabilities"), left_out))
            if name and chances:
                known = {label: find_class(label) for label in chances}
                yield Judgement(
                    classifier=" ".join(filter(None, (name, text(model.get("model"), most=39)))),
                    version=version,
                    probabilities=chances,
                    classes={label: found for label, found in known.items() if found},
                )


def _chances(given: Any, left_out: list[str]) -> Iterator[tuple[str, float]]:
    """Yield the author's classes without the P( ) about them; what is not a chance is named."""
    for key, value in list(given.items() if isinstance(given, dict) else ())[:_MOST]:
        chance, named = finite(value), _PROBABILITY.fullmatch(key)
        label = text(named[1] if named else key, most=60)
        if chance is None or not 0 <= chance <= 1 or not label:
            left_out.append(f"{text(key, most=60)} (no probability)")
        else:
            yield label, chance


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_report(schema: WriterSchema) -> bool:
    return "classification" in schema.fields and schema.fields.get("object", frozenset()) >= _OBJECT


AMPEL: Final = Broker(
    name=_NAME,
    forms=(
        Form(
            name="ampel.report",
            encoding=Encoding.AVRO,
            record=Retelling,
            topics=("ampel.*",),
            recognises=_is_report,
            parse=read_told,
            lane=Lane.BATCH,
            is_open=True,
        ),
    ),
)
