"""Schemas from outside: what is taken decodes to no more than its bytes pay for."""

import io
import json
from contextlib import suppress
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.formats.schemas import SchemaError, check_schema, record_fields

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
# So many values a byte pays for, as the module says.
PAID = 4
OVERHEAD = 8


def schema_of(node: Any) -> bytes:
    return json.dumps(node).encode()


def record(*types: Any, name: str = "r") -> dict[str, Any]:
    fields = [{"name": f"f{at}", "type": each} for at, each in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-2, 2),
    "long": st.integers(-2, 2),
    "float": st.just(0.0),
    "double": st.just(0.0),
    "bytes": st.binary(max_size=1),
    "string": st.text("a", max_size=1),
}


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:
    """A type and a value of it, as small as bytes as they come."""
    kind = draw(st.sampled_from(["primitive", "array", "map"] if depth else ["primitive"]))
    if kind == "primitive":
        name = draw(st.sampled_from(PRIMITIVES))
        return name, draw(VALUES[name])
    inner, value = draw(typed_values(depth=depth - 1))
    n = draw(st.integers(0, 40))
    if kind == "array":
        return {"type": "array", "items": inner}, [value] * n
    return {"type": "map", "values": inner}, {f"{at:x}": value for at in range(n)}


def count_values(value: Any) -> int:
    """How many objects a decoded value is."""
    match value:
        case dict():
            return 1 + sum(1 + count_values(each) for each in value.values())
        case list():
            return 1 + sum(count_values(each) for each in value)
        case _:
            return 1


@settings(max_examples=300)
@given(st.lists(typed_values(), min_size=1, max_size=4))
def test_what_a_taken_schema_decodes_to_is_paid_for_by_its_bytes(
    fields: list[tuple[Any, Any]],
) -> None:
    schema = record(*(type_ for type_, _ in fields))
    record_value = {f"f{at}": value for at, (_, value) in enumerate(fields)}
    packed = io.BytesIO()
    fastavro.schemaless_writer(packed, fastavro.parse_schema(schema), record_value)
    is_paid = count_values(record_value) <= PAID * packed.tell() + OVERHEAD * (1 + len(fields))

    with suppress(SchemaError):
        check_schema(schema_of(schema))
        assert is_paid


@pytest.mark.parametrize(
    "items",
    [
        "null",
        record("null"),
        record("null", "null", name="inner"),
        {"type": "array", "items": "null"},
        {"type": "fixed", "name": "nothing", "size": 0},
    ],
)
@pytest.mark.parametrize("kind", ["array", "map"])
def test_items_that_take_no_bytes_are_refused(items: Any, kind: str) -> None:
    holder = {"type": kind, "items" if kind == "array" else "values": items}
    schema = schema_of({**record(holder), "name": "outer"})

    with pytest.raises(SchemaError):
        check_schema(schema)


@pytest.mark.parametrize("type_", PRIMITIVES)
def test_every_primitive_is_taken(type_: str) -> None:
    assert check_schema(schema_of(record(type_)))["fields"][0]["type"] == type_


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]]", ""),
        (b'{"type": "nothing"}', ""),
        (schema_of(record("unheard of")), ""),
        (schema_of({**record("int"), "fields": 3}), ""),
        (
            schema_of(record({"type": "bytes", "logicalType": "decimal", "precision": 9})),
            "decimals",
        ),
        (schema_of({**record(["null", "r"]), "name": "r"}), "recursive"),
        (b" " * (256 * 1024 + 1), "longer than"),
        (b'{"a": ' * 60 + b"1" + b"}" * 60, "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, ""),
    ],
)
def test_what_is_no_schema_of_ours_is_refused_with_a_reason(schema: bytes, why: str) -> None:
    with pytest.raises(SchemaError, match=why) as error:
        check_schema(schema)

    assert str(error.value)
    assert len(str(error.value)) < 2000


def test_a_record_that_doubles_itself_is_refused_before_it_is_walked() -> None:
    fields: list[Any] = [record("int", name="r0")]
    fields += [record(f"r{at - 1}", f"r{at - 1}", name=f"r{at}") for at in range(1, 40)]

    with pytest.raises(SchemaError, match="expands to too much"):
        check_schema(schema_of(record(*fields, name="all")))


def test_the_fields_of_inner_records_are_found_through_unions_arrays_and_names() -> None:
    inner = record("int", "float", name="inner")
    schema = record("int", ["null", inner], {"type": "array", "items": "inner"}, "inner", name="o")

    assert record_fields(check_schema(schema_of(schema))) == {
        "f0": frozenset(),
        **dict.fromkeys(("f1", "f2", "f3"), frozenset({"f0", "f1"})),
    }
    assert record_fields("int") == {}
