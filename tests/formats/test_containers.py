import io
import json
import lzma
import zlib

import cramjam
import fastavro
import pytest

from tests.streams.packets import SCHEMA, encoded, make_container, make_ztf_packet, rewritten
from tom.formats import containers
from tom.formats.containers import (
    count_records,
    read_header,
    read_record,
    read_schema,
    split_records,
)
from tom.formats.errors import MalformedAlertError

CODECS = ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]
NUMBERS = {"type": "record", "name": "n", "fields": [{"name": "a", "type": "long"}]}
BYTES = {"type": "record", "name": "b", "fields": [{"name": "a", "type": "bytes"}]}


def record_of(type_):
    return json.dumps(
        {"type": "record", "name": "r", "fields": [{"name": "a", "type": type_}]}
    ).encode()


def array_of(items):
    return record_of({"type": "array", "items": items})


def fields_of(*types):
    names = [f"f{number}" for number in range(len(types))]
    fields = [{"name": name, "type": each} for name, each in zip(names, types, strict=True)]
    return {"type": "record", "name": "item", "fields": fields}


def json_of_depth(depth):
    return b'{"type": "array", "items": ' * depth + b'"int"' + b"}" * depth


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("number", [-(2**63), -1, 0, 1, 2**63 - 1])
def test_a_record_comes_back_in_every_codec(codec, number):
    assert read_record(make_container(NUMBERS, [{"a": number}], codec=codec)) == {"a": number}


@pytest.mark.parametrize("codec", CODECS)
def test_a_container_is_cut_into_containers_of_one_record(codec):
    records = [{"a": number} for number in range(300)]

    parts = split_records(make_container(NUMBERS, records, codec=codec))

    assert [read_record(part) for part in parts] == records


def test_what_comes_before_damage_is_cut_and_the_damage_said():
    header = make_container(NUMBERS, [])
    sync = header[-16:]
    parts = split_records(header + b"\x02\x02\x02" + sync + b"\x02\x02\x80" + sync)

    assert read_record(next(parts)) == {"a": 1}
    with pytest.raises(MalformedAlertError, match="fit its schema"):
        next(parts)


def test_a_schema_repeated_too_often_is_refused_before_a_record_is_cut(monkeypatch):
    packet = make_container(NUMBERS, [{"a": 1}] * 100)
    monkeypatch.setattr(containers, "MAX_REPEATED_BYTES", 5000)

    with pytest.raises(MalformedAlertError, match="too many records to be cut: 100"):
        next(split_records(packet))


@pytest.mark.parametrize("codec", CODECS)
def test_records_are_counted_and_more_than_one_refused_without_decoding_any(codec):
    packet = make_container(NUMBERS, [{"a": 1}] * 3, codec=codec)
    header = read_header(packet)
    body = bytearray(packet)
    body[header.size + 2 : -16] = bytes(len(packet) - header.size - 18)

    assert count_records(bytes(body)) == 3
    with pytest.raises(MalformedAlertError, match="this one holds 3"):
        read_record(bytes(body))


def test_a_schema_is_parsed_once():
    first, second = make_ztf_packet(ra=1.0), make_ztf_packet(ra=2.0)

    assert read_schema(read_header(first).schema) is read_schema(read_header(second).schema)


@pytest.mark.parametrize("codec", CODECS)
def test_what_grows_past_the_limit_is_refused(codec):
    bomb = make_container(BYTES, [{"a": bytes(100_000)}], codec=codec)

    assert read_record(bomb, limit=100_010)
    with pytest.raises(MalformedAlertError, match="too large"):
        read_record(bomb, limit=99_000)


def test_the_limit_counts_all_blocks_together():
    block = make_container(BYTES, [{"a": bytes(60_000)}])
    body = block[read_header(block).size :]

    with pytest.raises(MalformedAlertError, match="too large"):
        list(split_records(block + body, limit=100_000))


@pytest.mark.parametrize("codec", CODECS)
def test_a_container_cut_anywhere_is_malformed(codec):
    packet = make_ztf_packet(codec=codec)

    for end in range(len(packet)):
        with pytest.raises(MalformedAlertError):
            read_record(packet[:end])


def test_a_snappy_block_with_a_wrong_checksum_is_malformed():
    packet = bytearray(make_container(NUMBERS, [{"a": 1}], codec="snappy"))
    packet[-17] ^= 1

    with pytest.raises(MalformedAlertError, match="checksum"):
        read_record(bytes(packet))


def test_an_unknown_codec_is_malformed():
    packet = make_container(NUMBERS, [{"a": 1}]).replace(b"\x08null", b"\x08lz4x")

    with pytest.raises(MalformedAlertError, match="codec 'lz4x'"):
        read_record(packet)


def test_a_container_that_names_no_codec_is_plain():
    packet = make_container(NUMBERS, [{"a": 1}])
    packet = packet.replace(b"\x14avro.codec\x08null", b"").replace(b"Obj\x01\x04", b"Obj\x01\x02")

    assert read_record(packet) == {"a": 1}


def test_a_zstandard_frame_that_does_not_say_its_size_is_read():
    squeezer = cramjam.zstd.Compressor()
    squeezer.compress(encoded(BYTES, {"a": bytes(900_000)}))
    packet = rewritten(make_container(BYTES, [{"a": b""}]), "zstandard", bytes(squeezer.finish()))

    assert read_record(packet) == {"a": bytes(900_000)}


@pytest.mark.parametrize("codec", CODECS[1:])
@pytest.mark.parametrize("block", [b"", b"\x00", b"no such thing", bytes(100)])
def test_a_block_that_is_not_of_its_codec_is_malformed(codec, block):
    with pytest.raises(MalformedAlertError):
        read_record(rewritten(make_container(NUMBERS, [{"a": 1}]), codec, block))


def test_an_xz_block_of_a_huge_dictionary_is_refused():
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**30}]
    block = lzma.compress(bytes(1000), lzma.FORMAT_XZ, filters=filters)

    with pytest.raises(MalformedAlertError, match="not xz"):
        read_record(rewritten(make_container(NUMBERS, [{"a": 1}]), "xz", block))


def test_bytes_left_in_a_block_are_malformed():
    schema = json.dumps(NUMBERS).encode()
    sync = bytes(16)
    header = containers.Header(schema, "null", sync, 0)
    start = containers._plain_header(header)

    with pytest.raises(MalformedAlertError, match="1 bytes left"):
        read_record(start + b"\x02\x04\x02\x02" + sync)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (b"not JSON", "refused"),
        (b"7", "refused"),
        (b"[" * 100_000, "refused"),
        (b"[" * 60 + b'"int"' + b"]" * 60, "deeply"),
        (array_of("null"), "array of items that are far smaller"),
        (array_of({"type": "fixed", "size": 0, "name": "f"}), "far smaller"),
        (array_of({"type": "fixed", "size": -1, "name": "f"}), "far smaller"),
        (array_of(fields_of("int")), "far smaller"),
        (array_of(fields_of("int", *["null"] * 5_000)), "far smaller"),
        (array_of(["int", fields_of("int", *["null"] * 9)]), "far smaller"),
        (array_of(fields_of("string", fields_of(*["null"] * 9) | {"name": "x"})), "far smaller"),
        (record_of({"type": "map", "values": fields_of("int")}), "map of items that are far"),
        (record_of({"type": "bytes", "logicalType": "decimal", "precision": 9}), "decimals"),
        (
            record_of(
                {"type": "fixed", "size": 9, "name": "f", "logicalType": "decimal", "precision": 9}
            ),
            "decimals",
        ),
        (record_of(["null", "r"]), "recursive"),
        (json_of_depth(400), "nested too deeply"),
        (record_of("unheard_of"), "refused"),
        (b" " * 2_000_000, "longer"),
    ],
)
def test_a_schema_that_could_run_away_is_refused(schema, reason):
    with pytest.raises(MalformedAlertError, match=reason):
        read_schema(schema)


@pytest.mark.parametrize(
    "items",
    [
        "int",
        ["null", "string"],
        fields_of("string", "double"),
        fields_of("string", {"type": "map", "values": "double"}),
        fields_of(*[["null", "float"]] * 100),
        {"type": "array", "items": "double"},
    ],
)
def test_a_schema_whose_items_take_bytes_as_real_ones_do_is_read(items):
    assert read_schema(array_of(items)).fields


def test_a_schema_that_expands_without_end_is_refused():
    fields = [{"name": f"f{i}", "type": "a0"} for i in range(10)]
    names = [{"type": "record", "name": "a0", "fields": [{"name": "x", "type": "int"}]}]
    for depth in range(1, 7):
        inner = [{**field, "type": f"a{depth - 1}"} for field in fields]
        names.append({"type": "record", "name": f"a{depth}", "fields": inner})

    with pytest.raises(MalformedAlertError, match="expands"):
        read_schema(json.dumps(names).encode())


def test_fields_of_nested_records_are_found_through_unions_arrays_and_names():
    schema = read_schema(json.dumps(SCHEMA).encode())

    assert schema.name == "ztf.alert"
    assert "stampData" in schema.fields["cutoutScience"]
    assert schema.fields["cutoutScience"] == schema.fields["cutoutDifference"]
    assert {"jd", "pid"} <= schema.fields["prv_candidates"]
    assert schema.fields["objectId"] == frozenset()


def test_fastavro_reads_what_was_cut():
    (part, _) = split_records(make_ztf_packet(copies=2))

    assert len(list(fastavro.reader(io.BytesIO(part)))) == 1


def test_every_real_packet_reads_as_fastavro_reads_it(real_data):
    for path in sorted((real_data / "ztf" / "alerce-pipeline").glob("*.avro"))[:20]:
        payload = path.read_bytes()
        assert [read_record(payload)] == list(fastavro.reader(io.BytesIO(payload)))


def test_a_deflate_block_cut_short_inside_sound_framing_is_malformed():
    packet = make_container(NUMBERS, [{"a": 1}], codec="deflate")
    header = read_header(packet)
    squeezed = zlib.compress(b"\x02" * 1000, wbits=-15)[:-3]
    framed = packet[: header.size] + b"\x02" + bytes([len(squeezed) * 2]) + squeezed + header.sync

    with pytest.raises(MalformedAlertError, match="inflate"):
        read_record(framed)
