import io
import json
import zlib

import fastavro
import pytest

from tests.streams.packets import SCHEMA, make_container, make_ztf_packet
from tom.streams.parsers import containers
from tom.streams.parsers.containers import read_header, read_records, read_schema, split_records
from tom.streams.parsers.errors import MalformedAlertError

NUMBERS = {"type": "record", "name": "n", "fields": [{"name": "a", "type": "long"}]}
BYTES = {"type": "record", "name": "b", "fields": [{"name": "a", "type": "bytes"}]}


def record_of(type_):
    return json.dumps(
        {"type": "record", "name": "r", "fields": [{"name": "a", "type": type_}]}
    ).encode()


def json_of_depth(depth):
    return b'{"type": "array", "items": ' * depth + b'"int"' + b"}" * depth


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_records_come_back_in_every_codec(codec):
    records = [{"a": number} for number in (-(2**63), -1, 0, 1, 2**63 - 1)]

    assert read_records(make_container(NUMBERS, records, codec=codec)) == records


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_a_container_is_cut_into_containers_of_one_record(codec):
    records = [{"a": number} for number in range(300)]

    parts = split_records(make_container(NUMBERS, records, codec=codec))

    assert [read_records(part) for part in parts] == [[record] for record in records]


def test_a_container_of_one_record_stays_as_it_is():
    packet = make_ztf_packet()

    assert split_records(packet) == [packet]


def test_a_schema_is_parsed_once():
    first, second = make_ztf_packet(ra=1.0), make_ztf_packet(ra=2.0)

    assert read_schema(read_header(first).schema) is read_schema(read_header(second).schema)


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_what_grows_past_the_limit_is_refused(codec):
    bomb = make_container(BYTES, [{"a": bytes(100_000)}], codec=codec)

    assert read_records(bomb, limit=100_010)
    with pytest.raises(MalformedAlertError, match="too large"):
        read_records(bomb, limit=99_000)


def test_the_limit_counts_all_blocks_together():
    block = make_container(BYTES, [{"a": bytes(60_000)}])
    body = block[read_header(block).size :]

    with pytest.raises(MalformedAlertError, match="too large"):
        read_records(block + body, limit=100_000)


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_a_container_cut_anywhere_is_malformed(codec):
    packet = make_ztf_packet(codec=codec)
    header = read_header(packet).size

    for end in range(len(packet)):
        if end != header:  # there it is a container of no records
            with pytest.raises(MalformedAlertError):
                read_records(packet[:end])


def test_a_snappy_block_with_a_wrong_checksum_is_malformed():
    packet = bytearray(make_container(NUMBERS, [{"a": 1}], codec="snappy"))
    packet[-17] ^= 1

    with pytest.raises(MalformedAlertError, match="checksum"):
        read_records(bytes(packet))


def test_an_unknown_codec_is_malformed():
    packet = make_container(NUMBERS, [{"a": 1}], codec="xz")

    with pytest.raises(MalformedAlertError, match="codec 'xz'"):
        read_records(packet)


def test_bytes_left_in_a_block_are_malformed():
    schema = json.dumps(NUMBERS).encode()
    sync = bytes(16)
    header = containers.Header(schema, "null", sync, 0)
    start = containers._plain_header(header)

    with pytest.raises(MalformedAlertError, match="1 bytes left"):
        read_records(start + b"\x02\x04\x02\x02" + sync)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (b"not JSON", "refused"),
        (b"7", "refused"),
        (b"[" * 100_000, "refused"),
        (b"[" * 60 + b'"int"' + b"]" * 60, "deeply"),
        (record_of({"type": "array", "items": "null"}), "no bytes"),
        (record_of({"type": "array", "items": {"type": "fixed", "size": 0, "name": "f"}}), "no by"),
        (record_of({"type": "array", "items": {"type": "fixed", "size": -1, "name": "f"}}), "no b"),
        (record_of(["null", "r"]), "recursive"),
        (json_of_depth(400), "nested too deeply"),
        (record_of("unheard_of"), "refused"),
        (b" " * 2_000_000, "longer"),
    ],
)
def test_a_schema_that_could_run_away_is_refused(schema, reason):
    with pytest.raises(MalformedAlertError, match=reason):
        read_schema(schema)


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
        assert read_records(payload) == list(fastavro.reader(io.BytesIO(payload)))


def test_a_deflate_block_cut_short_inside_sound_framing_is_malformed():
    packet = make_container(NUMBERS, [{"a": 1}], codec="deflate")
    header = read_header(packet)
    squeezed = zlib.compress(b"\x02" * 1000, wbits=-15)[:-3]
    framed = packet[: header.size] + b"\x02" + bytes([len(squeezed) * 2]) + squeezed + header.sync

    with pytest.raises(MalformedAlertError, match="inflate"):
        read_records(framed)
