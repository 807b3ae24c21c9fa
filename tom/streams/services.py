"""Store raw messages, each once."""

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from psycopg2 import Binary
from psycopg2.extras import Json, execute_values

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.forms.declared import Lane
from tom.forms.networks import UNKNOWN
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.streams.claims import sayable
from tom.streams.headers import Headers
from tom.streams.models import AlertMessage, MessageState
from tom.streams.packets import Place, write_packets

logger = logging.getLogger(__name__)

# What nothing reads is kept in its row up to this size; a stream of it may be of any rate.
ROW_BYTES = 16 * 1024

# A topic, the sha256 of a payload, and the group that it is for.
Content = tuple[str, str, int | None]
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
    group_id: int | None = None  # whose members alone see it and what comes of it
    stream_id: int | None = None  # the stream that makes it the group's


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
        return self.item.topic, self.sha256, self.item.group_id


def prepare_messages(incoming: Sequence[Incoming]) -> list[Prepared]:
    """Recognise messages, and write the new packets among them to their store as one object.

    Do it before the transaction that stores the messages: the store may be far away.

    Raises
    ------
    PacketStoreError
        If the store of packets cannot be written.
    """
    prepared = [
        Prepared(item, hashlib.sha256(item.payload).hexdigest(), identify(item.topic, item.payload))
        for item in incoming
    ]
    packets = {each.content: each for each in prepared if _is_packet(each)}
    for content in _known(list(packets)) if packets else ():
        packets.pop(content, None)
    if not packets:
        return prepared
    payloads = [each.item.payload for each in packets.values()]
    places = dict(zip(packets, write_packets(payloads, now=timezone.now()), strict=True))
    return [replace(each, place=places.get(each.content)) for each in prepared]


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
    reason = sayable(reason)
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
    row = AlertMessage.objects.get(topic=topic, sha256=sha256, group=None, is_repeat=False)
    return row, bool(stored.ids)


def _kept(contents: Sequence[Content]) -> QuerySet[AlertMessage]:
    """The rows that have these contents."""
    rows = AlertMessage.objects.filter(
        topic__in={topic for topic, _, _ in contents},
        sha256__in=[sha256 for _, sha256, _ in contents],
        is_repeat=False,
    )
    groups = {group for _, _, group in contents}
    ours = Q(group__in=groups - {None})
    return rows.filter(ours | Q(group=None) if None in groups else ours).only("pk")


def _known(contents: Sequence[Content]) -> set[Content]:
    return set(_kept(contents).values_list("topic", "sha256", "group_id"))


def _displaced(first: Mapping[Content, Prepared], created: Collection[Content]) -> list[Row]:
    """Rows without a position, for new bytes at a position that is taken."""
    missing = [content for content in first if content not in created]
    if not missing:
        return []
    known = _known(missing)
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
    told = (item.name[:300], Json(item.headers), item.sent, item.group_id, item.stream_id)
    return (*position, *told, *content)


def _insert(rows: Sequence[Row]) -> dict[Content, tuple[int, str]]:
    """Add rows; return the id and the form of those that conflict with none."""
    if not rows:
        return {}
    statement = """
        INSERT INTO streams_alertmessage (broker, topic, partition, "offset", name, headers, sent,
            group_id, stream, kind, sha256, size, payload, packet_object, packet_offset, is_repeat,
            state, reason, finished, attempts, replays, received)
        VALUES %s ON CONFLICT DO NOTHING RETURNING id, topic, sha256, group_id, kind
    """
    template = "(" + "%s, " * 19 + "0, 0, clock_timestamp())"
    # psycopg2's own cursor raises psycopg2's own errors.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        found: list[tuple[int, str, str, int | None, str]] = execute_values(
            cursor.cursor, statement, rows, template=template, page_size=500, fetch=True
        )
    return {(topic, sha256, group): (pk, kind) for pk, topic, sha256, group, kind in found}
