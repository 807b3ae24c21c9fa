"""Find out whether a message of unknown outcome is on its topic: read the topic back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from tom.outbox.moves import move
from tom.outbox.sending import Words, claim_look, settle
from tom.reports.publishing import is_published
from tom.reports.topic_messages import TopicMessage

LOOK_LEASE: Final = timedelta(seconds=120)
"""A worker that still reads a topic back after this time is lost; much longer than the timeouts."""
LOST: Final = "the worker was lost while it sent"
_LOOK_BACK: Final = timedelta(minutes=10)
"""A topic is read back from this long before the message was sent: clocks differ."""
_WORDS: Final = Words(not_asked="could not look it up", not_there="not on the topic yet")


def is_on_topic(row: TopicMessage, *, tried: datetime) -> bool:
    """Whether a message that may have been sent at `tried` is on its topic.

    Raises
    ------
    LookUpFailedError
        If the topic cannot be read to its end.
    """
    return is_published(row.url, row.message_id, since=tried - _LOOK_BACK)


def settle_message(row: TopicMessage, *, absent: Callable[[], object], now: datetime) -> None:
    """Settle an unknown message, if that is due; call `absent` if it will not come any more."""
    if not claim_look(row, now=now, lease=LOOK_LEASE):
        return  # it is not due, or another worker reads the topic back
    tried = row.tried_at or row.created
    settle(
        row,
        lambda: is_on_topic(row, tried=tried) or None,
        lambda _: move(row, row.table.sent, sent_at=tried),
        absent=absent,
        words=_WORDS,
        now=now,
    )
