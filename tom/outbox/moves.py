"""Move a row from one state to another, once, and keep what happened."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tom.outbox.models import Outgoing


def move(
    row: Outgoing, new: str, *, reason: str = "", by: AbstractBaseUser | None = None, **fields: Any
) -> bool:
    """Move a row to the state `new`, and set `fields`; False if another process moved it first.

    The move is one conditional update from the state that the row was read in, so that of several
    workers only one makes it; the attempts are a part of the condition, since a slow worker may
    find the same state again after another's attempt in between. The move is kept and pages are
    told in the same transaction.

    Raises
    ------
    IllegalMoveError
        If the state that it was read in does not lead to `new`.
    """
    table, old = row.table, row.state
    table.check(old, new)
    if new in table.ends:
        fields = {"due_at": None, **table.at_end, **fields}
    fields |= {"state": new, "reason": reason}
    same = type(row)._default_manager.filter(pk=row.pk, state=old, attempts=row.attempts)
    with transaction.atomic():
        if not same.update(**fields):
            return False
        for name, value in fields.items():
            setattr(row, name, value)
        row.keep_move(old, by)
        row.tell()
    return True


def note(row: Outgoing, *, reason: str, due_at: datetime | None) -> None:
    """Say why a row stays as it is, and when it is looked at again."""
    same = type(row)._default_manager.filter(pk=row.pk, state=row.state)
    with transaction.atomic():
        if same.update(reason=reason, due_at=due_at) and reason != row.reason:
            row.tell()
    row.reason, row.due_at = reason, due_at
