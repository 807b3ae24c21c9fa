"""What a broker says of the classes of ELAsTiCC's objects: `brokerClassification` 0.9.

Brokers send it as an object container file, or on a topic as Avro without its schema.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tom.formats.containers import MAGIC, WriterSchema, decode_block, read_record, read_schema
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.times import in_utc
from tom.formats.values import finite, integer, text
from tom.records.classification import Classification, Judgement
from tom.taxonomy import Vocabulary, find_class

SURVEY: Final = "ELASTICC"
SOURCES_OF_AN_OBJECT: Final = 2000
"""Learnt from real packets: an object's sources are numbered from 2000 times its own id on."""
_MOST: Final = 500  # classes of one message
_MAX_BYTES: Final = 64 * 1024
_TAXONOMIES: Final = ((100, 999, Vocabulary.ELASTICC_1), (1000, 9999, Vocabulary.ELASTICC_2))
_NUMBERS: Final = {Vocabulary.ELASTICC_1: "1", Vocabulary.ELASTICC_2: "2"}


def _schema() -> WriterSchema:
    """The schema of version 0.9.1, in which messages come without one."""
    moment = {"type": "long", "logicalType": "timestamp-millis"}
    chance = {
        "type": "record",
        "name": "chance",
        "fields": [{"name": "classId", "type": "int"}, {"name": "probability", "type": "float"}],
    }
    types = {
        "alertId": "long",
        "diaSourceId": "long",
        "elasticcPublishTimestamp": moment,
        "brokerIngestTimestamp": ["null", moment],
        "brokerName": "string",
        "brokerVersion": "string",
        "classifierName": "string",
        "classifierParams": "string",
        "classifications": {"type": "array", "items": chance},
    }
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    return read_schema(json.dumps({"type": "record", "name": "said", "fields": fields}).encode())


SCHEMA: Final = _schema().parsed


def parse_classes(payload: bytes) -> Classification:
    """Parse one message.

    Raises
    ------
    MalformedAlertError
        If it is damaged, or names no source. Retrying cannot help.
    UnhandledAlertError
        If it says nothing of a class.
    """
    if len(payload) > _MAX_BYTES:
        reason = f"longer than {_MAX_BYTES} bytes"
        raise MalformedAlertError(reason)
    if payload.startswith(MAGIC):
        record = read_record(payload, _MAX_BYTES)
    else:
        ((record, _),) = decode_block(1, payload, SCHEMA)
    left_out: list[str] = []
    judgements = tuple(
        _judgement(record, name, chances, left_out)
        for name, chances in _by_classifier(record).items()
    )
    judgements = tuple(each for each in judgements if each.probabilities)
    if not judgements:
        reason = "a message that says nothing of a class"
        raise UnhandledAlertError(reason)
    return Classification(
        author=text(record.get("brokerName"), most=64) or "ELAsTiCC's broker",
        survey=SURVEY,
        object_id=_object_id(record),
        time=_time(record),
        judgements=judgements,
        left_out=tuple(left_out)[:_MOST],
    )


def _object_id(record: Mapping[str, Any]) -> str:
    number, source = integer(record.get("diaObjectId")), integer(record.get("diaSourceId"))
    found = number or (source // SOURCES_OF_AN_OBJECT if source and source > 0 else None)
    if not found:
        reason = "no usable diaSourceId: it is missing, or no number"
        raise MalformedAlertError(reason)
    return str(found)


def _time(record: Mapping[str, Any]) -> datetime | None:
    """When the broker's alert was published; None where no such time can be."""
    moment = record.get("elasticcPublishTimestamp")
    try:
        return in_utc(moment) if isinstance(moment, datetime) else None
    except ValueError:
        return None


def _by_classifier(record: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The chances of each classifier; an early version names it with each class."""
    listed = record.get("classifications")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for said in (listed if isinstance(listed, list) else [])[:_MOST]:
        if isinstance(said, dict):
            name = text(said.get("classifierName") or record.get("classifierName"), most=100)
            found.setdefault(name or "unnamed", []).append(said)
    return found


def _judgement(
    record: Mapping[str, Any], name: str, said: list[Mapping[str, Any]], left_out: list[str]
) -> Judgement:
    chances: dict[str, float] = {}
    classes: dict[str, str] = {}
    taxonomies = set()
    for each in said:
        number, chance = integer(each.get("classId")), finite(each.get("probability"))
        if number is None or chance is None or not 0 <= chance <= 1:
            left_out.append(f"class {number} (no probability)")
            continue
        chances[str(number)] = chance
        vocabulary = next((own for low, top, own in _TAXONOMIES if low <= number <= top), None)
        found = find_class(number, vocabulary=vocabulary) if vocabulary else None
        if vocabulary:
            taxonomies.add(_NUMBERS[vocabulary])
        if found:
            classes[str(number)] = found
    version = text(record.get("brokerVersion"), most=30)
    told = f"taxonomy {'+'.join(sorted(taxonomies))}" if taxonomies else ""
    return Judgement(
        classifier=name,
        version=", ".join(filter(None, (version, told))),
        probabilities=chances,
        classes=classes,
    )


def is_said(schema: WriterSchema) -> bool:
    """Whether a container holds such messages."""
    inner = schema.fields.get("classifications", frozenset())
    return {"classId", "probability"} <= inner and "alertId" in schema.fields
