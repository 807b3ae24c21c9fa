"""The form of an entry of an Avro list, as a regular expression over its bytes.

Format: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from tom.formats.containers import write_long

_LONGEST_TEXT: Final = 127  # of an entry; one with a longer text is decoded
_MOST_NODES: Final = 512
_MOST_TEXTS: Final = 12
_LARGEST_FIXED: Final = 4096
_NUMBER: Final = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
_PLAIN: Final = {
    "null": b"",
    "boolean": rb"[\x00\x01]",
    "int": _NUMBER,
    "long": _NUMBER,
    "float": b".{4}",
    "double": b".{8}",
}


class UncutError(ValueError):
    """The list has to be decoded whole: its form, or what it holds, is none that is cut."""


def pattern_of(entry: Any, wanted: Collection[str], named: Mapping[str, Any]) -> bytes:
    """Write the expression of an entry, a record, whose groups are its wanted fields.

    Raises
    ------
    UncutError
        If it holds lists or maps, or too much.
    """
    return b"".join(_Pattern(named).of_entry(entry, wanted))


class _Pattern:
    """Writes the regular expression of a type: each choice shows in the byte it begins with."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.named = named
        self.nodes = self.texts = 0

    def of_entry(self, entry: Any, wanted: Collection[str]) -> Iterator[bytes]:
        """Yield the pieces of the expression of an entry: wanted fields together are one group."""
        for is_wanted, fields in groupby(entry["fields"], lambda field: field["name"] in wanted):
            together = b"".join(part for field in fields for part in self.parts(field["type"]))
            yield b"(" + together + b")" if is_wanted else together

    def parts(self, node: Any) -> Iterator[bytes]:
        """Yield the pieces of the expression of a type.

        Raises
        ------
        UncutError
            If it holds lists or maps, or too much.
        """
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise UncutError
        match node:
            case list():
                branches = (
                    re.escape(write_long(number)) + b"".join(self.parts(each))
                    for number, each in enumerate(node)
                )
                yield b"(?:" + b"|".join(branches) + b")"
            case str():
                yield self._named(node)
            case {"type": "record", "fields": fields}:
                for field in fields:
                    yield from self.parts(field["type"])
            case _:
                yield from self._smaller(node)

    def _smaller(self, node: Any) -> Iterator[bytes]:
        match node:
            case {"type": "fixed", "size": int(size)} if 0 <= size <= _LARGEST_FIXED:
                yield b".{%d}" % size
            case {"type": "enum"}:
                yield _NUMBER
            case {"type": str(inner)} if inner in _PLAIN or inner in ("string", "bytes"):
                yield self._named(inner)
            case {"type": dict(inner) | list(inner)}:
                yield from self.parts(inner)
            case _:
                raise UncutError

    def _named(self, name: str) -> bytes:
        if name in _PLAIN:
            return _PLAIN[name]
        if name in self.named:
            return b"".join(self.parts(self.named[name]))
        self.texts += 1
        if name not in ("string", "bytes") or self.texts > _MOST_TEXTS:
            raise UncutError
        return _text()


@lru_cache(maxsize=1)
def _text() -> bytes:
    """A text of any length up to the longest: the length, and so many bytes."""
    lengths = range(_LONGEST_TEXT + 1)
    return b"(?:" + b"|".join(re.escape(write_long(n)) + b".{%d}" % n for n in lengths) + b")"
