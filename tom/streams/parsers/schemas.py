"""Avro schemas from outside: legal ones only, and none whose decoding could run away."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

_MAX_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 48
_MAX_NODES: Final = 20_000
_WIDTHS: Final = {"null": 0, "float": 4, "double": 8}  # bytes; any other primitive takes 1


class SchemaError(ValueError):
    """The schema is illegal, or would let its data run away."""


def check_schema(schema: bytes) -> Any:
    """Parse a schema given as JSON into fastavro's form, refusing what could run away.

    Raises
    ------
    SchemaError
        If it is not JSON, not legal Avro, recursive, nested too deeply, too large, or has an
        array whose items take no bytes (any count of which fits in no data at all).
    """
    if len(schema) > _MAX_BYTES:
        reason = f"longer than {_MAX_BYTES} bytes"
        raise SchemaError(reason)
    try:
        tree = json.loads(schema)
        _check_depth(tree)
        parsed = fastavro.parse_schema(tree)
    except (SchemaParseException, UnknownType) as error:
        raise SchemaError(str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise SchemaError(reason) from error
    except ValueError as error:
        raise SchemaError(str(error)) from error
    _Measure().width(parsed, 0)
    return parsed


def record_fields(parsed: Any) -> Mapping[str, frozenset[str]]:
    """Map each field of a record to the names of the fields of the record it holds, if any."""
    names = dict(_definitions(parsed))
    if not isinstance(parsed, dict):
        return {}
    return {
        field["name"]: frozenset(inner["name"] for inner in _record(field["type"], names))
        for field in parsed.get("fields", ())
    }


def _record(node: Any, names: Mapping[str, Any]) -> list[Any]:
    """Find the fields of the first record in a field's type, through unions and arrays."""
    match node:
        case list():
            return next((found for part in node if (found := _record(part, names))), [])
        case str():
            return list(names.get(node, {}).get("fields", ()))
        case {"type": "array", "items": items}:
            return _record(items, names)
        case _:
            return list(node.get("fields", ()))


def _definitions(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield every named type defined in a parsed schema."""
    if isinstance(node, list):
        for part in node:
            yield from _definitions(part)
    elif isinstance(node, dict):
        if "name" in node:
            yield node["name"], node
        for key in ("type", "items", "values"):
            yield from _definitions(node.get(key))
        for field in node.get("fields", ()):
            yield from _definitions(field["type"])


def _check_depth(tree: Any) -> None:
    """Refuse deep JSON before fastavro recurses into it in C, where nothing stops it."""
    level: list[Any] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    reason = "nested too deeply"
    raise SchemaError(reason)


class _Measure:
    """The least number of bytes a type takes, found by walking all that it expands to."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.nodes = 0

    def width(self, node: Any, depth: int) -> int:
        self.nodes += 1
        if depth > _MAX_DEPTH or self.nodes > _MAX_NODES:
            reason = "recursive, or expands to too much"
            raise SchemaError(reason)
        if isinstance(node, list):
            return 1 + min((self.width(part, depth + 1) for part in node), default=0)
        if isinstance(node, str):
            known = self.names.get(node)
            return _WIDTHS.get(node, 1) if known is None else self.width(known, depth + 1)
        return self._width_of_complex(node, depth)

    def _width_of_complex(self, node: dict[str, Any], depth: int) -> int:
        if "name" in node:
            self.names[node["name"]] = node
        match node["type"]:
            case "record" | "error":
                return sum(self.width(field["type"], depth + 1) for field in node["fields"])
            case "fixed":
                return max(0, int(node["size"]))
            case "array" | "map" as kind:
                items = self.width(node["items" if kind == "array" else "values"], depth + 1)
                if kind == "array" and items == 0:
                    reason = "an array of items that take no bytes"
                    raise SchemaError(reason)
                return 1
            case inner:
                return self.width(inner, depth + 1)
