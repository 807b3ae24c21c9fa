"""One lock of the database's on all events, so that matching sees every row that matters.

Whoever changes an event must not overlap with those who work on targets: neither would see the
other's rows before they are committed. Take it before any row that others may want.
"""

from django.db import connection

KEY = 7_201_001  # a number of our own among the database's advisory locks


def hold_events() -> None:
    """Let no event change until the caller's transaction ends. Many may hold them at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [KEY])


def change_events() -> None:
    """Change events, alone and while none hold them, until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEY])
