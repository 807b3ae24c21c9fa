"""How far each consumer group has read each partition, moved with the data that was read.

A member claims a partition when the group gives it one. Each claim has a number, and only the
newest claim may move the position. So a member that was put out, and does not know it yet, can
neither move the position back nor store what its successor stores.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from psycopg2.extras import execute_values

from tom.streams.models import StreamHealth, StreamPosition

Partition = tuple[str, int]  # a topic's name and a number

_MADE_AGAIN: Final = (
    "the topic was deleted and made again: partition {number} is read from its oldest message"
)
_LOST: Final = (
    "{lost} messages of partition {number} were lost: the broker deleted them before they were read"
)


class NotOursError(Exception):
    """Another member has claimed a partition since: nothing of the batch may be kept."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The newest claim on a partition, and the position that it found.

    `offset` is that of the next message to read; None: nothing was stored of it yet. `topic_id` is
    what the broker called the topic then; empty where it did not say.
    """

    number: int
    offset: int | None
    topic_id: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a broker says of a partition now: the offsets from `low` up to `high` are there."""

    low: int
    high: int
    topic_id: str
    refused: bool = False  # the broker has said that it does not have our position


@dataclass(frozen=True, slots=True)
class Start:
    """Where to read on, how many messages were lost, and why if it is not where we were."""

    offset: int
    lost: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """The next offset of a partition, and the claim under which its messages were taken."""

    claim: int
    offset: int


def find_start(number: int, claim: Claim, held: Held) -> Start:
    """Decide where to read a partition on; without a position, from its oldest message.

    A topic that was deleted and made again counts from its beginning. Its id says so. Where the
    broker gives no id, an end before our position says so. Some brokers count their end too low.
    So an end alone says nothing where the ids are equal, unless the broker refused our position.
    """
    offset = claim.offset
    if offset is None:
        return Start(held.low)
    if claim.topic_id and held.topic_id and not held.refused:
        made_again = claim.topic_id != held.topic_id
    else:
        made_again = held.high < offset
    if made_again:
        return Start(held.low, note=_MADE_AGAIN.format(number=number))
    if offset < held.low:
        lost = held.low - offset
        return Start(held.low, lost, _LOST.format(lost=lost, number=number))
    return Start(offset)


class Positions:
    """The positions of one group at one broker."""

    def __init__(self, broker: str, group: str) -> None:
        self._broker = broker
        self._group = group

    def claim(self, partitions: Collection[Partition]) -> dict[Partition, Claim]:
        """Claim partitions; whoever claimed one before may move it no more."""
        statement = """
            INSERT INTO streams_streamposition AS kept
                (broker, "group", topic, partition, claim, topic_id, updated)
            VALUES %s ON CONFLICT (broker, "group", topic, partition)
            DO UPDATE SET claim = kept.claim + 1
            RETURNING topic, partition, claim, "offset", topic_id
        """
        rows = [(self._broker, self._group, *each) for each in sorted(partitions)]
        template = "(%s, %s, %s, %s, 1, '', clock_timestamp())"
        found = _execute(statement, rows, template)
        return {(topic, number): Claim(*claimed) for topic, number, *claimed in found}

    def move(self, moves: Mapping[Partition, Move]) -> None:
        """Move positions in the caller's transaction.

        Raises
        ------
        NotOursError
            If a partition was claimed by another since: the transaction must not be committed.
        """
        if not moves:
            return
        statement = """
            UPDATE streams_streamposition AS kept
            SET "offset" = moved.next, updated = clock_timestamp()
            FROM (VALUES %s) AS moved (broker, "group", topic, partition, claim, next)
            WHERE kept.broker = moved.broker AND kept."group" = moved."group"
                AND kept.topic = moved.topic AND kept.partition = moved.partition
                AND kept.claim = moved.claim
            RETURNING kept.topic, kept.partition
        """
        rows = [
            (self._broker, self._group, *each, moves[each].claim, moves[each].offset)
            for each in sorted(moves)
        ]
        template = "(%s, %s, %s, %s::int, %s::bigint, %s::bigint)"
        taken = moves.keys() - set(_execute(statement, rows, template))
        if taken:
            raise not_ours(taken)

    def settle(
        self,
        starts: Mapping[Partition, Start],
        claims: Mapping[Partition, Claim],
        topic_ids: Mapping[str, str],
    ) -> None:
        """Write where reading begins, if that is not where it ended, and say why in the health.

        Raises
        ------
        NotOursError
            If a partition was claimed by another since.
        """
        moved = {each: start for each, start in starts.items() if start.note}
        with transaction.atomic():
            self.move({each: Move(claims[each].number, moved[each].offset) for each in moved})
            for (topic, _), start in moved.items():
                self._tell(topic, start)
            for topic in {topic for topic, _ in claims}:
                numbers = [number for name, number in claims if name == topic]
                self._note_topic_id(topic, numbers, topic_ids.get(topic, ""))

    def _tell(self, topic: str, start: Start) -> None:
        row, _ = StreamHealth.objects.get_or_create(stream=self._broker, topic=topic)
        StreamHealth.objects.filter(pk=row.pk).update(
            lost=F("lost") + start.lost, notice=start.note, noticed=timezone.now()
        )

    def _note_topic_id(self, topic: str, numbers: Collection[int], topic_id: str) -> None:
        # Of what we claimed alone: a position that another member holds may be of an older topic.
        if topic_id:
            rows = StreamPosition.objects.filter(broker=self._broker, group=self._group)
            rows = rows.filter(topic=topic, partition__in=numbers)
            rows.exclude(topic_id=topic_id).update(topic_id=topic_id)


def not_ours(partitions: Iterable[Partition]) -> NotOursError:
    names = ", ".join(f"{topic} [{number}]" for topic, number in sorted(partitions))
    return NotOursError(f"another member of the consumer group reads {names}: joining it again")


def _execute(
    statement: str, rows: Sequence[tuple[object, ...]], template: str
) -> list[tuple[Any, ...]]:
    # psycopg2's own cursor raises psycopg2's own errors.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        found: list[tuple[Any, ...]] = execute_values(
            cursor.cursor, statement, rows, template=template, page_size=1000, fetch=True
        )
    return found
