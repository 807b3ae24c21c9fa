"""A PostgreSQL and a Redis of the run's own, and databases to fill in it.

Imported before anything that reads Django's settings: it sets the folder they lie in.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django

from tests import environment  # noqa: F401  names a TOM_HOME of the run's own
from tests.homes import give_tables

TEMPLATE = "counterpart"


@contextmanager
def own_servers() -> Iterator[None]:
    """Start the servers for the block, with our empty tables in the database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")
    django.setup()
    from django.conf import settings

    from tom.embedded.servers import running_servers

    give_tables(settings.HOME.path)
    with running_servers(settings.HOME):
        yield
        _leave()


@contextmanager
def fresh_database(name: str) -> Iterator[None]:
    """Use a copy of the empty tables for the block; it is gone afterwards."""
    from django.db import connection

    _command(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    _leave()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        _leave()
        connection.settings_dict["NAME"] = before
        _command(f"DROP DATABASE {name} WITH (FORCE)")


def _command(statement: str) -> None:
    """Run a statement about databases, from none of those it is about."""
    import psycopg2
    from django.conf import settings

    _leave()
    connection = psycopg2.connect(
        host=str(settings.HOME.postgres_socket), user="counterpart", dbname="postgres"
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _leave() -> None:
    from django.db import connections

    connections.close_all()
