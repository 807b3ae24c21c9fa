"""The lists of an Avro record, cut into their entries without decoding them.

A survey repeats an object's history in every packet, and nearly all of it byte for byte. An entry
that is known by its bytes need not be decoded. No library says where an entry ends without reading
it: fastavro's own way to skip takes as long as decoding. So the form of an entry becomes a regular
expression over its bytes, which finds its end some thirty times as fast. It finds in the entry the
fields that somebody reads, too: these alone are decoded, and those of all entries at once.

Format: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
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
from tom.formats.entry_patterns import UncutError, pattern_of
from tom.formats.errors import MalformedAlertError
from tom.formats.sizes import OversizeError

DIGEST_BYTES: Final = 8  # of a history of 1,000 entries one is mistaken once in 10**16
_ENTRIES: Final = "entries"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The lists of a record that are cut, and the fields of their entries that anybody reads."""

    lists: frozenset[str]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one list: each as the digest of its bytes, and as those of its wanted fields.

    Digests are equal for equal bytes of one list in one schema.
    """

    cut: Sequence[tuple[bytes, bytes]]
    schema: Any  # of a record that holds such a list

    def decode(self, known: Collection[bytes]) -> list[dict[str, Any]]:
        """Decode the wanted fields of the entries whose digests are not known, in their order.

        Raises
        ------
        MalformedAlertError
            If one does not fit its schema.
        """
        fresh = [entry for digest, entry in self.cut if digest not in known]
        if not fresh:
            return []
        listed = b"".join((write_long(len(fresh)), *fresh, write_long(0)))
        entries: list[dict[str, Any]] = decode_next(BytesIO(listed), self.schema)[_ENTRIES]
        return entries


@dataclass(frozen=True, slots=True)
class CutRecord:
    """A record without the lists that were cut; `fields` holds what could not be."""

    fields: dict[str, Any]
    lists: Mapping[str, Entries]

    def digests(self) -> frozenset[bytes]:
        """The digests of all entries of the lists."""
        return frozenset(digest for entries in self.lists.values() for digest, _ in entries.cut)

    def decode(self, known: Collection[bytes]) -> dict[str, Any]:
        """The record, its lists without the entries whose digests are known, of wanted fields.

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


def cut_contained(payload: bytes, wanted: Wanted, limit: int) -> CutRecord:
    """Cut the one record of a container, whose blocks may take `limit` bytes once decompressed.

    Raises
    ------
    MalformedAlertError
        As `read_record` does, but for damage inside an entry that is not decoded.
    """
    return cut_record(*find_record(payload, limit), wanted)


def cut_record(data: bytes, schema: WriterSchema, wanted: Wanted) -> CutRecord:
    """Decode a record, all of `data`, and cut its lists.

    A list whose entries are of no fixed form (they hold lists, or long texts) is decoded.

    Raises
    ------
    MalformedAlertError
        If the bytes do not fit the schema, or some are left. Damage inside an entry may only be
        noticed when that is decoded, and in a field that is not wanted it is not.
    """
    try:
        return _cut(data, _plan(schema, wanted))
    except OversizeError:
        raise
    except (UncutError, MalformedAlertError):
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
        raise UncutError
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
            raise UncutError
    match, salt, encoded = step.pattern.match, step.salt, []
    count, position = read_long(data, position)
    while count:
        if count < 0:  # then the size of the block follows
            count, (_, position) = -count, read_long(data, position)
        for _ in range(count):
            found = match(data, position)
            if found is None or found.end() == position:
                raise UncutError
            digest = hashlib.blake2b(found[0], digest_size=DIGEST_BYTES, salt=salt).digest()
            encoded.append((digest, b"".join(found.groups())))
            position = found.end()
        count, position = read_long(data, position)
    return encoded, position


@lru_cache(maxsize=64)
def _plan(schema: WriterSchema, wanted: Wanted) -> tuple[_Step, ...]:
    """Make the steps in which a record is read; none of them where no list can be cut."""
    parsed = schema.parsed
    if not isinstance(parsed, dict) or "fields" not in parsed:
        return ()
    steps: list[_Step] = []
    together: list[Any] = []
    for field in parsed["fields"]:
        is_cut = field["name"] in wanted.lists
        step = _list_step(field, parsed, wanted.fields) if is_cut else None
        if step is None:
            together.append(field)
            continue
        steps += [_Fields({**parsed, "fields": together}), step] if together else [step]
        together = []
    return (*steps, *([_Fields({**parsed, "fields": together})] if together else ()))


def _list_step(field: Any, parsed: Any, fields: frozenset[str]) -> _List | None:
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
        pattern = re.compile(pattern_of(entry, fields, named), re.DOTALL)
    except UncutError:
        return None
    form = json.dumps([field["name"], _plain(entry, named)], sort_keys=True, default=str)
    salt = hashlib.blake2b(form.encode(), digest_size=hashlib.blake2b.SALT_SIZE).digest()
    return _List(field["name"], _list_schema(entry, fields, named), branch, pattern, salt)


def _list_schema(entry: Any, fields: frozenset[str], named: Mapping[str, Any]) -> Any:
    """The schema of a record that holds a list of the wanted fields of entries, and no more."""
    kept = [field for field in entry["fields"] if field["name"] in fields]
    listed = {"type": "array", "items": {**entry, "fields": kept}}
    return {
        "type": "record",
        "name": _ENTRIES,
        "fields": [{"name": _ENTRIES, "type": listed}],
        "__fastavro_parsed__": True,
        "__named_schemas": named,
    }


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
