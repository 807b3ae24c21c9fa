"""The tables are emptied after a test, whatever a site beside it holds."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import TransactionTestCase

from tests.connections import WAIT_SECONDS
from tests.factories import make_message
from tom.streams.models import AlertMessage


@contextmanager
def cursor_of_another() -> Iterator[Any]:
    """A transaction beside the test's, which waits for long before it looks for a deadlock."""
    at = connection.settings_dict
    opened = psycopg2.connect(
        host=at["HOST"], user=at["USER"], dbname=at["NAME"], options="-c deadlock_timeout=60s"
    )
    with closing(opened), opened, opened.cursor() as cursor:
        yield cursor


def cross(tables: list[str], held: Event) -> None:
    """Hold the table that is emptied last, and want the first once the emptying waits."""
    with cursor_of_another() as cursor:
        cursor.execute(f'LOCK TABLE "{tables[-1]}" IN ACCESS SHARE MODE')
        held.set()
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_wanted(cursor, tables[-1]):
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)
        cursor.execute(f'LOCK TABLE "{tables[0]}" IN ACCESS SHARE MODE')


def is_wanted(cursor: Any, table: str) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = %s::regclass AND NOT granted)",
        [f'"{table}"'],
    )
    return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_with_a_site_does_not_keep_the_tables_full() -> None:
    make_message()
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    held = Event()

    with ThreadPoolExecutor(1) as pool:
        crossed = pool.submit(cross, tables, held)
        assert held.wait(WAIT_SECONDS)
        TransactionTestCase()._fixture_teardown()
        crossed.result()

    assert not AlertMessage.objects.exists()
