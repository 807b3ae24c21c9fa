"""The kept messages of a group's stream: they follow it to another group, or to everybody."""

from typing import Final

from django.db import connection, transaction

from tom.streams.models import Stream

MOST: Final = 2000
"""Messages in one step, which takes some tens of milliseconds."""

# What other readers have already is a repeat for them.
_MOVE: Final = """
    WITH moved AS (
        SELECT id FROM streams_alertmessage
        WHERE stream = %(stream)s AND group_id IS NOT NULL
            AND (group_id < %(group)s OR group_id > %(group)s OR %(group)s IS NULL)
        ORDER BY id LIMIT %(most)s FOR UPDATE
    )
    UPDATE streams_alertmessage m
    SET group_id = %(group)s, is_repeat = m.is_repeat OR EXISTS (
        SELECT FROM streams_alertmessage o
        WHERE o.topic = m.topic AND o.sha256 = m.sha256 AND NOT o.is_repeat
            AND o.group_id IS NOT DISTINCT FROM %(group)s
    )
    FROM moved WHERE m.id = moved.id
"""


_DUE: Final = """
    SELECT s.id FROM streams_stream s
    WHERE EXISTS (SELECT FROM streams_alertmessage m WHERE m.stream = s.id
            AND m.group_id IS NOT NULL AND m.group_id < coalesce(s.group_id, 0))
        OR EXISTS (SELECT FROM streams_alertmessage m WHERE m.stream = s.id
            AND m.group_id IS NOT NULL AND m.group_id > coalesce(s.group_id, 0))
    ORDER BY s.id
"""


def due_streams() -> list[int]:
    """The streams whose kept messages are not yet their present group's."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE)
        return [pk for (pk,) in cursor.fetchall()]


def move_messages(stream: int, *, most: int = MOST) -> bool:
    """Give some messages of a stream to its present group, or to all; return whether any was due.

    Until it is done, the web shows them to those alone who are in both groups.
    """
    group = Stream.objects.filter(pk=stream).values_list("group", flat=True)[:1]
    if not group:
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MOVE, {"stream": stream, "group": group[0], "most": most})
        return bool(cursor.rowcount)
