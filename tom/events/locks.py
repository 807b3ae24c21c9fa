"""One advisory lock on all events, so that matching misses no row.

A transaction that changes an event must not overlap with one that works on targets: neither would
see the other's rows before they are committed. Take this lock before you lock any row.
"""

from django.db import connection

KEY = 7_201_001  # the number of our advisory lock in the database
BY_HAND_KEY = 7_201_006  # that for what people say of events by hand


def hold_events() -> None:
    """Keep all events unchanged until the caller's transaction ends; many may do so at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [KEY])


def change_events() -> None:
    """Wait until nobody holds or changes events; exclude others until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEY])


def say_alone() -> None:
    """Wait until nobody says anything of an event by hand, until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BY_HAND_KEY])
