"""Avro schemas from outside: legal ones only, and none whose decoding could run away."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

_MAX_BYTES: Final = 256 * 1024  # real ones take 41 KB at most
_MAX_DEPTH: Final = 48
_MAX_NODES: Final = 20_000
_WIDTHS: Final = {"null": 0, "float": 4, "double": 8}  # bytes; any other primitive takes 1
# Values that a byte pays for; what an empty record, and an empty array or map, weigh as values.
_PAID: Final = 4
_RECORD: Final = 4
_LIST: Final = 2


class SchemaError(ValueError):
    """The schema is illegal, or would let its data run away."""


def check_schema(schema: bytes) -> Any:
    """Parse a schema given as JSON into fastavro's form, refusing what could run away.

    Raises
    ------
    SchemaError
        If it is not JSON, not legal Avro, recursive, nested too deeply, too large, holds decimals
        (whose decoding takes the square of their length), or has an array or a map of items that
        are far smaller as bytes than as objects.
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
    _Measure().excess(parsed, 0)
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
    """How far what a type decodes to may outgrow its bytes, by walking all that it expands to.

    A byte pays for four values (a number, a text, an entry of a record), so that what is read holds
    no more than four times as many as it has bytes, whatever its arrays hold.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.nodes = 0

    def excess(self, node: Any, depth: int) -> int:
        """The most values that one of this type may hold, less those its bytes pay for."""
        self.nodes += 1
        if depth > _MAX_DEPTH or self.nodes > _MAX_NODES:
            reason = "recursive, or expands to too much"
            raise SchemaError(reason)
        if isinstance(node, list):
            return max((self.excess(part, depth + 1) for part in node), default=0) - _PAID
        if isinstance(node, str):
            known = self.names.get(node)
            return (
                1 - _PAID * _WIDTHS.get(node, 1) if known is None else self.excess(known, depth + 1)
            )
        return self._excess_of_complex(node, depth)

    def _excess_of_complex(self, node: dict[str, Any], depth: int) -> int:
        if "name" in node:
            self.names[node["name"]] = node
        if node.get("logicalType") == "decimal":
            reason = "decimals are not read"
            raise SchemaError(reason)
        match node["type"]:
            case "record" | "error":
                fields = (self.excess(field["type"], depth + 1) for field in node["fields"])
                return _RECORD + sum(fields)
            case "fixed":
                return 1 - _PAID * max(0, int(node["size"]))
            case "array" | "map" as kind:
                items = node["items" if kind == "array" else "values"]
                if self.excess(items, depth + 1) > 0:
                    reason = f"{kind} of items that are far smaller as bytes than as objects"
                    raise SchemaError(reason)
                return _LIST - _PAID
            case inner:
                return self.excess(inner, depth + 1)
