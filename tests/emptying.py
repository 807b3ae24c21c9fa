"""Empty the tables after a test of whole transactions, and put back what each site begins with.

Django empties them and then makes the content types, rights and roles anew, by itself in a third
of a second of a processor. Here that is done once a process: what stands then is kept, and copied
back from then on.
"""

import time
from collections.abc import Callable

from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase
from psycopg2.errors import DeadlockDetected

TRIES = 5
_KEPT = "kept_rows"  # a schema beside the tables
_EMPTIED: dict[str, list[str]] = {}  # the tables with rows to begin with, by the database's name

Empty = Callable[[TransactionTestCase], None]


def patiently(empty_by_django: Empty) -> Empty:
    """Empty again where PostgreSQL chose the emptying to end a deadlock.

    A site that runs on the test's database goes on working meanwhile.
    """

    def empty(case: TransactionTestCase) -> None:
        for _ in range(TRIES - 1):
            try:
                return _empty(case, empty_by_django)
            except (CommandError, DatabaseError) as error:
                if not _is_deadlock(error):
                    raise
                time.sleep(0.5)
        return _empty(case, empty_by_django)

    return empty


def _empty(case: TransactionTestCase, empty_by_django: Empty) -> None:
    name = connection.settings_dict["NAME"]
    if case.serialized_rollback or name not in _EMPTIED:
        empty_by_django(case)
        _EMPTIED[name] = _keep()
    else:
        _put_back(_EMPTIED[name])


def _tables() -> list[str]:
    return connection.introspection.django_table_names(only_existing=True, include_views=False)


def _keep() -> list[str]:
    """Copy the rows of all tables that have some; return the names of these tables."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {_KEPT} CASCADE")
        cursor.execute(f"CREATE SCHEMA {_KEPT}")
        filled = []
        for table in _tables():
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{table}")')  # noqa: S608  # our own table
            if cursor.fetchone() == (True,):
                cursor.execute(f'CREATE TABLE {_KEPT}."{table}" AS TABLE "{table}"')
                filled.append(table)
    return filled


def _put_back(filled: list[str]) -> None:
    """Empty the tables that have rows: to empty all takes a third of a second of a processor."""
    with transaction.atomic(), connection.cursor() as cursor:
        names = ", ".join(f'"{table}"' for table in _tables())
        cursor.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        # No row is left that another could point to.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in _with_rows(cursor):
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608  # our own table
        for table in filled:
            cursor.execute(f'INSERT INTO "{table}" SELECT * FROM {_KEPT}."{table}"')  # noqa: S608
    ContentType.objects.clear_cache()


def _with_rows(cursor: CursorWrapper) -> list[str]:
    looks = [
        f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")"  # noqa: S608
        for table in _tables()
    ]
    cursor.execute(" UNION ALL ".join(looks))
    return [table for (table,) in cursor.fetchall()]


def _is_deadlock(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is not None and (isinstance(cause, DeadlockDetected) or _is_deadlock(cause))
