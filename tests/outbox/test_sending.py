"""Sending and settling, the same for requests, reports and alarms."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.outbox.conftest import DAY, make_row
from tom.outbox.errors import (
    LookUpFailedError,
    NothingSentError,
    RejectedError,
    RestsError,
    UnknownOutcomeError,
)
from tom.outbox.models import Outgoing
from tom.outbox.moves import move
from tom.outbox.sending import Words, claim_look, give_up, send, settle

pytestmark = pytest.mark.django_db
WORDS = Words(not_asked="not asked", not_there="not there")
ASKED = ("report", "request")  # an alarm cannot be asked for


def stored(row: Outgoing) -> Outgoing:
    return type(row)._default_manager.get(pk=row.pk)


def accept(row: Outgoing) -> Callable[[object], object]:
    fields = {"remote_id": "7"} if hasattr(row, "remote_id") else {}
    return lambda _: move(row, row.table.sent, **fields)


def failing(error: Exception) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


def try_to_send(row: Outgoing, call: Callable[[], object], now: datetime | None = None) -> bool:
    return send(row, call, accept(row), now=now or timezone.now())


def test_what_is_taken_is_sent_after_one_attempt(kind: str) -> None:
    row = make_row(kind)

    assert try_to_send(row, lambda: "yes")

    assert (stored(row).state, stored(row).attempts) == (row.table.sent, 1)
    assert stored(row).tried_at is not None


def test_the_attempt_is_counted_and_has_its_deadline_before_the_call(kind: str) -> None:
    row, seen = make_row(kind), []
    now = timezone.now()

    try_to_send(row, lambda: seen.append(stored(row)), now)

    [during] = seen
    assert (during.state, during.attempts) == (row.table.sending, 1)
    assert during.due_at == now + row.patience.deadline


def test_what_is_sent_is_not_sent_again(kind: str) -> None:
    row, calls = make_row(kind), []
    beside = stored(row)

    try_to_send(row, lambda: calls.append(1))

    assert not try_to_send(row, lambda: calls.append(2))
    assert not try_to_send(beside, lambda: calls.append(3))
    assert calls == [1]


def test_what_never_left_is_sent_again_later(kind: str) -> None:
    row, now = make_row(kind), timezone.now()

    try_to_send(row, failing(NothingSentError("refused connection")), now)

    kept = stored(row)
    assert (kept.state, kept.reason) == (row.table.again, "refused connection")
    assert kept.due_at >= now + row.patience.retry.first
    assert try_to_send(kept, lambda: "yes")


def test_it_is_sent_again_when_the_other_side_says(kind: str) -> None:
    row = make_row(kind)
    then = timezone.now() + DAY

    try_to_send(row, failing(NothingSentError("wait", retry_at=then)))

    assert stored(row).due_at == then


@pytest.mark.parametrize("kind", ["alarm", "report"])
def test_after_the_last_attempt_it_has_failed(kind: str) -> None:
    row = make_row(kind)
    most = row.patience.most_attempts

    for _ in range(most):
        assert stored(row).state != row.table.refused
        try_to_send(stored(row), failing(NothingSentError("away")))

    assert (stored(row).state, stored(row).reason) == (row.table.refused, "away")


def test_a_silent_address_costs_no_attempt(kind: str) -> None:
    row = make_row(kind)
    until = timezone.now() + timedelta(seconds=5)

    try_to_send(row, failing(RestsError("silent", retry_at=until)))

    kept = stored(row)
    assert (kept.state, kept.attempts, kept.due_at) == (row.table.again, 0, until)


def test_a_definite_no_is_the_end(kind: str) -> None:
    row = make_row(kind)

    try_to_send(row, failing(RejectedError("no time left")))

    assert (stored(row).state, stored(row).reason) == (row.table.refused, "no time left")


@pytest.mark.parametrize("error", [UnknownOutcomeError("reset"), ZeroDivisionError()])
def test_whatever_else_comes_of_it_is_unknown_and_never_sent_blindly(
    kind: str, error: Exception
) -> None:
    row, calls = make_row(kind), []

    try_to_send(row, failing(error))

    kept = stored(row)
    assert kept.state == row.table.unknown
    assert kept.reason in {"reset", "It broke while it was sent: ZeroDivisionError"}
    if kind != "request":  # a request that is surely not there is: `settle` says so
        assert not try_to_send(kept, lambda: calls.append(1))


def test_a_database_that_is_away_leaves_it_to_the_deadline(kind: str) -> None:
    row = make_row(kind)

    with pytest.raises(OperationalError):
        try_to_send(row, failing(OperationalError()))

    assert stored(row).state == row.table.sending


# --- A lost worker ----------------------------------------------------------------------------
def test_a_worker_is_given_up_after_its_deadline_alone(kind: str) -> None:
    now = timezone.now()
    row = make_row(kind, attempts=1)
    move(row, row.table.sending, tried_at=now, due_at=now + timedelta(seconds=5))

    assert not give_up(stored(row), "lost", now=now)
    assert give_up(stored(row), "lost", now=now + timedelta(seconds=5))

    assert (stored(row).state, stored(row).reason) == (row.table.unknown, "lost")


def test_what_never_was_sent_is_not_given_up(kind: str) -> None:
    row = make_row(kind)

    assert not give_up(row, "lost", now=timezone.now() + DAY)


# --- Settling ---------------------------------------------------------------------------------
def make_unknown(kind: str, *, tried_at: datetime) -> Outgoing:
    row = make_row(kind, attempts=1)
    move(row, row.table.sending)
    return make_row_unknown(row, tried_at)


def make_row_unknown(row: Outgoing, tried_at: datetime) -> Outgoing:
    move(row, row.table.unknown, tried_at=tried_at, due_at=tried_at)
    return row


def look(row: Outgoing, find: Callable[[], object], now: datetime) -> tuple[bool, list[str]]:
    absent: list[str] = []
    answers = settle(
        row, find, accept(row), absent=lambda: absent.append("absent"), words=WORDS, now=now
    )
    return answers, absent


@pytest.mark.parametrize("kind", ASKED)
def test_what_is_found_is_sent(kind: str) -> None:
    now = timezone.now()
    row = make_unknown(kind, tried_at=now)

    answers, absent = look(row, lambda: "here", now)

    assert (answers, absent, stored(row).state) == (True, [], row.table.sent)


@pytest.mark.parametrize("kind", ASKED)
def test_what_is_not_there_is_absent_only_after_the_quiet_time(kind: str) -> None:
    now = timezone.now()
    row = make_unknown(kind, tried_at=now)
    over = now + row.patience.quiet

    early = look(row, lambda: None, over - timedelta(seconds=1))
    kept = stored(row)
    late = look(row, lambda: None, over)

    assert early == (True, [])
    assert (kept.state, kept.reason) == (row.table.unknown, "not there")
    assert late == (True, ["absent"])


@pytest.mark.parametrize("kind", ASKED)
def test_where_nobody_can_be_asked_nothing_is_concluded(kind: str) -> None:
    now = timezone.now()
    row = make_unknown(kind, tried_at=now)
    over = now + 10 * row.patience.quiet

    answers, absent = look(row, failing(LookUpFailedError("away")), over)

    kept = stored(row)
    assert (answers, absent) == (False, [])
    assert (kept.state, kept.reason) == (row.table.unknown, "not asked: away")
    assert kept.due_at > over


@pytest.mark.parametrize("kind", ASKED)
def test_each_look_waits_longer(kind: str) -> None:
    now = timezone.now()
    row = make_unknown(kind, tried_at=now)
    waits = []
    for minutes in (0, 2, 10):
        then = now + timedelta(minutes=minutes)
        look(row, failing(LookUpFailedError("away")), then)
        waits.append(row.due_at - then)

    assert waits[0] < waits[1] < waits[2] <= row.patience.look.longest


@pytest.mark.parametrize("kind", ASKED)
def test_one_worker_at_a_time_takes_a_look(kind: str) -> None:
    now = timezone.now()
    row = make_unknown(kind, tried_at=now)
    lease = timedelta(minutes=2)

    assert claim_look(row, now=now, lease=lease)
    assert not claim_look(stored(row), now=now + lease / 2, lease=lease)
    assert claim_look(stored(row), now=now + 2 * lease, lease=lease)
