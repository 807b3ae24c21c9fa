"""BSON documents, written for tests."""

import struct
from typing import Any


def bson(document: dict[str, Any]) -> bytes:
    """Write a document as MongoDB's drivers do."""
    body = b"".join(_element(name, value) for name, value in document.items()) + b"\x00"
    return struct.pack("<i", len(body) + 4) + body


def _element(name: str, value: Any) -> bytes:
    match value:
        case bool():
            return b"\x08" + name.encode() + b"\x00" + bytes([value])
        case bytes():
            head = struct.pack("<i", len(value)) + b"\x04"  # the kind of a UUID
            return b"\x05" + name.encode() + b"\x00" + head + value
        case float():
            return b"\x01" + name.encode() + b"\x00" + struct.pack("<d", value)
        case int():
            return b"\x12" + name.encode() + b"\x00" + struct.pack("<q", value)
        case str():
            text = value.encode() + b"\x00"
            return b"\x02" + name.encode() + b"\x00" + struct.pack("<i", len(text)) + text
        case list():
            inner = bson({str(n): each for n, each in enumerate(value)})
            return b"\x04" + name.encode() + b"\x00" + inner
        case None:
            return b"\x0a" + name.encode() + b"\x00"
        case _:
            return b"\x03" + name.encode() + b"\x00" + bson(value)
