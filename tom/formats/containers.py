"""Avro object container files, read within bounds and with the writer's schema cached.

A survey repeats a schema of 23 KB in every packet: parsing it each time costs more than the
record does. The bytes come from outside, and so does the schema: one whose decoding could run
away (recursion, arrays of nothing, thousands of nested nodes) is refused before use. A message
holds one record, and how many there are is read from the blocks' heads before any is decoded.

Format: https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from struct import error as StructError  # noqa: N812 - its own name is a lower-case "error"
from typing import Any, Final

import fastavro

from tom.formats.codecs import find_codec
from tom.formats.errors import MalformedAlertError
from tom.formats.schemas import SchemaError, check_schema, record_fields
from tom.formats.sizes import OversizeError, check_lists, counted

MAGIC: Final = b"Obj\x01"
MAX_DECODED_BYTES: Final = 32 * 1024 * 1024
MAX_REPEATED_BYTES: Final = 256 * 1024 * 1024
_MAX_HEADER_ENTRIES: Final = 64
_SYNC_BYTES: Final = 16

# What fastavro raises for bytes that do not fit their schema; it has no base class of its own.
DECODE_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    StructError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Header:
    """The start of a container: everything before its first block."""

    schema: bytes  # JSON
    codec: str
    sync: bytes
    size: int


@dataclass(frozen=True, slots=True, eq=False)  # so that what is made of it can be cached
class WriterSchema:
    """A checked schema: ready for fastavro, with what tells one kind of message from another."""

    name: str
    parsed: Any
    fields: Mapping[str, frozenset[str]]  # of the record; each with the fields of its own record


def read_header(payload: bytes) -> Header:
    """Read the header of an Avro object container file.

    Raises
    ------
    MalformedAlertError
        If it is not one, or is cut short.
    """
    if not payload.startswith(MAGIC):
        reason = "not an Avro object container file"
        raise MalformedAlertError(reason)
    metadata, position = _read_metadata(payload)
    sync = payload[position : position + _SYNC_BYTES]
    if len(sync) < _SYNC_BYTES or b"avro.schema" not in metadata:
        reason = "Avro header cut short, or without a schema"
        raise MalformedAlertError(reason)
    codec = metadata.get(b"avro.codec", b"null").decode("ascii", "replace")
    return Header(metadata[b"avro.schema"], codec, sync, position + _SYNC_BYTES)


@lru_cache(maxsize=64)
def read_schema(schema: bytes) -> WriterSchema:
    """Parse and check a writer's schema, given as JSON.

    Raises
    ------
    MalformedAlertError
        If it is not a legal Avro schema, or one whose decoding could run away.
    """
    try:
        parsed = check_schema(schema)
    except SchemaError as error:
        reason = f"Avro schema refused: {error}"
        raise MalformedAlertError(reason) from error
    name = parsed.get("name", "") if isinstance(parsed, dict) else ""
    return WriterSchema(name=name, parsed=parsed, fields=record_fields(parsed))


def count_records(payload: bytes) -> int:
    """Count the records of a container as the heads of its blocks say, decoding nothing.

    Raises
    ------
    MalformedAlertError
        If its header or the frame of a block is damaged.
    """
    return sum(count for count, _ in _frames(payload, read_header(payload)))


def read_record(payload: bytes, limit: int = MAX_DECODED_BYTES) -> dict[str, Any]:
    """Decode the one record of a container.

    Parameters
    ----------
    payload
        The container's bytes.
    limit
        How many bytes its blocks may take once decompressed.

    Raises
    ------
    MalformedAlertError
        If anything in it is damaged, it grows past the limit, or it holds none or several.
    """
    data, schema = find_record(payload, limit)
    ((record, _),) = decode_block(1, data, schema.parsed)
    return record


def find_record(payload: bytes, limit: int = MAX_DECODED_BYTES) -> tuple[bytes, WriterSchema]:
    """Find the bytes of the one record of a container, and their schema.

    Raises
    ------
    MalformedAlertError
        As `read_record` does, but for damage inside the record.
    """
    header = read_header(payload)
    found = sum(count for count, _ in _frames(payload, header))
    if found != 1:
        reason = f"a message holds one record; this one holds {found}"
        raise MalformedAlertError(reason)
    schema = read_schema(header.schema)
    record = b""
    for count, data in blocks(payload, header, limit):
        if count:
            record = data
        else:
            list(decode_block(count, data, schema.parsed))  # a block of nothing has no bytes
    return record, schema


def with_schema(schema: bytes | None, record: bytes) -> bytes:
    """Make a container of a record whose schema came beside it; other bytes stay as they are.

    Parameters
    ----------
    schema
        What came beside: the key of a Kafka message, which some senders put the schema into.
    record
        The message: Avro without its schema, if the key is one.
    """
    if not schema or not schema.startswith(b"{") or record.startswith(MAGIC):
        return record
    try:
        read_schema(schema)
    except MalformedAlertError:
        return record
    sync = hashlib.md5(schema, usedforsecurity=False).digest()
    start = _plain_header(Header(schema, "null", sync, 0))
    return start + write_long(1) + write_long(len(record)) + record + sync


def split_records(payload: bytes, limit: int = MAX_DECODED_BYTES) -> Iterator[bytes]:
    """Cut a container of many records into containers of one, their bytes unchanged.

    Raises
    ------
    MalformedAlertError
        Where the damage is, once what comes before it was given; at once where the heads of the
        blocks are damaged, or where the schema, repeated with each record, takes too much.
    """
    found = count_records(payload)
    header = read_header(payload)
    start = _plain_header(header)
    if found * len(start) > MAX_REPEATED_BYTES:
        reason = f"Avro container of too many records to be cut: {found}"
        raise MalformedAlertError(reason)
    parsed = read_schema(header.schema).parsed
    for count, data in blocks(payload, header, limit):
        for _, record in decode_block(count, data, parsed):
            yield start + write_long(1) + write_long(len(record)) + record + header.sync


def decode_block(count: int, data: bytes, parsed: Any) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield each record of a block with the bytes it came from.

    Raises
    ------
    MalformedAlertError
        If the bytes do not fit the schema, or some are left.
    """
    if count > len(data):
        reason = f"Avro block claims {count} records in {len(data)} bytes"
        raise MalformedAlertError(reason)
    stream = BytesIO(data)
    start = 0
    for _ in range(count):
        record = decode_next(stream, parsed)
        yield record, data[start : stream.tell()]
        start = stream.tell()
    if start != len(data):
        reason = f"{len(data) - start} bytes left in an Avro block"
        raise MalformedAlertError(reason)


def decode_next(stream: BytesIO, parsed: Any) -> dict[str, Any]:
    """Decode the record that begins where the stream stands.

    Raises
    ------
    MalformedAlertError
        If the bytes do not fit the schema, are no record, or a list is longer than any real one.
    """
    try:
        record = fastavro.schemaless_reader(counted(stream), parsed, None)
    except OversizeError:
        raise
    except DECODE_ERRORS as error:
        # The error itself may quote the record.
        reason = f"Avro record does not fit its schema: {type(error).__name__}"
        raise MalformedAlertError(reason) from error
    if not isinstance(record, dict):
        reason = "Avro data is not a record"
        raise MalformedAlertError(reason)
    check_lists(record)
    return record


def blocks(payload: bytes, header: Header, limit: int) -> Iterator[tuple[int, bytes]]:
    """Yield the number of records and the decompressed bytes of each block."""
    decompress = find_codec(header.codec)
    for count, squeezed in _frames(payload, header):
        data = decompress(squeezed, limit)
        limit -= len(data)
        yield count, data


def _frames(payload: bytes, header: Header) -> Iterator[tuple[int, bytes]]:
    """Yield the number of records and the bytes of each block."""
    position = header.size
    while position < len(payload):
        count, position = read_long(payload, position)
        size, position = read_long(payload, position)
        end = position + size
        if end + _SYNC_BYTES > len(payload):
            reason = "Avro container cut short"
            raise MalformedAlertError(reason)
        if count < 0 or size < 0 or payload[end : end + _SYNC_BYTES] != header.sync:
            reason = "Avro sync marker not found: the container is damaged"
            raise MalformedAlertError(reason)
        yield count, payload[position:end]
        position = end + _SYNC_BYTES


def _read_metadata(payload: bytes) -> tuple[dict[bytes, bytes], int]:
    metadata: dict[bytes, bytes] = {}
    count, position = read_long(payload, len(MAGIC))
    while count:
        if count < 0:  # then the size of the map's block follows
            count, (_, position) = -count, read_long(payload, position)
        if count > _MAX_HEADER_ENTRIES:
            reason = "Avro header has too many entries"
            raise MalformedAlertError(reason)
        for _ in range(count):
            key, position = _read_bytes(payload, position)
            metadata[key], position = _read_bytes(payload, position)
        count, position = read_long(payload, position)
    return metadata, position


def _read_bytes(payload: bytes, position: int) -> tuple[bytes, int]:
    size, position = read_long(payload, position)
    if size < 0 or position + size > len(payload):
        reason = "Avro header cut short"
        raise MalformedAlertError(reason)
    return payload[position : position + size], position + size


def read_long(payload: bytes, position: int) -> tuple[int, int]:
    """Read a zigzag varint of at most ten bytes; return it and the position after it.

    Raises
    ------
    MalformedAlertError
        If the bytes end before it does.
    """
    value = 0
    for shift, byte in enumerate(payload[position : position + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position + shift + 1
    reason = "Avro container cut short"
    raise MalformedAlertError(reason)


def write_long(value: int) -> bytes:
    """Write a natural number as a zigzag varint."""
    value <<= 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _plain_header(header: Header) -> bytes:
    entries = ((b"avro.schema", header.schema), (b"avro.codec", b"null"))
    body = b"".join(write_long(len(part)) + part for entry in entries for part in entry)
    return MAGIC + write_long(len(entries)) + body + write_long(0) + header.sync
