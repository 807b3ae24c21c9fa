"""Store raw messages, claim those whose work is due, and write what became of them."""

import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from psycopg2 import Binary
from psycopg2.extras import Json, execute_values

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.formats.values import clean
from tom.forms.declared import Lane
from tom.forms.networks import UNKNOWN
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.own_secrets import hide_secrets
from tom.streams.headers import Headers
from tom.streams.models import AlertMessage, MessageState
from tom.streams.packets import Place, fetch_packets, write_packets

logger = logging.getLogger(__name__)

# From this many attempts a message is worked on alone, so that it fails alone.
ALONE_FROM = 2

# What nothing reads is kept in its row up to this size; a stream of it may be of any rate.
ROW_BYTES = 16 * 1024

# A topic and the sha256 of a payload.
Content = tuple[str, str]
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came: from a stream with its position, or from a file without one."""

    topic: str
    payload: bytes
    partition: int | None = None
    offset: int | None = None
    name: str = ""
    broker: str = ""
    headers: Headers = field(default_factory=list)
    sent: datetime | None = None
    group_id: int | None = None  # whose members alone see it; nothing reads it


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch added: new rows by form; how many were known, and the rows still to work on."""

    ids: dict[str, list[int]]
    known: int
    known_waiting: list[int]

    @property
    def all_ids(self) -> list[int]:
        return [pk for ids in self.ids.values() for pk in ids]

    @property
    def waiting(self) -> list[int]:
        """The rows to be worked on, new or not."""
        return self.all_ids + self.known_waiting


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message that is ready to be stored; its place is None where its row holds the bytes."""

    item: Incoming
    sha256: str
    kind: str
    place: Place | None = None

    @property
    def content(self) -> Content:
        return self.item.topic, self.sha256


def prepare_messages(incoming: Sequence[Incoming]) -> list[Prepared]:
    """Recognise messages, and write the new packets among them to their store as one object.

    Do it before the transaction that stores the messages: the store may be far away.

    Raises
    ------
    PacketStoreError
        If the store of packets cannot be written.
    """
    prepared = [
        Prepared(item, hashlib.sha256(item.payload).hexdigest(), _kind_of(item))
        for item in incoming
    ]
    packets = {each.content: each for each in prepared if _is_packet(each)}
    for content in set(_kept(list(packets)).values_list("topic", "sha256")) if packets else ():
        packets.pop(content, None)
    if not packets:
        return prepared
    payloads = [each.item.payload for each in packets.values()]
    places = dict(zip(packets, write_packets(payloads, now=timezone.now()), strict=True))
    return [replace(each, place=places.get(each.content)) for each in prepared]


def _kind_of(item: Incoming) -> str:
    # What would come of a private message (an event, a target) has no readers of its own yet.
    return UNKNOWN if item.group_id is not None else identify(item.topic, item.payload)


def _is_packet(message: Prepared) -> bool:
    """Whether its bytes go to the store of packets: many come of its form, or nobody knows it."""
    size = len(message.item.payload)
    form = forms().get(message.kind)
    if form is None or form.parse is None:
        return size > ROW_BYTES
    return size > 0 and form.lane is Lane.BATCH


def store_messages(incoming: Sequence[Incoming]) -> Stored:
    """Prepare messages and store them.

    Raises
    ------
    PacketStoreError
        If the store of packets cannot be written.
    """
    return store_prepared(prepare_messages(incoming))


def store_prepared(prepared: Sequence[Prepared]) -> Stored:
    """Store messages, each once by its position and by its content, in one transaction.

    A message delivered again adds nothing. The same bytes at another position of a stream add a
    row that says so, without the bytes and without work. New bytes at a position that others hold
    (a topic that was deleted and created again counts from 0) are kept without that position.
    """
    first: dict[Content, Prepared] = {}
    for each in prepared:
        first.setdefault(each.content, each)
    with transaction.atomic():
        created = _insert([_row(each) for each in first.values()])
        created |= _insert(_displaced(first, created))
        again = [
            _repeat_row(each)
            for each in prepared
            if each.item.offset is not None
            and not (each.content in created and each is first[each.content])
        ]
        _insert(again)
        if created:
            publish(Topic.MESSAGE)
    ids: dict[str, list[int]] = {}
    for pk, kind in created.values():
        ids.setdefault(kind, []).append(pk)
    known = [content for content in first if content not in created]
    waiting = _kept(known).filter(state=MessageState.RECEIVED) if known else ()
    return Stored(ids, len(prepared) - len(created), [row.pk for row in waiting])


def store_rejection(topic: str, *, name: str, reason: str) -> bool:
    """Store as a dead letter that a file contained no message; return whether it is new."""
    reason = _sayable(reason)
    sha256 = hashlib.sha256(f"{name}\0{reason}".encode()).hexdigest()
    row = AlertMessage(
        topic=topic,
        name=name[:300],
        kind=UNKNOWN,
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
    """Store one message; return its row and whether it is new."""
    stored = store_messages([Incoming(topic, payload, partition, offset, name)])
    sha256 = hashlib.sha256(payload).hexdigest()
    row = AlertMessage.objects.get(topic=topic, sha256=sha256, is_repeat=False)
    return row, bool(stored.ids)


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
        state=state, reason=_sayable(reason), finished=timezone.now()
    )


def put_off(ids: Collection[int], reason: str) -> None:
    """Take back the attempt that a claim counted: what failed was not the messages' fault."""
    waiting = AlertMessage.objects.filter(pk__in=ids, state=MessageState.RECEIVED, attempts__gt=0)
    waiting.update(attempts=F("attempts") - 1, reason=_sayable(reason))


def note_failure(pk: int, reason: str) -> None:
    """Write a reason on a message that stays waiting: another attempt may succeed."""
    waiting = AlertMessage.objects.filter(pk=pk, state=MessageState.RECEIVED)
    waiting.update(reason=_sayable(reason))


def replay_message(message: AlertMessage) -> bool:
    """Put a kept message back to be worked on; return whether it could be.

    The caller wakes the pipeline. What was stored from it before is known and adds nothing.
    """
    return replay_messages([message.pk]) > 0


def replay_messages(ids: Collection[int]) -> int:
    """Put back, to be worked on, those stored messages that can be; return how many."""
    kept = Q(payload__isnull=False) | ~Q(packet_object="")
    rows = AlertMessage.objects.filter(kept, pk__in=ids)
    return (
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


def broken_off_messages(messages: QuerySet[AlertMessage]) -> QuerySet[AlertMessage]:
    """Messages that are dead without a verdict: each attempt broke off, as when a worker dies."""
    return messages.filter(state=MessageState.DEAD, attempts__gte=settings.MESSAGE_ATTEMPTS)


def _sayable(reason: str) -> str:
    """A reason may quote the message: its NULs, its halves of a character, its length."""
    return hide_secrets(clean(reason)[:4000])[:2000]


def _kept(contents: Sequence[Content]) -> QuerySet[AlertMessage]:
    """The rows that have these contents."""
    rows = AlertMessage.objects.filter(
        topic__in={topic for topic, _ in contents},
        sha256__in=[sha256 for _, sha256 in contents],
        is_repeat=False,
    )
    return rows.only("pk")


def _displaced(first: Mapping[Content, Prepared], created: Collection[Content]) -> list[Row]:
    """Rows without a position, for new bytes at a position that is taken."""
    missing = [content for content in first if content not in created]
    if not missing:
        return []
    known = set(_kept(missing).values_list("topic", "sha256"))
    rows = []
    for content in missing:
        if content not in known:
            item = first[content].item
            logger.warning(
                "Other bytes hold a message's position: kept without it",
                extra={
                    "broker": item.broker,
                    "topic": item.topic,
                    "partition": item.partition,
                    "offset": item.offset,
                },
            )
            rows.append(_row(replace(first[content], item=replace(item, offset=None))))
    return rows


def _row(message: Prepared) -> Row:
    place = message.place
    if place is None:
        kept: Row = (Binary(message.item.payload), "", None)
    else:
        kept = (None, place.object, place.offset)
    return (*_origin(message), *kept, False, MessageState.RECEIVED.value, "", None)


def _repeat_row(message: Prepared) -> Row:
    why = "the same bytes came before on this topic"
    known = (True, MessageState.KNOWN.value, why, timezone.now())
    return (*_origin(message), None, "", None, *known)


def _origin(message: Prepared) -> Row:
    item = message.item
    position = (item.broker, item.topic, item.partition, item.offset)
    content = (message.kind, message.sha256, len(item.payload))
    told = (item.name[:300], Json(item.headers), item.sent, item.group_id)
    return (*position, *told, *content)


def _insert(rows: Sequence[Row]) -> dict[Content, tuple[int, str]]:
    """Add rows; return the id and the form of those that conflict with none."""
    if not rows:
        return {}
    statement = """
        INSERT INTO streams_alertmessage (broker, topic, partition, "offset", name, headers, sent,
            group_id, kind, sha256, size, payload, packet_object, packet_offset, is_repeat, state,
            reason, finished, attempts, replays, received)
        VALUES %s ON CONFLICT DO NOTHING RETURNING id, topic, sha256, kind
    """
    template = "(" + "%s, " * 18 + "0, 0, clock_timestamp())"
    # psycopg2's own cursor raises psycopg2's own errors.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        found: list[tuple[int, str, str, str]] = execute_values(
            cursor.cursor, statement, rows, template=template, page_size=500, fetch=True
        )
    return {(topic, sha256): (pk, kind) for pk, topic, sha256, kind in found}


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
