"""Keep stamps in the database, where the packets that have them are let go."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from psycopg2 import Binary
from psycopg2.extras import execute_values

from tom.streams.models import AlertMessage
from tom.targets.arrivals import Arrival
from tom.targets.packet_stamps import Stamps, read_stamps

# So many packets are read at a time: one takes up to 0.3 MB.
AT_ONCE = 100
KEEP = """
    INSERT INTO targets_cutout AS old (target_id, kind, program_id, time, fits, middle_x, middle_y)
    VALUES %s
    ON CONFLICT (target_id, kind, program_id) DO UPDATE
    SET time = excluded.time, fits = excluded.fits,
        middle_x = excluded.middle_x, middle_y = excluded.middle_y
    WHERE (old.time, old.fits) < (excluded.time, excluded.fits)
"""
KEPT = "(%s, %s, %s, %s::timestamptz, %s, %s::float8, %s::float8)"


def newest_brought_by(messages: QuerySet[AlertMessage]) -> list[tuple[int, int]]:
    """The alerts with stamps that these messages brought, as keys of an arrival and its target.

    Those of which a newer alert of the same object and program has stamps are left out.
    """
    newer = Arrival.objects.filter(
        object=OuterRef("object"),
        program=OuterRef("program"),
        has_stamps=True,
        time__gt=OuterRef("time"),
    )
    rows = Arrival.objects.filter(message__in=messages, has_stamps=True).exclude(Exists(newer))
    return list(rows.order_by("pk").values_list("pk", "object__target"))


def keep_stamps(arrivals: Sequence[int]) -> None:
    """Copy the stamps of these alerts from their packets into the database.

    Of a target, kind and program the newest stays.

    Raises
    ------
    PacketStoreError
        If the store of packets cannot be read now.
    """
    for first in range(0, len(arrivals), AT_ONCE):
        rows = Arrival.objects.filter(pk__in=arrivals[first : first + AT_ONCE])
        batch = list(rows.select_related("message", "object").order_by("time", "pk"))
        stamps = read_stamps(batch)
        lines: dict[tuple[object, ...], tuple[object, ...]] = {}
        for row in batch:
            for line in _lines(row, stamps.get(row.pk)):
                lines[line[:3]] = line  # of one target, kind and program the newest
        if lines:
            # psycopg2's own function, whose errors would not be Django's.
            with connection.cursor() as cursor, connection.wrap_database_errors:
                execute_values(cursor.cursor, KEEP, list(lines.values()), template=KEPT)


def _lines(row: Arrival, stamps: Stamps | None) -> list[tuple[object, ...]]:
    if stamps is None:
        return []
    x, y = stamps.middle or (None, None)
    return [
        (row.object.target_id, kind, row.program_id, row.time, Binary(data), x, y)
        for kind, data in stamps.files.items()
    ]
