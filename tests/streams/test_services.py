"""Every message is kept once, worked on by one at a time, and given up after its last attempt."""

import logging

import psycopg2
import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from tests.connections import begin
from tests.factories import make_message
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import (
    Incoming,
    claim,
    claim_one,
    find_waiting,
    finish,
    locked,
    note_failure,
    store_messages,
    store_rejection,
)

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


@pytest.mark.django_db(transaction=True)
def test_what_is_worked_on_is_not_claimed_again_and_its_last_attempt_counts(
    settings: Settings,
) -> None:
    settings.MESSAGE_ATTEMPTS = 1
    pk = make_message(kind="ztf.avro", state=MessageState.RECEIVED).pk
    assert claim_one(pk)

    with transaction.atomic():
        assert locked([pk])
        for another in (begin(lambda: claim_one(pk)), begin(lambda: claim("ztf.avro", most=9))):
            assert another.done()
            assert not another.result()
        finish([pk], MessageState.STORED)

    message = AlertMessage.objects.get()
    assert (message.state, message.attempts, message.reason) == (MessageState.STORED, 1, "")


def test_a_message_is_dead_after_its_last_attempt_with_the_last_reason(settings: Settings) -> None:
    settings.MESSAGE_ATTEMPTS = 2
    tried = {"kind": "gcn.circular", "state": MessageState.RECEIVED, "attempts": 2}
    failed, killed = make_message(**tried, reason="a fault"), make_message(**tried)

    assert not claim_one(failed.pk)
    assert not claim("gcn.circular", most=9)

    for row in (failed, killed):
        row.refresh_from_db()
        assert row.state == MessageState.DEAD
        assert row.finished is not None
    assert failed.reason == "failed 2 times: a fault"
    assert killed.reason == "failed 2 times: its worker died each time"


def test_a_message_tried_before_is_claimed_alone() -> None:
    rows = [
        make_message(kind="ztf.avro", state=MessageState.RECEIVED, attempts=n) for n in (2, 2, 0)
    ]

    claimed = [claim("ztf.avro", most=9) for _ in range(4)]

    suspects, fresh = [rows[0].pk], [rows[2].pk]
    assert claimed == [fresh, fresh, suspects, suspects]


def test_no_plan_of_the_database_claims_more_than_asked() -> None:
    for _ in range(3):
        make_message(kind="ztf.avro", state=MessageState.RECEIVED, attempts=2)
    with connection.cursor() as cursor:
        for way in ("hashagg", "hashjoin", "mergejoin", "sort", "material", "indexscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")

    assert len(claim("ztf.avro", most=9)) == 1


def test_what_has_ended_is_not_said_again() -> None:
    pk = make_message(state=MessageState.STORED).pk

    finish([pk], MessageState.DEAD, "too late")

    assert AlertMessage.objects.get().state == MessageState.STORED


def test_a_reason_that_no_database_stores_is_cleaned() -> None:
    reason, cleaned = "a NUL \0 and half a pair \ud800", "a NUL  and half a pair ?"
    waiting = make_message(state=MessageState.RECEIVED)
    dying = make_message(state=MessageState.RECEIVED)

    note_failure(waiting.pk, reason)
    finish([dying.pk], MessageState.DEAD, reason)

    assert store_rejection("file", name="name", reason=reason)
    assert not store_rejection("file", name="name", reason=reason)
    assert list(AlertMessage.objects.values_list("reason", flat=True)) == [cleaned] * 3


def test_of_the_forms_asked_for_those_are_named_of_which_messages_wait() -> None:
    make_message(kind="ztf.avro", state=MessageState.RECEIVED)
    make_message(kind="lsst.avro", state=MessageState.STORED)

    assert find_waiting(["lsst.avro", "none", "ztf.avro"]) == ["ztf.avro"]
