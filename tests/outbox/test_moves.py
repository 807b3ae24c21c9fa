"""Every move of every kind of row: the legal ones happen and are kept, no other does."""

import pytest
from django.db import transaction

from tests.outbox.conftest import KINDS, make_row
from tom.changes.models import Change
from tom.followup.models import StateChange
from tom.outbox.models import Outgoing
from tom.outbox.moves import move, note
from tom.outbox.table import IllegalMoveError

pytestmark = pytest.mark.django_db

# As each life is drawn; whatever else is illegal.
ALARM = {
    ("due", "sending"),
    ("due", "failed"),
    ("due", "withheld"),
    ("withheld", "due"),
    ("sending", "sent"),
    ("sending", "due"),
    ("sending", "failed"),
    ("sending", "unknown"),
    ("unknown", "sent"),
}
CLASSES = {
    ("due", "sending"),
    ("sending", "due"),
    ("sending", "sent"),
    ("sending", "refused"),
    ("sending", "unknown"),
    ("unknown", "sent"),
    ("unknown", "due"),
}
REPORT = {
    ("draft", "confirmed"),
    ("confirmed", "sending"),
    ("sending", "sent"),
    ("sending", "confirmed"),
    ("sending", "failed"),
    ("sending", "unknown"),
    ("unknown", "sent"),
    ("unknown", "failed"),
    ("failed", "confirmed"),
}
_OBSERVING = ("accepted", "scheduled", "in_progress")
_MAYBE_THERE = ("accepted", "cancel_requested", "canceled", "expired")
REQUEST = {
    *((old, new) for old in ("approved", "retry_at") for new in ("submitting", "held")),
    *((old, new) for old in ("approved", "retry_at", "held") for new in _MAYBE_THERE),
    *(("proposed", new) for new in ("approved", "held", "canceled", "expired")),
    ("held", "approved"),
    *(("submitting", new) for new in ("accepted", "rejected", "retry_at", "unknown")),
    ("submitting", "cancel_requested"),
    *(("unknown", new) for new in ("accepted", "submitting", "held", "cancel_requested")),
    ("unknown", "expired"),
    *(
        (old, new)
        for old in _OBSERVING
        for new in (*_OBSERVING, "completed", "expired", "failed", "canceled", "cancel_requested")
        if old != new
    ),
    *(
        ("cancel_requested", new)
        for new in ("canceled", "completed_after_cancel", "expired", "failed")
    ),
    ("canceled", "completed_after_cancel"),
    *(
        (old, new)
        for old in ("completed", "expired", "failed")
        for new in (*_OBSERVING, "completed", "expired", "failed")
        if old != new
    ),
}
LIVES = {"alarm": ALARM, "classes": CLASSES, "report": REPORT, "request": REQUEST}
# Pages follow these; our classes of a simulation are as many as its alerts.
FOLLOWED = ("alarm", "report", "request")
STATES = {
    kind: [value for value, _ in model._meta.get_field("state").choices]
    for kind, model in KINDS.items()
}


def stored(row: Outgoing) -> Outgoing:
    return type(row)._default_manager.get(pk=row.pk)


@pytest.mark.parametrize(
    ("kind", "old"), [(kind, old) for kind, states in STATES.items() for old in states]
)
def test_a_move_happens_where_it_is_drawn_and_nowhere_else(kind: str, old: str) -> None:
    row = make_row(kind, old)

    for new in STATES[kind]:
        with transaction.atomic():
            if (old, new) in LIVES[kind]:
                assert move(row, new, reason="because")
                assert (stored(row).state, stored(row).reason) == (new, "because")
            else:
                with pytest.raises(IllegalMoveError, match=f"from {old} to {new}"):
                    move(row, new)
                assert stored(row).state == old
            transaction.set_rollback(True)
        row = stored(row)


def test_of_two_who_read_the_same_row_one_moves_it(kind: str) -> None:
    row = make_row(kind)
    beside = stored(row)

    assert move(row, row.table.sending)
    assert not move(beside, beside.table.sending)


def test_a_worker_whose_attempt_is_past_moves_nothing(kind: str) -> None:
    slow = make_row(kind, attempts=1)
    move(slow, slow.table.sending)
    quick = stored(slow)
    type(quick)._default_manager.update(attempts=2)  # given up, and sent again meanwhile

    assert not move(slow, slow.table.sent)
    assert stored(slow).state == slow.table.sending


@pytest.mark.parametrize("kind", FOLLOWED)
def test_pages_are_told_of_a_move(kind: str) -> None:
    row = make_row(kind)
    Change.objects.all().delete()

    move(row, row.table.sending)

    assert Change.objects.count() == 1


def test_what_ends_is_due_no_more(kind: str) -> None:
    row = make_row(kind)
    move(row, row.table.sending)

    move(row, row.table.refused, reason="no")

    assert stored(row).due_at is None


def test_a_request_that_ends_leaves_the_way_free_for_another() -> None:
    row = make_row("request", guard="1:A:B")
    move(row, row.table.sending)

    move(row, row.table.refused)

    assert stored(row).guard is None


def test_a_request_keeps_its_log() -> None:
    row = make_row("request")

    move(row, row.table.sending, reason="now")

    newest = StateChange.objects.last()
    assert (newest.old, newest.new, newest.reason) == ("approved", "submitting", "now")


@pytest.mark.parametrize("kind", FOLLOWED)
def test_a_note_changes_no_state_and_tells_pages_once(kind: str) -> None:
    row = make_row(kind)
    Change.objects.all().delete()

    for _ in range(2):
        note(row, reason="not yet", due_at=None)

    assert (stored(row).state, stored(row).reason) == (row.table.due, "not yet")
    assert Change.objects.count() == 1
