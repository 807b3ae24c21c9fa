"""Every message is kept once."""

import logging

import psycopg2
import pytest
from django.db import OperationalError, connection

from tom.streams.claims import finish
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming, store_messages

pytestmark = pytest.mark.django_db

GCN, SCIMMA = "kafka.gcn.nasa.gov", "kafka.scimma.org"


def kept() -> list[tuple[bytes | None, int | None, str]]:
    rows = AlertMessage.objects.order_by("pk").values_list("payload", "offset", "state")
    return [(bytes(payload) if payload else None, *rest) for payload, *rest in rows]


def test_brokers_that_share_a_topic_s_name_share_no_position() -> None:
    for broker, payload in ((GCN, b"JSON"), (SCIMMA, b"Avro")):
        stored = store_messages([Incoming("igwn.gwalert", payload, 0, 7, broker=broker)])
        assert (len(stored.all_ids), stored.known) == (1, 0)

    rows = AlertMessage.objects.order_by("pk").values_list("broker", "offset", "state")
    assert list(rows) == [(GCN, 7, MessageState.RECEIVED), (SCIMMA, 7, MessageState.RECEIVED)]


def test_new_bytes_at_a_position_that_others_hold_are_kept_without_it(caplog) -> None:
    store_messages([Incoming("a.topic", b"before", 0, 0, broker=GCN)])
    again = [Incoming("a.topic", b"after", 0, 0, broker=GCN)]

    with caplog.at_level(logging.WARNING):
        stored = store_messages(again)
    again = store_messages(again)

    assert (len(stored.all_ids), stored.known) == (1, 0)
    assert (again.all_ids, again.known) == ([], 1)
    assert kept() == [
        (b"before", 0, MessageState.RECEIVED),
        (b"after", None, MessageState.RECEIVED),
    ]
    assert [record.offset for record in caplog.records] == [0]


def test_the_same_bytes_twice_in_one_batch_add_a_row_that_says_so() -> None:
    stored = store_messages([Incoming("a.topic", b"same", 0, offset) for offset in (3, 4, 4)])

    assert (len(stored.all_ids), stored.known) == (1, 2)
    assert kept() == [(b"same", 3, MessageState.RECEIVED), (None, 4, MessageState.KNOWN)]


def test_the_same_file_twice_in_one_batch_adds_one_row() -> None:
    stored = store_messages([Incoming("file", b"same", name=name) for name in ("a", "b")])

    assert (len(stored.all_ids), stored.known) == (1, 1)
    assert kept() == [(b"same", None, MessageState.RECEIVED)]


def test_known_messages_are_waited_for_until_they_are_worked_on() -> None:
    first = store_messages([Incoming("file", b"one"), Incoming("file", b"two")])
    finish(first.all_ids[:1], MessageState.STORED)

    again = store_messages([Incoming("file", b"one"), Incoming("file", b"two")])

    assert first.waiting == first.all_ids
    assert (again.all_ids, again.waiting) == ([], first.all_ids[1:])


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_lost_is_told_as_django_tells_it() -> None:
    connection.ensure_connection()
    place = connection.settings_dict
    with psycopg2.connect(host=place["HOST"], user=place["USER"], dbname="postgres") as other:
        pid = connection.connection.get_backend_pid()
        other.cursor().execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    other.close()

    with pytest.raises(OperationalError):
        store_messages([Incoming("a.topic", b"payload")])
    connection.close()

    assert len(store_messages([Incoming("a.topic", b"payload")]).all_ids) == 1
