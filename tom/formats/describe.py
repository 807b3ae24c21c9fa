"""The form in which a payload comes, whatever it means: said to the person who reads why.

Whoever reads messages reads this, of private ones too: it names forms, and quotes no content.
"""

import re
from collections.abc import Mapping
from heapq import nsmallest
from typing import Any, Final
from urllib.parse import urlsplit

from tom.formats import containers
from tom.formats.errors import MalformedAlertError
from tom.formats.json_text import MARKS, read_json, read_json_fields
from tom.formats.values import clean

_KEYS_SHOWN: Final = 6
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
# Names of fields; a key with a figure in it may be an object's name.
_FIELD: Final = re.compile(r"[$A-Za-z_]{1,40}")
_CONFLUENT_HEAD: Final = 5
_BINARY: Final = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"PK\x03\x04": "a zip archive",
    b"\xc3\x01": "Avro in its form of single objects",
    b"SIMPLE  =": "a FITS file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF document",
    b"PAR1": "a Parquet table",
}
_ROOT: Final = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
# Without what follows "#", which names the event.
_IVORN: Final = re.compile(r"""ivorn\s*=\s*["']([^"'<>#]{1,100})""")


def describe(payload: bytes) -> str:
    """Say in a few words what an unknown payload looks like."""
    if not payload:
        return "empty"
    if payload.startswith(containers.MAGIC):
        return _describe_avro(payload)
    for start, name in _BINARY.items():
        if payload.startswith(start):
            return name
    schema_id = int.from_bytes(payload[1:_CONFLUENT_HEAD], "big")
    if payload[0] == 0 and len(payload) > _CONFLUENT_HEAD and schema_id > 0:
        return f"Confluent-framed Avro, schema id {schema_id}"
    try:
        text = payload.decode(_coding(payload))
    except UnicodeDecodeError:
        return "no known format"
    return clean(_describe_text(text.lstrip("\ufeff")))[:200]


def _coding(payload: bytes) -> str:
    """Tell the coding of a text by its mark of byte order; what old XML is written in takes all."""
    marked = next((coding for mark, coding in MARKS if payload.startswith(mark)), "utf-8")
    return "latin-1" if payload.startswith(b"<") and not _is_utf8(payload) else marked


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_json_object(payload: bytes) -> dict[str, Any] | None:
    """Read a JSON object as `read_json_fields` does; None for one that holds too much, too."""
    try:
        return read_json_fields(payload)
    except MalformedAlertError:
        return None


def is_schema(message: Mapping[str, Any]) -> bool:
    """Whether a JSON object is the form of messages, and no message."""
    return "$id" in message or message.get("type") in ("object", "record")


def _describe_text(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        return "blank"
    if _CONTROL.search(text):
        return "no known format"
    if stripped.startswith("<"):
        return _describe_xml(stripped)
    try:
        return _describe_json(read_json(text.encode("utf-8", "surrogatepass")))
    except MalformedAlertError as error:
        if stripped[0] in "{[":
            said = str(error)
            return f"damaged {said[4:]}" if said.startswith("not ") else said
        return f"plain text of {len(stripped)} characters"


def _describe_json(value: Any) -> str:
    if isinstance(value, dict):
        if value.keys() == {"url"}:
            return f"a reference to a message kept at {_host(str(value['url']))}"
        what = "a JSON or Avro schema" if is_schema(value) else "a JSON object"
        return what + _describe_keys(value)
    if isinstance(value, list):
        return f"a JSON list of {len(value)}"
    names = {str: "text", bool: "truth value", int: "number", float: "number"}
    name = names.get(type(value))
    return f"a JSON {name}" if name else "JSON's null"


def _describe_keys(value: Mapping[str, Any]) -> str:
    fields = nsmallest(_KEYS_SHOWN, (key for key in value if _FIELD.fullmatch(key)))
    others = len(value) - len(fields)
    said = [*fields, *([f"{others} more"] if others else [])]
    return f" with keys {', '.join(said)}" if said else " without keys"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no host"


def _describe_xml(text: str) -> str:
    head = re.sub(r"<[?!][^>]*>", "", text[:5000])
    root = _ROOT.search(head)
    if root is None:
        return "XML or HTML without an element"
    ivorn = _IVORN.search(head)
    return f"XML, a {root[1]}" + (f" with ivorn {ivorn[1]}" if ivorn else "")


def _describe_avro(payload: bytes) -> str:
    try:
        schema = containers.read_schema(containers.read_header(payload).schema)
        count = containers.count_records(payload)
    except MalformedAlertError as error:
        return f"a damaged Avro container: {error}"
    if not isinstance(schema.parsed, dict) or schema.parsed.get("type") != "record":
        return f"an Avro container of {count} values that are not records"
    name = schema.name or "without a name"
    return f"an Avro container of {count} records {name}, none that a parser takes"
