"""Make messages huge: one place of a sound one holds megabytes of what may stand there."""

import copy
import io
import json
import zlib
from collections.abc import Callable, Iterator
from random import Random
from struct import error as StructError  # noqa: N812
from typing import Any

import fastavro

from tests.brokers.test_retelling import bson
from tests.fuzz.mutations import type_of, union, without_twins
from tests.streams.packets import make_container
from tom.formats.bson import read_squeezed
from tom.formats.containers import read_header, read_record
from tom.surveys.lsst.schemas import published

BYTES = 10_000_000

Filling = Callable[[Any, int], Any]


def many_copies(value: Any, size: int) -> Any:
    """Many of what stands in a list, or of the value itself, no two alike."""
    row = value[0] if isinstance(value, list) and value else value
    return [_varied(row, number) for number in range(size // (_size(row) + 2))]


def many_names(value: Any, size: int) -> Any:
    """Many fields beside those of an object."""
    inner = dict(value) if isinstance(value, dict) else {}
    one = next(iter(inner.values()), 1)
    return inner | {f"k{number}": one for number in range(size // (_size(one) + 12))}


def many_lists(_: Any, size: int) -> Any:
    """Many lists with nothing in them."""
    return [[] for _ in range(size // 4)]


def many_numbers(_: Any, size: int) -> Any:
    return list(range(size // 9))


def long_text(value: Any, size: int) -> Any:
    text = value if isinstance(value, str) and value else "0"
    return text * (size // len(text))


def many_words(_: Any, size: int) -> Any:
    return "1 (GW170817, " * (size // 13)


def long_number(_: Any, size: int) -> Any:
    return 10**4000 if size > 4000 else 10**size


FILLINGS: tuple[Filling, ...] = (
    many_copies,
    many_names,
    many_lists,
    many_numbers,
    long_text,
    many_words,
    long_number,
)


def enlarge(payload: bytes, random: Random, size: int = BYTES) -> bytes | None:
    """Fill one place of a message with megabytes; None where it cannot be taken apart."""
    taken = take_apart(payload)
    if taken is None:
        return None
    tree, write = taken
    place = random.choice(list(places(tree)))
    return filled(tree, place, random.choice(FILLINGS), write, size)


def filled(
    tree: Any, place: tuple[Any, ...], filling: Filling, write: Callable[[Any], bytes], size: int
) -> bytes | None:
    """Write a message with one place filled; None where its format has no such value."""
    try:
        return write(_replaced(tree, place, filling, size))
    except (ValueError, TypeError, OverflowError, AttributeError, KeyError, StructError):
        return None


def take_apart(payload: bytes) -> tuple[Any, Callable[[Any], bytes]] | None:
    """A message's tree, and how such a tree is written."""
    if payload.startswith(b"Obj\x01"):
        schema = json.loads(read_header(payload).schema)
        return read_record(payload), lambda tree: _container(schema, tree)
    if payload[:1] == b"\x00":
        number = int.from_bytes(payload[1:5], "big")
        schema = published()[number].parsed
        record = fastavro.schemaless_reader(io.BytesIO(payload[5:]), schema, None)
        return record, lambda tree: _framed(number, schema, tree)
    if payload[:1] == b"x":
        return read_squeezed(payload), lambda tree: zlib.compress(bson(tree))
    if payload[:1] in (b"{", b"["):
        return json.loads(payload), lambda tree: json.dumps(tree).encode()
    return None


def places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a tree; of a list, its first item stands for all."""
    yield at
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from places(value, (*at, name))
    elif isinstance(tree, list) and tree:
        yield from places(tree[0], (*at, 0))


def _replaced(tree: Any, place: tuple[Any, ...], filling: Filling, size: int) -> Any:
    if not place:
        return filling(tree, size)
    changed = copy.copy(tree)
    changed[place[0]] = _replaced(tree[place[0]], place[1:], filling, size)
    return changed


def _varied(value: Any, number: int) -> Any:
    match value:
        case bool() | None:
            return value
        case int():
            return value + number
        case float():
            return value * (1 - number * 5e-6)  # of a day's number, some hours
        case str():
            return f"{value}{number}"
        case dict():
            return {name: _varied(inner, number) for name, inner in value.items()}
        case list():
            return [_varied(inner, number) for inner in value]
        case _:
            return value


def _size(value: Any) -> int:
    return len(json.dumps(value, default=str))


def _framed(number: int, schema: Any, tree: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, tree)
    return b"\0" + number.to_bytes(4, "big") + stream.getvalue()


def _container(schema: Any, tree: Any) -> bytes:
    """Write by the schema as it is, or else by one that allows what stands at the top."""
    try:
        return make_container(schema, [tree])
    except Exception:  # noqa: BLE001  fastavro has no error of its own for what does not fit
        allowing = copy.deepcopy(schema)
        for field in allowing["fields"]:
            field.pop("default", None)
            value = tree.get(field["name"])
            if isinstance(value, dict | list | str | int):
                kinds = [*union(field["type"]), *union(type_of(value))]
                field["type"] = without_twins(kinds)
        return make_container(allowing, [tree])
