"""AMPEL: the classifications of its reports on objects of the LSST.

A report is an Avro container on Hopskotch. Its photometry, host and features are not taken: points
come from the survey itself.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from tom.formats.containers import WriterSchema, read_record
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.times import time_of_jd
from tom.formats.values import finite, integer, text
from tom.forms.declared import Broker, Encoding, Form, Lane
from tom.records import Classification
from tom.records.classification import Judgement
from tom.taxonomy import find_class

_NAME: Final = "AMPEL"
_OBJECT: Final = frozenset({"id", "ra", "dec", "source"})
_MAX_DECODED_BYTES: Final = 8 * 1024 * 1024
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
    number, survey = integer(about.get("id")), about.get("source")
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


def _place(about: dict[str, Any]) -> tuple[float, float] | None:
    ra, dec = finite(about.get("ra")), finite(about.get("dec"))
    if ra is None or dec is None or not 0 <= ra <= 360 or not -90 <= dec <= 90:
        return None
    return ra % 360, dec


def _newest(record: dict[str, Any]) -> datetime | None:
    times = (time_of_jd(point.get("time")) for point in _dicts(record.get("photometry")))
    return max((time for time in times if time), default=None)


def _judgements(record: dict[str, Any], left_out: list[str]) -> Iterator[Judgement]:
    for given in _dicts(record.get("classification")):
        name, version = text(given.get("name"), most=60), text(given.get("version"), most=50)
        for model in _dicts(given.get("models")):
            chances = dict(_chances(model.get("probabilities"), left_out))
            if name and chances:
                known = {label: find_class(label) for label in chances}
                yield Judgement(
                    classifier=" ".join(filter(None, (name, text(model.get("model"), most=39)))),
                    version=version or "",
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
            record=Classification,
            topics=("ampel.*",),
            recognises=_is_report,
            parse=read_report,
            lane=Lane.BATCH,
            is_open=True,
        ),
    ),
)
