"""Avro in Confluent's framing: a zero byte, the id of the schema in four, and one record.

The record comes without its schema, and bytes read with another one may pass for a record. So the
schema is the one with this id: of the folder that a survey publishes, or what a registry says.
"""

from collections.abc import Collection, Mapping
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, Final

import fastavro
from fastavro.repository import SchemaRepositoryError
from fastavro.schema import SchemaParseException, UnknownType

from tom.formats.containers import WriterSchema, decode_block, read_schema
from tom.formats.entries import CutRecord, Wanted, cut_record
from tom.formats.errors import MalformedAlertError, UnknownSchemaError
from tom.formats.prefixes import read_start
from tom.formats.schemas import record_fields

HEAD_BYTES: Final = 5
MAX_BYTES: Final = 4 * 1024 * 1024  # a real packet takes 303 KB
_supplied: dict[int, WriterSchema] = {}
_writing: Final = Lock()


def schema_id(payload: bytes) -> int | None:
    """Read the id of the schema; None if the bytes are not in this framing."""
    if len(payload) <= HEAD_BYTES or payload[0] != 0:
        return None
    return int.from_bytes(payload[1:HEAD_BYTES], "big") or None


def supply_schema(number: int, schema: bytes) -> None:
    """Make a registry's schema, given as JSON, known to this process.

    Raises
    ------
    MalformedAlertError
        If it is not a legal Avro schema, or one whose decoding could run away.
    """
    read = read_schema(schema)
    with _writing:
        _supplied[number] = read


def find_schema(number: int, published: Mapping[int, WriterSchema]) -> WriterSchema:
    """Find the schema with an id: a published one, or one that a registry supplied.

    Raises
    ------
    UnknownSchemaError
        If neither has it.
    """
    found = published.get(number) or _supplied.get(number)
    if found is None:
        raise UnknownSchemaError(number)
    return found


def schema_of(payload: bytes, published: Mapping[int, WriterSchema]) -> WriterSchema:
    """Find the schema that a message names.

    Raises
    ------
    UnknownSchemaError
        If it is not known.
    MalformedAlertError
        If the message is not in this framing, or too large.
    """
    number = schema_id(payload)
    if number is None or len(payload) > MAX_BYTES:
        reason = "Avro is not in Confluent's framing, or longer than any packet"
        raise MalformedAlertError(reason)
    return find_schema(number, published)


def read_framed_prefix(
    payload: bytes, names: Collection[str], published: Mapping[int, WriterSchema]
) -> dict[str, Any]:
    """Decode the one record of a message up to the last of the named fields.

    Damage that comes after them is not noticed; else it raises what `read_framed` does.
    """
    schema = schema_of(payload, published)
    stream = BytesIO(payload)
    stream.seek(HEAD_BYTES)
    return read_start(stream, schema, names)


def cut_framed(
    payload: bytes, wanted: Wanted, published: Mapping[int, WriterSchema]
) -> tuple[WriterSchema, CutRecord]:
    """Cut the one record of a message, and return it with its schema.

    It raises what `read_framed` does, but for damage inside an entry that is not decoded.
    """
    schema = schema_of(payload, published)
    return schema, cut_record(payload[HEAD_BYTES:], schema, wanted)


def read_framed(
    payload: bytes, published: Mapping[int, WriterSchema]
) -> tuple[WriterSchema, dict[str, Any]]:
    """Decode the one record of a message, and return it with its schema.

    Raises
    ------
    UnknownSchemaError
        If its schema is not known.
    MalformedAlertError
        If it is not in this framing, too large, or does not fit its schema to the last byte.
    """
    schema = schema_of(payload, published)
    ((record, _),) = decode_block(1, payload[HEAD_BYTES:], schema.parsed)
    return schema, record


def load_schema(path: Path) -> WriterSchema | None:
    """Read a schema whose types stand in files beside it; None if there is none to be read."""
    try:
        parsed: Any = fastavro.schema.load_schema(str(path))
    except (OSError, ValueError, SchemaParseException, SchemaRepositoryError, UnknownType):
        return None
    return WriterSchema(name=parsed["name"], parsed=parsed, fields=record_fields(parsed))
