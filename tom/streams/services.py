"""Keep raw messages, claim those whose work is due, and say what became of them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from psycopg2 import Binary
from psycopg2.extras import execute_values

from tom.live.models import Topic
from tom.live.publish import publish
from tom.streams.models import AlertMessage, MessageState
from tom.streams.parsers.kinds import Kind, identify

# From this many attempts a message is worked on alone, so that it fails alone.
ALONE_FROM = 2


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came: from a stream with its position, or from a file without one."""

    topic: str
    payload: bytes
    partition: int | None = None
    offset: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch added: new rows by kind, and how many messages were known already."""

    ids: dict[Kind, list[int]]
    known: int

    @property
    def all_ids(self) -> list[int]:
        return [pk for ids in self.ids.values() for pk in ids]


def store_messages(incoming: Sequence[Incoming]) -> Stored:
    """Keep messages, each once by its position and by its content, in one transaction.

    A message delivered again adds nothing. The same bytes at another position of a stream add a
    row that says so, without the bytes and without work.
    """
    rows = {_identity(item): item for item in incoming}
    kinds = {identity: identify(item.topic, item.payload) for identity, item in rows.items()}
    with transaction.atomic():
        created = _insert(
            [_row(item, kinds[identity], MessageState.RECEIVED) for identity, item in rows.items()]
        )
        new = {(topic, sha) for _, topic, sha in created}
        repeats = [
            _row(item, kinds[key], MessageState.KNOWN)
            for key, item in rows.items()
            if (item.topic, key[1]) not in new and item.offset is not None
        ]
        _insert(repeats)
        if created:
            publish(Topic.MESSAGE)
    ids: dict[Kind, list[int]] = {}
    kind_of = {(item.topic, key[1]): kinds[key] for key, item in rows.items()}
    for pk, topic, sha in created:
        ids.setdefault(kind_of[topic, sha], []).append(pk)
    return Stored(ids, len(incoming) - len(created))


def store_rejection(topic: str, *, name: str, reason: str) -> bool:
    """Keep that a file held no message at all, as a dead letter; return whether it is new."""
    sha256 = hashlib.sha256(f"{name}\0{reason}".encode()).hexdigest()
    row = AlertMessage(
        topic=topic,
        name=name[:300],
        kind=Kind.UNKNOWN.value,
        sha256=sha256,
        size=0,
        state=MessageState.DEAD,
        reason=reason,
        finished=timezone.now(),
    )
    before = AlertMessage.objects.filter(topic=topic, sha256=sha256).exists()
    AlertMessage.objects.bulk_create([row], ignore_conflicts=True)
    return not before


def store_message(
    topic: str,
    payload: bytes,
    *,
    partition: int | None = None,
    offset: int | None = None,
    name: str = "",
) -> tuple[AlertMessage, bool]:
    """Keep one message; return its row and whether it is new."""
    stored = store_messages([Incoming(topic, payload, partition, offset, name)])
    sha256 = hashlib.sha256(payload).hexdigest()
    row = AlertMessage.objects.get(topic=topic, sha256=sha256, is_repeat=False)
    return row, bool(stored.ids)


def claim(kind: Kind, *, most: int) -> list[int]:
    """Count an attempt of up to `most` waiting messages of a kind and return their ids.

    The count is committed before the work, so that a message that kills its worker is known by
    it; such a one is claimed alone, and after the last attempt it is dead.
    """
    _bury_exhausted(kind)
    fresh = _claim_where("attempts < %s", kind, most)
    return fresh or _claim_where("attempts >= %s", kind, 1)


def claim_one(pk: int) -> bool:
    """Count an attempt of one waiting message; return whether it is there to be worked on."""
    kind = AlertMessage.objects.filter(pk=pk).values_list("kind", flat=True).first()
    if kind is None:
        return False
    _bury_exhausted(Kind(kind))
    waiting = AlertMessage.objects.filter(pk=pk, state=MessageState.RECEIVED)
    return bool(waiting.update(attempts=F("attempts") + 1))


def locked(ids: Iterable[int]) -> list[AlertMessage]:
    """Lock the waiting ones among `ids` for the caller's transaction, skipping others' locks."""
    waiting = AlertMessage.objects.filter(pk__in=list(ids), state=MessageState.RECEIVED)
    return list(waiting.select_for_update(skip_locked=True).order_by("pk"))


def finish(ids: Iterable[int], state: MessageState, reason: str = "") -> None:
    """Say what became of messages."""
    AlertMessage.objects.filter(pk__in=list(ids)).update(
        state=state, reason=reason[:2000], finished=timezone.now()
    )


def note_failure(pk: int, reason: str) -> None:
    """Leave a reason on a message that stays waiting: another attempt may succeed."""
    AlertMessage.objects.filter(pk=pk, state=MessageState.RECEIVED).update(reason=reason[:2000])


def replay_message(message: AlertMessage) -> bool:
    """Put a kept message back to be worked on; return whether it could be.

    The caller wakes the pipeline. What was stored from it before is known and adds nothing.
    """
    rows = AlertMessage.objects.filter(pk=message.pk, payload__isnull=False)
    changed = (
        rows.exclude(state=MessageState.RECEIVED)
        .exclude(state=MessageState.KNOWN)
        .update(
            state=MessageState.RECEIVED,
            attempts=0,
            reason="",
            replays=F("replays") + 1,
            finished=None,
        )
    )
    return bool(changed)


def _identity(item: Incoming) -> tuple[object, str]:
    sha256 = hashlib.sha256(item.payload).hexdigest()
    position = (item.topic, item.partition, item.offset) if item.offset is not None else item.topic
    return position, sha256


def _row(item: Incoming, kind: Kind, state: MessageState) -> tuple[object, ...]:
    known = state is MessageState.KNOWN
    return (
        item.topic,
        item.partition,
        item.offset,
        item.name[:300],
        kind.value,
        hashlib.sha256(item.payload).hexdigest(),
        len(item.payload),
        None if known else Binary(item.payload),
        known,
        state.value,
        "the same bytes came before on this topic" if known else "",
        timezone.now() if known else None,
    )


def _insert(rows: Sequence[tuple[object, ...]]) -> list[tuple[int, str, str]]:
    if not rows:
        return []
    statement = """
        INSERT INTO streams_alertmessage (topic, partition, "offset", name, kind, sha256, size,
            payload, is_repeat, state, reason, finished, attempts, replays, received)
        VALUES %s ON CONFLICT DO NOTHING RETURNING id, topic, sha256
    """
    template = "(" + "%s, " * 12 + "0, 0, clock_timestamp())"
    with connection.cursor() as cursor:
        found: list[tuple[int, str, str]] = execute_values(
            cursor.cursor, statement, rows, template=template, page_size=500, fetch=True
        )
    return found


def _claim_where(condition: str, kind: Kind, most: int) -> list[int]:
    statement = f"""
        UPDATE streams_alertmessage SET attempts = attempts + 1 WHERE id IN (
            SELECT id FROM streams_alertmessage
            WHERE state = 'received' AND kind = %s AND {condition}
            ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
        RETURNING id
    """  # noqa: S608  the condition is one of two of ours
    with connection.cursor() as cursor:
        cursor.execute(statement, [kind.value, ALONE_FROM, most])
        return sorted(pk for (pk,) in cursor.fetchall())


def _bury_exhausted(kind: Kind) -> None:
    exhausted = AlertMessage.objects.filter(
        kind=kind.value, state=MessageState.RECEIVED, attempts__gte=settings.MESSAGE_ATTEMPTS
    )
    for pk, attempts, reason in exhausted.values_list("pk", "attempts", "reason"):
        why = reason or "its worker died each time"
        finish([pk], MessageState.DEAD, f"failed {attempts} times: {why}")
