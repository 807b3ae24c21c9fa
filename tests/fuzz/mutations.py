"""Damage messages: bytes flipped, cut and doubled, schemas swapped, values that cannot be."""

import json
import math
import re
import zlib
from collections.abc import Callable
from random import Random
from typing import Any
from xml.sax.saxutils import escape

from tests.streams.packets import make_container
from tom.formats.containers import read_header, read_record
from tom.formats.voevent import is_xml
from tom.surveys.lsst.schemas import published

ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63 - 1, -(2**63), 0.0, -0.0, math.nan, math.inf, -math.inf, 1e308,
    5e-324, -999.0, 99.0, "", "null", "NaN", "\x00", "\ud800", "x" * 5000, "a/../b", "🦄", b"",
    b"\x1f\x8b", b"SIMPLE  ", [], {}, [[[[]]]], [None] * 50, {"a": {"a": {"a": 1}}},
]  # fmt: skip
# An attribute's value with its quotes, or a text with the brackets around it.
_XML_VALUE = re.compile(rb"\"[^\"<>]+\"|>[^<>]+<")
DEEP = "[" * 5000 + "]" * 5000

Mutation = Callable[[bytes, list[bytes], Random], bytes]


def mutate(payload: bytes, others: list[bytes], random: Random) -> bytes:
    """Damage a message in one or several ways."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        payload = random.choice(MUTATIONS)(payload, others, random)
    return payload


def flip(payload: bytes, _: list[bytes], random: Random) -> bytes:
    flipped = bytearray(payload)
    for _ in range(random.choice((1, 2, 8, 64)) if flipped else 0):
        flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    return bytes(flipped)


def cut(payload: bytes, _: list[bytes], random: Random) -> bytes:
    return payload[: random.randrange(len(payload) + 1)]


def overwrite(payload: bytes, _: list[bytes], random: Random) -> bytes:
    start = random.randrange(len(payload) + 1)
    size = random.choice((0, 1, 4, 8, 200))
    filling = random.choice((b"\xff", b"\x00", b"\x80", b"9", random.randbytes(1)))
    return payload[:start] + filling * random.choice((0, 1, 8, 400)) + payload[start + size :]


def splice(payload: bytes, others: list[bytes], random: Random) -> bytes:
    other = random.choice(others)
    return payload[: random.randrange(len(payload) + 1)] + other[random.randrange(len(other)) :]


def swap_schema(payload: bytes, others: list[bytes], random: Random) -> bytes:
    """Another id before a framed body; another container's head before a container's blocks."""
    if payload[:1] == b"\x00":
        number = random.choice([*published(), 0, 100, 1207, 2**32 - 1])
        return b"\x00" + number.to_bytes(4, "big") + payload[5:]
    containers = [other for other in others if other.startswith(b"Obj\x01")]
    if not payload.startswith(b"Obj\x01") or not containers:
        return payload
    other = random.choice(containers)
    mark = payload[-16:]
    head, _, _ = other.partition(other[-16:])
    return head + mark + payload.partition(mark)[2]


def inside(payload: bytes, others: list[bytes], random: Random) -> bytes:
    """Damage what zlib compressed, and compress it again; other bytes as they are."""
    if not payload.startswith(b"x"):
        return flip(payload, others, random)
    try:
        plain = zlib.decompress(payload)
    except zlib.error:
        return payload
    return zlib.compress(random.choice((flip, cut, overwrite))(plain, others, random))


def odd_value(payload: bytes, _: list[bytes], random: Random) -> bytes:
    """One field holds what it cannot: of a container with a schema that allows it."""
    try:
        if payload.startswith(b"Obj\x01"):
            return _odd_in_container(payload, random)
        if payload.lstrip()[:1] in (b"{", b"["):
            return _odd_in_json(payload, random)
        if is_xml(payload):
            return _odd_in_xml(payload, random)
    except Exception:  # noqa: BLE001  too damaged already to be taken apart
        return payload
    return payload


def _odd_in_xml(payload: bytes, random: Random) -> bytes:
    """Put what cannot be into an attribute or a text, or elements beyond all depth."""
    if random.random() < 0.02:
        return payload.replace(b"<What>", b"<What>" + b"<Group>" * 5000, 1)
    places = list(_XML_VALUE.finditer(payload))
    for _ in range(random.choice((1, 1, 3)) if places else 0):
        place = random.choice(places)
        odd = random.choice([value for value in ODD if not isinstance(value, bytes)])
        text = escape(str(odd)).encode("utf-8", "xmlcharrefreplace")
        payload = payload.replace(place[0], place[0][:1] + text + place[0][-1:], 1)
    return payload


def _odd_in_json(payload: bytes, random: Random) -> bytes:
    tree = json.loads(payload)
    if random.random() < 0.02:
        return json.dumps({"a": 1}).encode()[:-1] + b', "b": ' + DEEP.encode() + b"}"
    for _ in range(random.choice((1, 1, 3))):
        node = tree
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = random.choice(keys)
            if isinstance(node[key], dict | list) and node[key] and random.random() < 0.8:
                node = node[key]
                continue
            node[key] = random.choice([value for value in ODD if not isinstance(value, bytes)])
            break
    return json.dumps(tree).encode()


def _odd_in_container(payload: bytes, random: Random) -> bytes:
    # Damaged before, it may claim to hold gigabytes: read within the bounds of ours.
    schema, record = json.loads(read_header(payload).schema), read_record(payload)
    node, place = schema, record
    while True:
        field = random.choice(node["fields"])
        inner = _record_in(field["type"])
        value = place[field["name"]]
        row = random.choice(value) if isinstance(value, list) and value else value
        if inner is None or not isinstance(row, dict) or random.random() < 0.1:
            break
        node, place = inner, row
    odd = random.choice(ODD)
    field.pop("default", None)
    old, field["type"] = field["type"], type_of(odd)
    field["type"] = [*union(old), *(each for each in union(field["type"]))]
    field["type"] = without_twins(field["type"])
    place[field["name"]] = odd
    return make_container(schema, [record])


def union(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


def without_twins(parts: list[Any]) -> list[Any]:
    kinds: dict[str, Any] = {}
    for part in parts:
        kind = part if isinstance(part, str) else str(part.get("name") or part["type"])
        kinds.setdefault(kind, part)
    return list(kinds.values())


def _record_in(node: Any) -> Any:
    for part in union(node):
        if isinstance(part, dict) and part.get("type") == "record":
            return part
        if isinstance(part, dict) and part.get("type") == "array":
            return _record_in(part["items"])
    return None


def type_of(value: Any) -> Any:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "long"
        case float():
            return "double"
        case str():
            return "string"
        case bytes():
            return "bytes"
        case list():
            inner = type_of(value[0]) if value else "long"
            return {"type": "array", "items": ["null", inner] if inner != "null" else "null"}
        case _:
            inner = type_of(next(iter(value.values()))) if value else "long"
            return {"type": "map", "values": inner}


MUTATIONS: list[Mutation] = [
    flip,
    cut,
    overwrite,
    splice,
    swap_schema,
    inside,
    odd_value,
    odd_value,
]
