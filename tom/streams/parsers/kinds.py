"""What kind of message this is: from its topic, or for a file from its content."""

import json
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from tom.streams.parsers import containers
from tom.streams.parsers.errors import MalformedAlertError
from tom.streams.parsers.values import clean

FILE_TOPIC: Final = "file"
"""The topic of what is read from a file: such a message is known by its content alone."""


class Kind(StrEnum):
    """A kind of message. Those without a parser are kept all the same."""

    GW_JSON = "igwn.json"
    GW_AVRO = "igwn.avro"
    CIRCULAR = "gcn.circular"
    GCN_NOTICE = "gcn.notice"
    HEARTBEAT = "heartbeat"
    ZTF = "ztf.avro"
    HERMES = "hermes"
    HOPSKOTCH_TEXT = "hopskotch.text"
    UNKNOWN = "unknown"


# The first pattern that fits a topic wins. A gravitational-wave alert is believed on the topics of
# its senders only: on any other topic, whoever may write there could announce an event.
_TOPICS: Final = (
    ("igwn.gwalert*", Kind.GW_JSON),  # Avro on Hopskotch, JSON at GCN: the first bytes tell
    ("gcn.circulars", Kind.CIRCULAR),
    ("gcn.heartbeat", Kind.HEARTBEAT),
    ("sys.heartbeat*", Kind.HEARTBEAT),
    ("gcn.notices.*", Kind.GCN_NOTICE),
    ("gcn.classic.*", Kind.GCN_NOTICE),
    ("hermes.*", Kind.HERMES),
    ("ztf_*", Kind.ZTF),
    ("ztf.*", Kind.ZTF),
)
_ZTF_CANDIDATE: Final = frozenset({"jd", "fid", "pid", "magpsf", "sigmapsf", "isdiffpos"})
_ZTF_HISTORY: Final = frozenset({"jd", "fid", "pid", "magpsf", "diffmaglim"})
_OTHER_SURVEYS: Final = frozenset({"atlas", "decat", "pgir", "turbo", "winter"})
_HERMES_KEYS: Final = frozenset({"title", "submitter", "message_text"})


def identify(topic: str, payload: bytes) -> Kind:
    """Say what kind of message this is. Never raises: damage is for the parser to find.

    Parameters
    ----------
    topic
        The topic it came on; `FILE_TOPIC` for a file.
    payload
        Its bytes.
    """
    kind = _kind_of_topic(topic)
    if kind is Kind.GW_JSON and payload.startswith(containers.MAGIC):
        return Kind.GW_AVRO
    if kind is not None:
        return kind
    if payload.startswith(containers.MAGIC):
        kind = _kind_of_avro(payload)
        return kind if topic == FILE_TOPIC or kind is Kind.ZTF else Kind.UNKNOWN
    message = read_json_object(payload)
    if message is None:
        return Kind.UNKNOWN
    return _kind_of_json(message) if topic == FILE_TOPIC else _kind_of_hopskotch(message)


def describe(payload: bytes) -> str:
    """Say in a few words what an unknown payload looks like, for the person who reads why."""
    if not payload:
        return "empty"
    if payload.startswith(containers.MAGIC):
        return _describe_avro(payload)
    if payload[0] == 0 and len(payload) > 5:
        return f"Confluent-framed Avro, schema id {int.from_bytes(payload[1:5], 'big')}"
    message = read_json_object(payload)
    if message is not None:
        what = "a JSON or Avro schema" if _is_schema(message) else "a JSON object"
        return f"{what} with keys {', '.join(sorted(message)[:6])}"[:200]
    return f"no known format, begins with {payload[:8]!r}"


def read_json_object(payload: bytes) -> dict[str, Any] | None:
    """Read a JSON object, its texts cleaned; None for anything else, or one nested too deeply."""
    if payload.lstrip()[:1] != b"{":
        return None
    try:
        message = _cleaned(json.loads(payload))
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {clean(key): _cleaned(item) for key, item in value.items()}
        case _:
            return value


def _kind_of_topic(topic: str) -> Kind | None:
    return next((kind for pattern, kind in _TOPICS if fnmatchcase(topic, pattern)), None)


def _kind_of_avro(payload: bytes) -> Kind:
    try:
        schema = containers.read_schema(containers.read_header(payload).schema)
    except MalformedAlertError:
        return Kind.UNKNOWN
    if {"superevent_id", "alert_type"} <= schema.fields.keys():
        return Kind.GW_AVRO
    return Kind.ZTF if _is_ztf(schema) else Kind.UNKNOWN


def _is_ztf(schema: containers.WriterSchema) -> bool:
    """Tell ZTF's packets, in any version and from any broker, from look-alikes.

    A packet that calls itself ZTF's but lacks `objectId` is one too: its parser says what it lacks.
    Babamul's has the same top level, but its history holds fluxes on another scale.
    """
    survey = schema.name.partition(".")[0].lower()
    history = schema.fields.get("prv_candidates", _ZTF_HISTORY)
    return (
        survey not in _OTHER_SURVEYS
        and schema.fields.get("candidate", frozenset()) >= _ZTF_CANDIDATE
        and history >= _ZTF_HISTORY
        and ("objectId" in schema.fields or survey == "ztf")
    )


def _kind_of_json(message: Mapping[str, Any]) -> Kind:
    if {"superevent_id", "alert_type"} <= message.keys():
        return Kind.GW_JSON
    if "circularId" in message:
        return Kind.CIRCULAR
    if "gcn.nasa.gov/schema" in str(message.get("$schema")) and not _is_schema(message):
        return Kind.GCN_NOTICE
    return Kind.HERMES if message.keys() >= _HERMES_KEYS else Kind.UNKNOWN


def _kind_of_hopskotch(message: Mapping[str, Any]) -> Kind:
    return Kind.HERMES if message.keys() >= _HERMES_KEYS else Kind.HOPSKOTCH_TEXT


def _is_schema(message: Mapping[str, Any]) -> bool:
    return "$id" in message or message.get("type") in ("object", "record")


def _describe_avro(payload: bytes) -> str:
    try:
        schema = containers.read_schema(containers.read_header(payload).schema)
        count = containers.count_records(payload)
    except MalformedAlertError as error:
        return f"a damaged Avro container: {error}"
    name = schema.name or "without a name"
    return f"an Avro container of {count} records {name}, none that a parser takes"
