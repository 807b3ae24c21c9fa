"""Send a row once, give up a lost worker, and settle rows with an unknown outcome."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import OperationalError
from django.utils import timezone

from tom.outbox.errors import (
    LookUpFailedError,
    NothingSentError,
    RejectedError,
    RestsError,
    UnknownOutcomeError,
)
from tom.outbox.models import Outgoing, due
from tom.outbox.moves import move, note

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def send(
    row: Outgoing, call: Callable[[], Answer], accept: Callable[[Answer], object], *, now: datetime
) -> bool:
    """Claim a row, make its call once, and store the outcome.

    Without a definite answer the row becomes *unknown*: then only `settle` moves it on.

    Parameters
    ----------
    call
        Sends the row; raises one of the outbox's errors if that fails.
    accept
        Stores that the other side accepted it, and the answer.

    Returns
    -------
    bool
        Whether this function made the call.
    """
    if row.table.sending not in row.table.legal.get(row.state, ()) or not _claim(row, now):
        return False  # the row is done, or another worker has it
    try:
        answer = call()
    except NothingSentError as error:
        _put_off(row, error, now)
    except RejectedError as refusal:
        move(row, row.table.refused, reason=str(refusal))
    except UnknownOutcomeError as error:
        lose_answer(row, str(error), now=now)
    except OperationalError:
        raise  # the database does not answer; the row is given up after its deadline
    # After any other error, the other side may have accepted it.
    except Exception as error:
        logger.exception(
            "Sending a row failed", extra={"kind": type(row).__name__, "row_id": row.pk}
        )
        lose_answer(row, f"It broke while it was sent: {type(error).__name__}", now=now)
    else:
        accept(answer)
    return True


def lose_answer(
    row: Outgoing, reason: str, *, now: datetime, due_at: datetime | None = None
) -> bool:
    """Mark as unknown a row whose answer is lost; if the other side can be asked, set the time."""
    row.answer_lost(max(now, timezone.now()))
    if due_at is None and row.patience.look is not None:
        due_at = _next_look(row, now)
    return move(row, row.table.unknown, reason=reason, due_at=due_at)


def give_up(row: Outgoing, reason: str, *, now: datetime) -> bool:
    """Mark as unknown a row that a lost worker was sending; return whether the row was changed.

    It may have arrived or not. If the other side can be asked, the row is due at once.
    """
    is_late = row.due_at is None or row.due_at <= now
    if row.state != row.table.sending or not is_late:
        return False
    return lose_answer(row, reason, now=now, due_at=now if row.patience.look else None)


def claim_look(row: Outgoing, *, now: datetime, lease: timedelta) -> bool:
    """Claim the next look at a due unknown row; only one worker gets it until the lease ends."""
    rows = type(row)._default_manager.filter(due(now), pk=row.pk, state=row.table.unknown)
    return bool(rows.update(due_at=max(now, timezone.now()) + lease))


@dataclass(frozen=True)
class Words:
    """The reasons that one kind of row gives while its outcome stays unknown."""

    not_asked: str
    not_there: str


def settle(
    row: Outgoing,
    find: Callable[[], Answer | None],
    accept: Callable[[Answer], object],
    *,
    absent: Callable[[], object],
    words: Words,
    now: datetime,
) -> bool:
    """Settle an unknown row by asking the other side; return whether the other side answered.

    If it is found, `accept` is called. If it is not found after the quiet time, it will not come,
    and `absent` is called. Otherwise the row stays unknown, and its reason is stored.
    """
    settled = is_settled(row, now=now)  # must be read before the question
    try:
        found = find()
    except LookUpFailedError as error:
        look_again(row, f"{words.not_asked}: {error}", now=now)
        return False
    if found is not None:
        accept(found)
    elif settled:
        absent()
    else:
        look_again(row, words.not_there, now=now)
    return True


def is_settled(row: Outgoing, *, now: datetime) -> bool:
    """Whether the quiet time is over: a row not found on the other side now was never accepted."""
    return row.tried_at is None or now >= row.tried_at + row.patience.quiet


def look_again(row: Outgoing, reason: str, *, now: datetime) -> None:
    """Store why a row stays as it is, and set the time of the next look."""
    note(row, reason=reason, due_at=_next_look(row, now))


def _claim(row: Outgoing, now: datetime) -> bool:
    return move(
        row,
        row.table.sending,
        attempts=row.attempts + 1,
        tried_at=now,
        due_at=now + row.patience.deadline,
    )


def _put_off(row: Outgoing, error: NothingSentError, now: datetime) -> None:
    """Send a row again later, since nothing was sent; after the last attempt mark it as refused."""
    most = row.patience.most_attempts
    if isinstance(error, RestsError):  # nothing was called: this is no attempt
        move(
            row,
            row.table.again,
            reason=str(error),
            due_at=error.retry_at,
            attempts=row.attempts - 1,
        )
    elif most is not None and row.attempts >= most:
        move(row, row.table.refused, reason=str(error))
    else:
        wait = row.patience.retry.after(row.attempts)
        due_at = error.retry_at or max(now, timezone.now()) + wait
        move(row, row.table.again, reason=str(error), due_at=due_at)


def _next_look(row: Outgoing, now: datetime) -> datetime:
    now = max(now, timezone.now())  # the call took some time
    since = now - row.tried_at if row.tried_at else timedelta(0)
    return now + (row.patience.look or row.patience.retry).after(1, since)
