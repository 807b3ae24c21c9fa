"""The lists of an Avro record, cut into their entries without decoding them.

A survey repeats an object's history in every packet, and nearly all of it byte for byte. An entry
that is known by its bytes need not be decoded. No library says where an entry ends without reading
it: fastavro's own way to skip takes as long as decoding. So the form of an entry becomes a regular
expression over its bytes, which finds its end some thirty times as fast.

Format: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

from tom.formats.containers import (
    WriterSchema,
    decode_block,
    decode_next,
    find_record,
    read_long,
    write_long,
)
from tom.formats.errors import MalformedAlertError

DIGEST_BYTES: Final = 8  # of a history of 1,000 entries one is mistaken once in 10**16
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


class _UncutError(ValueError):
    """The list has to be decoded whole: its form, or what it holds, is none that is cut."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one list: each as its digest, and as its bytes.

    Digests are equal for equal bytes of one list in one schema.
    """

    cut: Sequence[tuple[bytes, bytes]]
    schema: Any

    def decode(self, known: Collection[bytes]) -> list[dict[str, Any]]:
        """Decode the entries whose digests are not known, in their order.

        Raises
        ------
        MalformedAlertError
            If one does not fit its schema.
        """
        fresh = (entry for digest, entry in self.cut if digest not in known)
        return [decode_next(BytesIO(entry), self.schema) for entry in fresh]


@dataclass(frozen=True, slots=True)
class CutRecord:
    """A record without the lists that were cut; `fields` holds what could not be."""

    fields: dict[str, Any]
    lists: Mapping[str, Entries]

    def digests(self) -> frozenset[bytes]:
        """The digests of all entries of the lists."""
        return frozenset(digest for entries in self.lists.values() for digest, _ in entries.cut)

    def decode(self, known: Collection[bytes]) -> dict[str, Any]:
        """The record, its lists without the entries whose digests are known.

        Raises
        ------
        MalformedAlertError
            If an entry does not fit its schema.
        """
        lists = {name: entries.decode(known) for name, entries in self.lists.items()}
        return {**self.fields, **lists}

    def decode_list(self, name: str) -> Any:
        """All of one list, or what its field holds, None where the record lacks it.

        Raises
        ------
        MalformedAlertError
            As `decode` does.
        """
        return self.lists[name].decode(()) if name in self.lists else self.fields.get(name)


@dataclass(frozen=True, slots=True)
class _Fields:
    """Fields that stand together, and are decoded."""

    schema: Any


@dataclass(frozen=True, slots=True)
class _List:
    """A list that is cut: its branch, where its field is a union, and how its entries look."""

    name: str
    schema: Any
    branch: int | None
    pattern: re.Pattern[bytes]
    salt: bytes  # tells lists and their schemas apart


_Step = _Fields | _List


def cut_contained(payload: bytes, names: frozenset[str], limit: int) -> CutRecord:
    """Cut the one record of a container, whose blocks may take `limit` bytes once decompressed.

    Raises
    ------
    MalformedAlertError
        As `read_record` does, but for damage inside an entry that is not decoded.
    """
    return cut_record(*find_record(payload, limit), names)


def cut_record(data: bytes, schema: WriterSchema, names: frozenset[str]) -> CutRecord:
    """Decode a record, all of `data`, and cut its lists of these names.

    A list whose entries are of no fixed form (they hold lists, or long texts) is decoded.

    Raises
    ------
    MalformedAlertError
        If the bytes do not fit the schema, or some are left. Damage inside an entry may only be
        noticed when that is decoded.
    """
    try:
        return _cut(data, _plan(schema, names))
    except (_UncutError, MalformedAlertError):
        ((record, _),) = decode_block(1, data, schema.parsed)  # it says what is wrong
        return CutRecord(record, {})


def _cut(data: bytes, plan: Sequence[_Step]) -> CutRecord:
    fields: dict[str, Any] = {}
    lists: dict[str, Entries] = {}
    stream = BytesIO(data)
    for step in plan:
        if isinstance(step, _Fields):
            fields |= decode_next(stream, step.schema)
            continue
        encoded, end = _cut_list(data, stream.tell(), step)
        stream.seek(end)
        if encoded is None:
            fields[step.name] = None
        else:
            lists[step.name] = Entries(encoded, step.schema)
    if not plan or stream.tell() != len(data):
        raise _UncutError
    return CutRecord(fields, lists)


def _cut_list(
    data: bytes, position: int, step: _List
) -> tuple[list[tuple[bytes, bytes]] | None, int]:
    """Cut a list that begins there; return its entries, None for a null, and where it ends."""
    if step.branch is not None:
        branch, position = read_long(data, position)
        if branch == 1 - step.branch:
            return None, position
        if branch != step.branch:
            raise _UncutError
    match, salt, encoded = step.pattern.match, step.salt, []
    count, position = read_long(data, position)
    while count:
        if count < 0:  # then the size of the block follows
            count, (_, position) = -count, read_long(data, position)
        for _ in range(count):
            found = match(data, position)
            if found is None or found.end() == position:
                raise _UncutError
            digest = hashlib.blake2b(found[0], digest_size=DIGEST_BYTES, salt=salt).digest()
            encoded.append((digest, found[0]))
            position = found.end()
        count, position = read_long(data, position)
    return encoded, position


@lru_cache(maxsize=64)
def _plan(schema: WriterSchema, names: frozenset[str]) -> tuple[_Step, ...]:
    """Make the steps in which a record is read; none of them where no list can be cut."""
    parsed = schema.parsed
    if not isinstance(parsed, dict) or "fields" not in parsed:
        return ()
    steps: list[_Step] = []
    together: list[Any] = []
    for field in parsed["fields"]:
        step = _list_step(field, parsed) if field["name"] in names else None
        if step is None:
            together.append(field)
            continue
        steps += [_Fields({**parsed, "fields": together}), step] if together else [step]
        together = []
    return (*steps, *([_Fields({**parsed, "fields": together})] if together else ()))


def _list_step(field: Any, parsed: Any) -> _List | None:
    """The step of a field that is a list of records, or such a list or null."""
    named = parsed.get("__named_schemas", {})
    kind, branch = field["type"], None
    if isinstance(kind, list):
        lists = [number for number, each in enumerate(kind) if _is_list(each)]
        if len(kind) != 2 or "null" not in kind or len(lists) != 1:
            return None
        branch, kind = lists[0], kind[lists[0]]
    if not _is_list(kind):
        return None
    entry = named.get(kind["items"]) if isinstance(kind["items"], str) else kind["items"]
    if not isinstance(entry, dict) or entry.get("type") != "record":
        return None
    try:
        pattern = re.compile(b"".join(_Pattern(named).parts(entry)), re.DOTALL)
    except _UncutError:
        return None
    form = json.dumps([field["name"], _plain(entry, named)], sort_keys=True, default=str)
    salt = hashlib.blake2b(form.encode(), digest_size=hashlib.blake2b.SALT_SIZE).digest()
    whole = {**entry, "__fastavro_parsed__": True, "__named_schemas": named}
    return _List(field["name"], whole, branch, pattern, salt)


def _is_list(kind: Any) -> bool:
    return isinstance(kind, dict) and kind.get("type") == "array"


def _plain(node: Any, named: Mapping[str, Any]) -> Any:
    """A schema with the types that it names in their places, for its digest."""
    match node:
        case list():
            return [_plain(each, named) for each in node]
        case str():
            return _plain(named[node], named) if node in named else node
        case {"type": "record", "fields": fields}:
            return [[field["name"], _plain(field["type"], named)] for field in fields]
        case {"type": inner} if isinstance(inner, list | dict):
            return _plain(inner, named)
        case _:
            return {key: node[key] for key in node if key in _MEANING}


_MEANING: Final = frozenset({"type", "logicalType", "precision", "scale", "size", "symbols"})


class _Pattern:
    """Writes the regular expression of a type: each choice shows in the byte it begins with."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.named = named
        self.nodes = self.texts = 0

    def parts(self, node: Any) -> Iterator[bytes]:
        """Yield the pieces of the expression of a type.

        Raises
        ------
        _UncutError
            If it holds lists or maps, or too much.
        """
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise _UncutError
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
                raise _UncutError

    def _named(self, name: str) -> bytes:
        if name in _PLAIN:
            return _PLAIN[name]
        if name in self.named:
            return b"".join(self.parts(self.named[name]))
        self.texts += 1
        if name not in ("string", "bytes") or self.texts > _MOST_TEXTS:
            raise _UncutError
        return _text()


@lru_cache(maxsize=1)
def _text() -> bytes:
    """A text of any length up to the longest: the length, and so many bytes."""
    lengths = range(_LONGEST_TEXT + 1)
    return b"(?:" + b"|".join(re.escape(write_long(n)) + b".{%d}" % n for n in lengths) + b")"
