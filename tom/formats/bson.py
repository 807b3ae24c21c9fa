"""BSON documents, read within bounds: what MongoDB's drivers write.

Format: https://bsonspec.org/spec.html
"""

import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tom.formats.errors import MalformedAlertError
from tom.formats.sizes import MOST_BSON_VALUES
from tom.formats.values import clean

_MOST_BYTES: Final = 16 * 1024 * 1024
_MOST_DEPTH: Final = 32
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED: Final = {0x01: ("<d", 8), 0x10: ("<i", 4), 0x12: ("<q", 8), 0x11: ("<Q", 8)}
_TEXTS: Final = frozenset({0x02, 0x0D, 0x0E})  # text, code, symbol
_DOCUMENT: Final = 0x03
_NESTED: Final = frozenset({_DOCUMENT, 0x04})  # a list is one whose names count
_EMPTY: Final = frozenset({0x06, 0x0A, 0x7F, 0xFF})  # undefined, null, the two ends of keys
_SIZED: Final = {0x07: 12, 0x13: 16}  # an id of an object, a decimal of 128 bits


def read_squeezed(payload: bytes) -> dict[str, Any]:
    """Read one document that zlib compressed.

    Raises
    ------
    MalformedAlertError
        If it is damaged, or grows past 16 MB.
    """
    squeezed = zlib.decompressobj()
    try:
        data = squeezed.decompress(payload, _MOST_BYTES)
    except zlib.error as error:
        reason = "not compressed by zlib, or damaged"
        raise MalformedAlertError(reason) from error
    if squeezed.unconsumed_tail or not squeezed.eof:
        reason = "cut short, or too large once decompressed"
        raise MalformedAlertError(reason)
    return read_document(data)


def read_document(data: bytes) -> dict[str, Any]:
    """Read one document.

    Raises
    ------
    MalformedAlertError
        If it is damaged, or nested too deeply.
    """
    reader = _Reader(data)
    try:
        document = reader.document(0)
    except (struct.error, UnicodeDecodeError, IndexError, ValueError, OverflowError) as error:
        reason = f"not BSON: {type(error).__name__}"
        raise MalformedAlertError(reason) from error
    if reader.position != len(data):
        reason = "not BSON: bytes after its end"
        raise MalformedAlertError(reason)
    return document


class _Reader:
    """Where the reading of a document stands."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.values = 0

    def document(self, depth: int) -> dict[str, Any]:
        end = self.position + self._number("<i", 4)
        if depth > _MOST_DEPTH or not self.position < end <= len(self.data):
            reason = "a document beyond its bytes, or too deep"
            raise ValueError(reason)
        found: dict[str, Any] = {}
        while (kind := self._take(1)[0]) != 0:
            self.values += 1
            if self.values > MOST_BSON_VALUES:
                reason = "too many values"
                raise ValueError(reason)
            name = self._name()
            found[name] = self._value(kind, depth)
        if self.position != end:
            reason = "a document of another length than it says"
            raise ValueError(reason)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _FIXED:
            return self._number(*_FIXED[kind])
        if kind in _TEXTS:
            return clean(self._take(self._number("<i", 4)).removesuffix(b"\x00").decode())
        if kind in _EMPTY:
            return None
        if kind in _NESTED:
            inner = self.document(depth + 1)
            return inner if kind == _DOCUMENT else list(inner.values())
        match kind:
            case 0x05:
                return self._take(self._number("<i", 4) + 1)[1:]
            case 0x08:
                return self._take(1) != b"\x00"
            case 0x09:
                return _EPOCH + timedelta(milliseconds=self._number("<q", 8))
            case _:
                return self._take(_SIZED.get(kind, -1))

    def _name(self) -> str:
        end = self.data.index(b"\x00", self.position)
        return clean(self._take(end + 1 - self.position)[:-1].decode())

    def _number(self, form: str, size: int) -> Any:
        return struct.unpack(form, self._take(size))[0]

    def _take(self, size: int) -> bytes:
        if size < 0 or self.position + size > len(self.data):
            reason = "a value beyond the end, or of a kind that is not read"
            raise ValueError(reason)
        self.position += size
        return self.data[self.position - size : self.position]
