"""What kind of message this is: from its topic, or for a file from its content."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from tom.formats import containers
from tom.formats.describe import is_schema, read_json_object
from tom.formats.errors import MalformedAlertError

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
# What tells the JSON of a kind, also where the rest of it is damaged.
_KEYS: Final = {
    Kind.GW_JSON: (b'"superevent_id"', b'"alert_type"'),
    Kind.CIRCULAR: (b'"circularId"',),
}
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


def claims(kind: Kind, payload: bytes) -> bool:
    """Say whether a payload is of this kind by its own form, damaged or not.

    Anybody may send anything on a topic: what does not even look like a message of its kind is
    no damaged one.
    """
    if payload.startswith(containers.MAGIC):
        return kind in (Kind.ZTF, Kind.GW_AVRO) and _avro_claims(kind, payload)
    keys = _KEYS.get(kind)
    looks_like_json = payload.removeprefix(BOM_UTF8).lstrip()[:1] in (b"{", b"[")
    return looks_like_json and keys is not None and any(key in payload for key in keys)


def _avro_claims(kind: Kind, payload: bytes) -> bool:
    """A container whose schema cannot be read may hold anything, so also this."""
    try:
        containers.read_schema(containers.read_header(payload).schema)
    except MalformedAlertError:
        return True
    return _kind_of_avro(payload) is kind


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
    if "gcn.nasa.gov/schema" in str(message.get("$schema")) and not is_schema(message):
        return Kind.GCN_NOTICE
    return Kind.HERMES if message.keys() >= _HERMES_KEYS else Kind.UNKNOWN


def _kind_of_hopskotch(message: Mapping[str, Any]) -> Kind:
    return Kind.HERMES if message.keys() >= _HERMES_KEYS else Kind.HOPSKOTCH_TEXT
