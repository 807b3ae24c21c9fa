"""What our scorers say of ELAsTiCC's alerts, in its own form: `brokerClassification` 0.9.1.

Written as ELAsTiCC reads it from brokers: Avro without its schema
(https://github.com/LSSTDESC/elasticc/tree/main/alert_schema).
"""

import io
from collections.abc import Mapping
from typing import Any, Final

import fastavro

from tom.formats.containers import MAGIC, read_record
from tom.formats.errors import MalformedAlertError
from tom.formats.values import integer
from tom.forms.declared import Answers, Opinion
from tom.surveys.elasticc.classes import SCHEMA
from tom.surveys.elasticc.streamed import read_streamed
from tom.taxonomy import Vocabulary, numbers_of

_FIRST: Final = numbers_of(Vocabulary.ELASTICC_1)
_SECOND: Final = numbers_of(Vocabulary.ELASTICC_2)


def write_answer(payload: bytes, opinion: Opinion) -> bytes:
    """Write a message about an alert; its classes have the numbers of the alert's own taxonomy.

    Raises
    ------
    MalformedAlertError
        If the bytes are no alert, or one without ids.
    KeyError
        If ELAsTiCC numbers no such class.
    """
    alert = read_record(payload) if payload.startswith(MAGIC) else read_streamed(payload)
    source = alert.get("diaSource")
    ids = integer(alert.get("alertId")), integer((source or {}).get("diaSourceId"))
    if None in ids or not isinstance(source, Mapping):
        reason = "no alertId, or no diaSourceId"
        raise MalformedAlertError(reason)
    numbers = _FIRST if _is_of_the_first(source) else _SECOND
    said = {
        "alertId": ids[0],
        "diaSourceId": ids[1],
        "elasticcPublishTimestamp": opinion.sent,
        "brokerIngestTimestamp": opinion.received,
        "brokerName": opinion.author,
        "brokerVersion": opinion.author_version,
        "classifierName": opinion.scorer,
        "classifierParams": "",
        "classifications": [
            {"classId": number, "probability": chance}
            for number, chance in sorted((numbers[name], p) for name, p in opinion.chances.items())
        ],
    }
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, SCHEMA, said)
    return stream.getvalue()


def _is_of_the_first(source: Mapping[str, Any]) -> bool:
    """Whether the alert is of version 0.9, whose classes have three digits: it names its CCD."""
    return "ccdVisitId" in source


ANSWERS: Final = Answers(classes=frozenset(_FIRST.keys() & _SECOND.keys()), write=write_answer)
