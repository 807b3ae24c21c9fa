"""Statements with a time limit: a listener must not leave its broker alone for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

STATEMENT_SECONDS: Final = 20


@contextmanager
def bounded() -> Iterator[None]:
    """Run the block in one transaction, each of whose statements ends within STATEMENT_SECONDS.

    Raises
    ------
    OperationalError
        If one took longer; nothing of the block is kept.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [int(STATEMENT_SECONDS * 1000)])
        yield
