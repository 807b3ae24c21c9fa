"""Lists are cut into the entries that fastavro reads, whatever the schema and the bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.packets import encoded
from tom.formats.containers import WriterSchema, decode_block, read_schema
from tom.formats.entries import Wanted, cut_record
from tom.formats.errors import MalformedAlertError

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "packet",
    "fields": [
        {"name": "id", "type": "long"},
        {
            "name": "past",
            "type": [
                "null",
                {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "epoch",
                        "fields": [
                            {"name": "jd", "type": "double"},
                            {"name": "candid", "type": ["null", "long"]},
                            {"name": "flux", "type": ["float", "null"]},
                            {"name": "flag", "type": "boolean"},
                            {"name": "name", "type": ["null", "string"]},
                            {"name": "sum", "type": {"type": "fixed", "name": "sum4", "size": 4}},
                            {
                                "name": "sign",
                                "type": {"type": "enum", "name": "sign", "symbols": ["p", "n"]},
                            },
                            {"name": "at", "type": {"type": "long", "logicalType": "none"}},
                        ],
                    },
                },
            ],
        },
        {"name": "more", "type": {"type": "array", "items": "epoch"}},
        {"name": "stamp", "type": "bytes"},
    ],
}
FIELDS = ("jd", "candid", "flux", "flag", "name", "sum", "sign", "at")
ALL = Wanted(lists=frozenset({"past", "more"}), fields=frozenset(FIELDS))

numbers = st.integers(-(2**63), 2**63 - 1)
epochs = st.fixed_dictionaries(
    {
        "jd": st.floats(allow_nan=False),
        "candid": st.none() | numbers,
        "flux": st.none() | st.floats(width=32, allow_nan=False),
        "flag": st.booleans(),
        "name": st.none() | st.text(max_size=140),
        "sum": st.binary(min_size=4, max_size=4),
        "sign": st.sampled_from(["p", "n"]),
        "at": numbers,
    }
)
records = st.fixed_dictionaries(
    {
        "id": numbers,
        "past": st.none() | st.lists(epochs, max_size=5),
        "more": st.lists(epochs, max_size=5),
        "stamp": st.binary(max_size=40),
    }
)


def schema_of(tree: Any = SCHEMA) -> WriterSchema:
    return read_schema(json.dumps(tree).encode())


@given(record=records)
def test_what_is_cut_and_decoded_is_what_fastavro_reads(record: dict[str, Any]) -> None:
    cut = cut_record(encoded(SCHEMA, record), schema_of(), ALL)

    assert cut.decode(()) == record


@given(record=records, fields=st.sets(st.sampled_from(FIELDS)))
def test_of_an_entry_the_wanted_fields_are_decoded(
    record: dict[str, Any], fields: set[str]
) -> None:
    wanted = Wanted(ALL.lists, frozenset(fields))

    cut = cut_record(encoded(SCHEMA, record), schema_of(), wanted)

    left = {name: record[name] for name in cut.fields}
    for name in cut.lists:
        left[name] = [{key: epoch[key] for key in epoch if key in fields} for epoch in record[name]]
    assert cut.decode(()) == left
    assert cut.digests() == cut_record(encoded(SCHEMA, record), schema_of(), ALL).digests()


@given(record=records, chosen=st.randoms(use_true_random=False))
def test_entries_whose_digests_are_known_are_left_out(record: dict[str, Any], chosen: Any) -> None:
    cut = cut_record(encoded(SCHEMA, record), schema_of(), ALL)
    known = {digest for digest in cut.digests() if chosen.random() < 0.5}

    left = cut.decode(known)

    for name, entries in cut.lists.items():
        wanted = [
            epoch
            for epoch, (digest, _) in zip(record[name], entries.cut, strict=True)
            if digest not in known
        ]
        assert left[name] == wanted
    assert cut.decode(cut.digests())["id"] == record["id"]


@given(record=records, position=st.integers(0, 2000), byte=st.integers(0, 255))
def test_damage_is_refused_or_read_as_fastavro_reads_it(
    record: dict[str, Any], position: int, byte: int
) -> None:
    data = bytearray(encoded(SCHEMA, record))
    data[position % len(data)] = byte

    def outcome(read: Any) -> str:
        try:
            return repr(sorted(read().items()))
        except MalformedAlertError as error:
            return f"refused: {error}"

    schema = schema_of()
    whole = outcome(lambda: list(decode_block(1, bytes(data), schema.parsed))[0][0])  # noqa: RUF015
    assert outcome(lambda: cut_record(bytes(data), schema, ALL).decode(())) == whole


def test_an_equal_entry_of_another_list_or_another_schema_has_another_digest() -> None:
    epoch = {"jd": 1.0, "candid": 7, "flux": 2.0, "flag": True, "name": "a", "sum": b"abcd"}
    epoch |= {"sign": "p", "at": 3}
    record = {"id": 1, "past": [epoch], "more": [epoch], "stamp": b""}
    renamed = {**SCHEMA, "fields": [dict(field) for field in SCHEMA["fields"]]}
    inner = renamed["fields"][1]["type"][1]["items"]
    swapped = {**inner, "fields": [{**inner["fields"][0], "name": "mjd"}, *inner["fields"][1:]]}
    renamed["fields"][1]["type"] = ["null", {"type": "array", "items": swapped}]

    cut = cut_record(encoded(SCHEMA, record), schema_of(), ALL)
    other = cut_record(encoded(SCHEMA, record), schema_of(renamed), ALL)

    assert len(cut.digests()) == 2
    assert not cut.digests() & other.digests()


@pytest.mark.parametrize(
    "kind",
    [{"type": "array", "items": "long"}, {"type": "map", "values": "long"}],
    ids=["list", "map"],
)
def test_a_list_whose_entries_hold_lists_is_decoded(kind: Any) -> None:
    entry = {
        "type": "record",
        "name": "e",
        "fields": [
            {"name": "x", "type": kind},
            {"name": "y", "type": "double"},
            {"name": "z", "type": "double"},
        ],
    }
    tree = {
        "type": "record",
        "name": "r",
        "fields": [{"name": "past", "type": {"type": "array", "items": entry}}],
    }
    held = [1, 2] if kind["type"] == "array" else {"a": 1}
    record = {"past": [{"x": held, "y": 1.0, "z": 2.0}]}

    cut = cut_record(encoded(tree, record), schema_of(tree), ALL)

    assert (cut.fields, cut.lists) == (record, {})
