"""Claim the stored messages whose work is due, and write what became of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.formats.values import clean
from tom.own_secrets import hide_secrets
from tom.streams.models import AlertMessage, MessageState
from tom.streams.packets import fetch_packets

# From this many attempts a message is worked on alone, so that it fails alone.
ALONE_FROM = 2


def find_waiting(kinds: Sequence[str]) -> list[str]:
    """Return those of these forms of which messages wait, in their order; one query."""
    statement = """
        SELECT kind FROM unnest(%s::text[]) WITH ORDINALITY AS asked (kind, number)
        WHERE EXISTS (
            SELECT FROM streams_alertmessage m
            WHERE m.state = 'received' AND m.kind = asked.kind
        ) ORDER BY number
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(kinds)])
        return [kind for (kind,) in cursor.fetchall()]


def claim(kind: str, *, most: int) -> list[int]:
    """Count an attempt of up to `most` waiting messages of a form and return their ids.

    The count is committed before the work, so that a message that kills its worker is known by
    it; such a one is claimed alone, and after the last attempt it is dead.
    """
    _bury_exhausted("kind = %s", kind)
    fresh = _claim_where("kind = %s AND attempts < %s", kind, ALONE_FROM, most=most)
    return fresh or _claim_where("kind = %s AND attempts >= %s", kind, ALONE_FROM, most=1)


def claim_one(pk: int) -> bool:
    """Count an attempt of one waiting message; return whether it is there to be worked on.

    One that is locked is another worker's, which is waited for neither here nor in `claim`.
    """
    _bury_exhausted("id = %s", pk)
    return bool(_claim_where("id = %s", pk, most=1))


def fetch(ids: Collection[int]) -> dict[int, bytes]:
    """Read the bytes of claimed messages that the store of packets has; bury those that it lost.

    Raises
    ------
    PacketStoreError
        If the store cannot be read now.
    """
    found, gone = fetch_packets(ids)
    if gone:
        finish(gone, MessageState.DEAD, "the store of packets has lost its bytes")
        publish(Topic.MESSAGE)
    return found


def locked(ids: Iterable[int], packets: Mapping[int, bytes] | None = None) -> list[AlertMessage]:
    """Lock the waiting ones among `ids` for the caller's transaction, skipping others' locks.

    Each has its bytes: those of `packets`, or its row's.
    """
    waiting = AlertMessage.objects.filter(pk__in=list(ids), state=MessageState.RECEIVED)
    messages = list(waiting.select_for_update(skip_locked=True).order_by("pk"))
    for message in messages:
        message.payload = (packets or {}).get(message.pk, message.payload)
    return messages


def finish(ids: Iterable[int], state: MessageState, reason: str = "") -> None:
    """Write what became of waiting messages."""
    AlertMessage.objects.filter(pk__in=list(ids), state=MessageState.RECEIVED).update(
        state=state, reason=sayable(reason), finished=timezone.now()
    )


def put_off(ids: Collection[int], reason: str) -> None:
    """Take back the attempt that a claim counted: what failed was not the messages' fault."""
    waiting = AlertMessage.objects.filter(pk__in=ids, state=MessageState.RECEIVED, attempts__gt=0)
    waiting.update(attempts=F("attempts") - 1, reason=sayable(reason))


def note_failure(pk: int, reason: str) -> None:
    """Write a reason on a message that stays waiting: another attempt may succeed."""
    waiting = AlertMessage.objects.filter(pk=pk, state=MessageState.RECEIVED)
    waiting.update(reason=sayable(reason))


def replay_message(message: AlertMessage) -> bool:
    """Put a kept message back to be worked on; return whether it could be.

    The caller wakes the pipeline. What was stored from it before is known and adds nothing.
    """
    return replay_messages([message.pk]) > 0


def replay_messages(ids: Collection[int]) -> int:
    """Put back, to be worked on, those stored messages that can be; return how many."""
    return replayable(AlertMessage.objects.filter(pk__in=ids)).update(
        state=MessageState.RECEIVED,
        attempts=0,
        reason="",
        replays=F("replays") + 1,
        finished=None,
    )


def replayable(messages: QuerySet[AlertMessage]) -> QuerySet[AlertMessage]:
    """Keep the messages that can be put back: those that do not wait, and have their bytes."""
    kept = Q(payload__isnull=False) | ~Q(packet_object="")
    return messages.filter(kept).exclude(state__in=(MessageState.RECEIVED, MessageState.KNOWN))


def broken_off_messages(messages: QuerySet[AlertMessage]) -> QuerySet[AlertMessage]:
    """Messages that are dead without a verdict: each attempt broke off, as when a worker dies."""
    return messages.filter(state=MessageState.DEAD, attempts__gte=settings.MESSAGE_ATTEMPTS)


def sayable(reason: str) -> str:
    """A reason may quote the message: its NULs, its halves of a character, its length."""
    return hide_secrets(clean(reason)[:4000])[:2000]


def _claim_where(condition: str, *values: int | str, most: int) -> list[int]:
    # MATERIALIZED: as a subquery, a nested loop may run it once for each row, and each run skips
    # what the statement has changed, so that more than `most` are claimed.
    statement = f"""
        WITH due AS MATERIALIZED (
            SELECT id FROM streams_alertmessage WHERE state = 'received' AND {condition}
            ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
        UPDATE streams_alertmessage SET attempts = attempts + 1
        FROM due WHERE due.id = streams_alertmessage.id RETURNING due.id
    """  # noqa: S608  the condition is one of ours
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, most])
        return sorted(pk for (pk,) in cursor.fetchall())


def _bury_exhausted(condition: str, *values: int | str) -> None:
    """Make dead what failed at its last attempt; a locked row is at that attempt now."""
    statement = f"""
        UPDATE streams_alertmessage SET state = 'dead', finished = clock_timestamp(),
            reason = 'failed ' || attempts || ' times: '
                || coalesce(nullif(reason, ''), 'its worker died each time')
        WHERE id IN (
            SELECT id FROM streams_alertmessage
            WHERE state = 'received' AND {condition} AND attempts >= %s
            FOR UPDATE SKIP LOCKED)
    """  # noqa: S608  the condition is one of ours
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, settings.MESSAGE_ATTEMPTS])
