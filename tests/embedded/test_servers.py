"""PostgreSQL and Redis of a home: what a crash leaves does not keep them down."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2
import pytest

from tests.recovery.site import wait_for
from tom.embedded.children import start, stop
from tom.embedded.component import Child
from tom.embedded.home import Home
from tom.embedded.servers import (
    WEB_ROLE,
    WEB_SHARE,
    Servers,
    _memory,
    _postgres_user,
    buffers_mb,
    running_servers,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("servers") / "home")


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Child]:
    """A process of PostgreSQL's user that has nothing to do with it."""
    child = start(["sleep", "600"], log=tmp_path / "log", as_user=_postgres_user())
    yield child
    stop(child, first=signal.SIGKILL, seconds=5)


def connect(home: Home, *, role: str = "counterpart") -> psycopg2.extensions.connection:
    return psycopg2.connect(host=str(home.postgres_socket), user=role, dbname="counterpart")


def answers(home: Home) -> bool:
    try:
        connect(home).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_lock_files_whose_process_is_now_another_s_are_taken_over(
    home: Home, stranger: Child
) -> None:
    locks = [home.postgres_data / "postmaster.pid", home.postgres_socket / ".s.PGSQL.5432.lock"]
    with running_servers(home):
        left = [file.read_text() for file in locks]
    for file, text in zip(locks, left, strict=True):
        file.write_text("\n".join([str(stranger.pid), *text.splitlines()[1:]]) + "\n")
        os.chown(file, *(_postgres_user() or (-1, -1)))
        file.chmod(0o600)

    with running_servers(home):
        assert answers(home)


def test_an_empty_lock_file_is_taken_over(home: Home) -> None:
    with running_servers(home):
        pass
    file = home.postgres_data / "postmaster.pid"
    file.touch(0o600)
    os.chown(file, *(_postgres_user() or (-1, -1)))

    with running_servers(home):
        assert answers(home)


def test_what_was_killed_is_started_again(home: Home) -> None:
    said: list[str] = []
    with running_servers(home) as servers:
        for child in (servers.postgres.child, servers.redis.child):
            assert child is not None
            child.kill()

        wait_for(lambda: restart(servers, said, home), seconds=60)

    assert {line.partition(" and ")[0] for line in said} == {
        "postgres has ended",
        "redis has ended",
    }


def restart(servers: Servers, said: list[str], home: Home) -> bool:
    """Look at the servers once; return whether both have died and run again."""
    servers.restart_dead(said.append)
    return len(said) >= 2 and servers.redis.child is not None and answers(home)


def test_an_initialisation_cut_short_is_made_anew(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    half_made = home.path / "postgresql.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")

    with running_servers(home):
        assert answers(home)
    assert not half_made.exists()


def test_the_web_server_takes_no_connection_of_the_workers_share(home: Home) -> None:
    with running_servers(home), ExitStack() as opened:
        for _ in range(WEB_SHARE):
            opened.enter_context(closing(connect(home, role=WEB_ROLE)))
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            connect(home, role=WEB_ROLE)
        for _ in range(20):
            opened.enter_context(closing(connect(home)))


@pytest.mark.parametrize(("gigabytes", "megabytes"), [(0.5, 128), (2, 256), (64, 1024)])
def test_the_cache_of_the_database_grows_with_the_memory(gigabytes: float, megabytes: int) -> None:
    assert buffers_mb(int(gigabytes * 2**30)) == megabytes


def test_the_web_server_may_do_what_the_owner_may(home: Home) -> None:
    with running_servers(home):
        with closing(connect(home)) as owner, owner, owner.cursor() as cursor:
            cursor.execute("SHOW shared_buffers")
            assert cursor.fetchone() in [(f"{buffers_mb(_memory())}MB",), ("1GB",)]
            cursor.execute("CREATE TABLE rows (id serial, name text)")
        with closing(connect(home, role=WEB_ROLE)) as web, web, web.cursor() as cursor:
            cursor.execute("INSERT INTO rows (name) VALUES ('a') RETURNING id")
            assert cursor.fetchall() == [(1,)]
            cursor.execute("UPDATE rows SET name = 'b'")
            cursor.execute("DELETE FROM rows RETURNING name")
            assert cursor.fetchall() == [("b",)]
