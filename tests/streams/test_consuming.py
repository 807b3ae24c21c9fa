"""Members of one consumer group on a real broker: what is not kept is never marked."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.peers.kafka import SHORT_SESSION_SECONDS, USER, KafkaPeer
from tests.streams.packets import encoded
from tom.formats.containers import read_record
from tom.streams import consuming
from tom.streams.consuming import Reader, reading
from tom.streams.watch import Broker, Errors

pytestmark = [pytest.mark.kafka, pytest.mark.django_db(transaction=True)]
WAIT_SECONDS = 90
PARTITIONS = 2


@pytest.fixture(autouse=True)
def short_session(monkeypatch) -> None:
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)


@pytest.fixture
def topic(kafka: KafkaPeer) -> str:
    """Three messages in each of two partitions."""
    name = kafka.create_topic(f"hermes.r{uuid.uuid4().hex[:8]}", partitions=PARTITIONS)
    for partition in range(PARTITIONS):
        kafka.produce(name, [b"%d" % number for number in range(3)], partition=partition)
    return name


@pytest.fixture
def group() -> str:
    return f"{USER}-{uuid.uuid4().hex[:8]}"


@contextmanager
def member(kafka: KafkaPeer, topic: str, group: str) -> Iterator[Reader]:
    broker = Broker(kafka.address, kafka.auth(), Errors())
    opened = reading(
        kafka.address,
        [topic],
        credential=kafka.auth(),
        group=group,
        errors=Errors(),
        topic_ids=broker.find_topic_ids,
        joined=lambda: None,
    )
    with opened as reader:
        yield reader


def take(reader: Reader, number: int) -> list[consuming.FromKafka]:
    taken: list[consuming.FromKafka] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while len(taken) < number:
        assert time.monotonic() < deadline
        taken += reader.take()
    return taken


def take_beside(reader: Reader, other: Reader) -> list[consuming.FromKafka]:
    """Take the first that a new member is given; the other one serves the group meanwhile."""
    taken: list[consuming.FromKafka] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while not taken:
        assert time.monotonic() < deadline
        other.take()
        taken = reader.take()
    return taken


def committed(kafka: KafkaPeer, topic: str, group: str) -> list[int]:
    """The place that the broker holds in each partition; 0 where it holds none."""
    client = Consumer({**kafka.client_config, "group.id": group})
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    try:
        return [max(each.offset, 0) for each in client.committed(places, timeout=60)]
    finally:
        client.close()


def test_a_record_whose_key_is_its_schema_is_received_as_a_container(
    kafka: KafkaPeer, group: str
) -> None:
    name = kafka.create_topic(f"fink_k{uuid.uuid4().hex[:8]}", partitions=1)
    schema = {"type": "record", "name": "r", "fields": [{"name": "x", "type": "long"}]}
    kafka.produce(name, [encoded(schema, {"x": 7})], key=json.dumps(schema).encode())
    kafka.produce(name, [b"as it is"], key=b"a name")

    with member(kafka, name, group) as reader:
        first, second = take(reader, 2)

    assert read_record(first.payload) == {"x": 7}
    assert second.payload == b"as it is"


def test_only_what_was_marked_is_committed_when_a_member_leaves(
    kafka: KafkaPeer, topic: str, group: str
) -> None:
    with member(kafka, topic, group) as reader:
        taken = take(reader, 6)
        reader.mark_kept([each for each in taken if each.partition == 0][:2])

    assert committed(kafka, topic, group) == [2, 0]


def test_the_next_member_reads_what_was_not_marked(
    kafka: KafkaPeer, topic: str, group: str
) -> None:
    with member(kafka, topic, group) as first:
        taken = take(first, 6)
        first.mark_kept([each for each in taken if each.partition == 0])

    with member(kafka, topic, group) as second:
        left = take(second, 3)

    assert [(each.partition, each.offset) for each in left] == [(1, 0), (1, 1), (1, 2)]


def test_what_could_not_be_kept_is_taken_again_in_its_order_and_nothing_else_meanwhile(
    kafka: KafkaPeer, topic: str, group: str
) -> None:
    with member(kafka, topic, group) as reader:
        first = take(reader, 6)
        began = time.monotonic()
        reader.put_back(first)
        kafka.produce(topic, [b"3"], partition=0)
        at_once = reader.take()
        again = take(reader, 6)
        waited = time.monotonic() - began
        reader.mark_kept(again)
        last = take(reader, 1)

    assert at_once == []
    assert waited >= consuming.FIRST_REST
    assert again == first
    assert [(each.partition, each.offset) for each in last] == [(0, 3)]


def test_a_member_that_keeps_nothing_yet_gives_a_partition_up_without_marking_it(
    kafka: KafkaPeer, topic: str, group: str, monkeypatch
) -> None:
    monkeypatch.setattr(consuming, "FIRST_REST", 600)  # its database is away all the while
    monkeypatch.setattr(consuming, "LONGEST_REST", 600)
    with ExitStack() as stack:
        first = stack.enter_context(member(kafka, topic, group))
        first.put_back(take(first, 6))
        second = stack.enter_context(member(kafka, topic, group))

        taken = take_beside(second, first)
        # One partition has gone over; of the other nothing is handed out while it rests.
        kept = {(each.partition, each.offset) for each in first._waiting}
        second.mark_kept(taken)

    [moved] = {each.partition for each in taken}
    assert [each.offset for each in taken if each.partition == moved] == [0, 1, 2]
    assert all(partition != moved for partition, _ in kept)
    offsets = committed(kafka, topic, group)
    assert (offsets[moved], offsets[1 - moved]) == (3, 0)


def test_what_was_taken_before_a_partition_went_is_not_marked_for_its_next_owner(
    kafka: KafkaPeer, topic: str, group: str
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(member(kafka, topic, group))
        taken = take(first, 6)
        second = stack.enter_context(member(kafka, topic, group))
        [moved] = {each.partition for each in take_beside(second, first)}

        first.mark_kept([each for each in taken if each.partition == moved])

    assert committed(kafka, topic, group)[moved] == 0


def test_a_batch_ends_with_the_message_that_reaches_its_bytes(
    kafka: KafkaPeer, topic: str, group: str, monkeypatch
) -> None:
    monkeypatch.setattr(consuming, "BATCH_BYTES", 2)
    with member(kafka, topic, group) as reader:
        sizes: list[int] = []
        while sum(sizes) < 6:
            batch = reader.take()
            reader.mark_kept(batch)
            sizes += [len(batch)] if batch else []

    assert max(sizes) == 2
    assert committed(kafka, topic, group) == [3, 3]
