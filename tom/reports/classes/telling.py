"""Publish our classes to the topic of CLASSES_URL: each message once, or its outcome is unknown.

If the broker does not confirm a message, it is UNKNOWN, and is not sent again. Then we read the
topic back and look for our id. What is not there long after it was sent never arrived: it is due
again.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone

from tom.outbox.errors import NothingSentError, RejectedError
from tom.outbox.models import due
from tom.outbox.moves import move
from tom.outbox.sending import give_up, send
from tom.reports.classes.composing import compose_due, tellable
from tom.reports.classes.models import ClassMessage, TellState
from tom.reports.publishing import Publisher
from tom.reports.settling import LOST, settle_message

_NEVER_CAME: Final = "it never arrived on the topic; it is sent again"
_CLOSED: Final = "its score was deleted, or its target is not public any more"
REASONS_LOOKED_AT: Final = 100
_OPEN: Final = (TellState.DUE, TellState.SENDING, TellState.UNKNOWN)


def tell_classes(now: datetime, *, most: int) -> bool:
    """Compose and send up to `most` messages; return whether more may be due at once.

    It does nothing while CLASSES_URL is empty.

    Raises
    ------
    PacketStoreError
        If the packets cannot be read now.
    """
    if not settings.CLASSES_URL:
        return False
    composed = compose_due(now, most=most)
    found = list(due_messages(now).order_by("due_at", "pk")[:most])
    publishers: dict[str, Publisher] = {}
    for row in found:
        if not _tell(row, publishers, now):
            return False  # the broker does not answer: the sweep comes back to the rest
    return most in (composed, len(found))


def due_messages(now: datetime) -> QuerySet[ClassMessage]:
    """Return the messages that are to be sent, given up or settled now."""
    return ClassMessage.objects.filter(due(now), state__in=_OPEN)


@dataclass(frozen=True)
class Told:
    """What became of the messages for a topic: how many are in each state, and why some wait."""

    topic: str
    counts: list[tuple[str, int]]
    reasons: list[str]


def read_told() -> Told | None:
    """Read what became of the messages; None while CLASSES_URL is empty."""
    if not settings.CLASSES_URL:
        return None
    rows = ClassMessage.objects.order_by().values_list("state").annotate(n=Count("pk"))
    found = dict(rows)
    waiting = ClassMessage.objects.exclude(state=TellState.SENT).exclude(reason="")
    newest = waiting.order_by("-pk").values_list("reason", flat=True)[:REASONS_LOOKED_AT]
    return Told(
        topic=settings.CLASSES_URL.rpartition("/")[2],
        counts=[(str(state.label), found.get(state, 0)) for state in TellState],
        reasons=list(dict.fromkeys(newest)),
    )


def _tell(row: ClassMessage, publishers: dict[str, Publisher], now: datetime) -> bool:
    """Do the next step of a message; return whether the broker can be used further."""
    match row.state:
        case TellState.DUE:
            sent = send(row, lambda: _publish(row, publishers), partial(_accept, row), now=now)
            return not sent or row.state in (TellState.SENT, TellState.REFUSED)
        case TellState.SENDING:
            give_up(row, LOST, now=now)
        case TellState.UNKNOWN:
            settle_message(
                row,
                absent=lambda: move(row, TellState.DUE, reason=_NEVER_CAME, due_at=now),
                now=now,
            )
    return True


def _publish(row: ClassMessage, publishers: dict[str, Publisher]) -> None:
    """Put a message on the topic of now, if what it says is still for everybody.

    What is refused is the topic or the credential, and not the message: it stays due.
    """
    rows = ClassMessage.objects.filter(pk=row.pk)
    if not rows.filter(tellable("score__target"), score__programs=[]).exists():
        raise RejectedError(_CLOSED)
    row.url = settings.CLASSES_URL
    rows.update(url=row.url)
    try:
        if row.url not in publishers:
            publishers[row.url] = Publisher(row.url)
        publishers[row.url].publish(bytes(row.body), message_id=row.message_id)
    except RejectedError as error:
        raise NothingSentError(str(error)) from error


def _accept(row: ClassMessage, _: None) -> None:
    move(row, TellState.SENT, sent_at=timezone.now())
