"""Move a row from one state to another, once, and log the move."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tom.outbox.models import Outgoing


def move(
    row: Outgoing, new: str, *, reason: str = "", by: AbstractBaseUser | None = None, **fields: Any
) -> bool:
    """Move a row to the state `new`, and set `fields`; False if another process moved it first.

    The move is one conditional update from the state in which the row was read. So only one of
    several workers makes it. The attempts are part of the condition: a slow worker may find the
    same state again after another worker's attempt. The same transaction logs the move and notifies
    the pages.

    Raises
    ------
    IllegalMoveError
        If the table allows no move from the state in which the row was read to `new`.
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
    """Store why a row stays as it is, and when the outbox looks at it again."""
    same = type(row)._default_manager.filter(pk=row.pk, state=row.state)
    with transaction.atomic():
        if same.update(reason=reason, due_at=due_at) and reason != row.reason:
            row.tell()
    row.reason, row.due_at = reason, due_at
