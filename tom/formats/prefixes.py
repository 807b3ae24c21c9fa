"""The first fields of an Avro record, read without what follows them.

Avro writes the fields of a record in their order. A survey's trigger comes first and its history
and its images come after, which are most of the bytes and of the work.
"""

from collections.abc import Collection
from functools import lru_cache
from io import BytesIO
from typing import Any

from tom.formats.containers import (
    MAX_DECODED_BYTES,
    WriterSchema,
    decode_next,
    find_record,
)


def read_prefix(
    payload: bytes, names: Collection[str], limit: int = MAX_DECODED_BYTES
) -> dict[str, Any]:
    """Decode the one record of a container up to the last of the named fields.

    Parameters
    ----------
    payload
        The container's bytes.
    names
        The fields that are needed; one that the schema lacks is not in the answer.
    limit
        How many bytes its blocks may take once decompressed.

    Returns
    -------
    dict
        The fields up to there. Damage that comes after them is not noticed.

    Raises
    ------
    MalformedAlertError
        If anything up to there is damaged, it grows past the limit, or it holds none or several.
    """
    data, schema = find_record(payload, limit)
    return read_start(BytesIO(data), schema, names)


def read_start(stream: BytesIO, schema: WriterSchema, names: Collection[str]) -> dict[str, Any]:
    """Decode the record that begins in a stream up to the last of the named fields.

    Raises
    ------
    MalformedAlertError
        If anything up to there is damaged.
    """
    return decode_next(stream, _cut_schema(schema, frozenset(names)))


@lru_cache(maxsize=64)
def _cut_schema(schema: WriterSchema, names: frozenset[str]) -> Any:
    """Cut a record's schema after the last of the named fields."""
    parsed = schema.parsed
    if not isinstance(parsed, dict) or "fields" not in parsed:
        return parsed
    needed = [number for number, each in enumerate(parsed["fields"]) if each["name"] in names]
    return {**parsed, "fields": parsed["fields"][: max(needed, default=-1) + 1]}
