"""A message is worked on by one at a time, and given up after its last attempt."""

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from tests.connections import begin
from tests.factories import make_message
from tom.streams.claims import claim, claim_one, find_waiting, finish, locked, note_failure
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_rejection

pytestmark = pytest.mark.django_db


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
