"""Run a management command on the running servers, or start the servers that it needs."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import django
from django.core.management import call_command, execute_from_command_line
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from environs.exceptions import EnvError

from tom.embedded.component import CannotRunError
from tom.embedded.home import Home, HomeError
from tom.embedded.servers import running_servers

# Commands that touch neither database nor broker.
WITHOUT_SERVERS = {
    *("help", "version", "--help", "--version", "-h", "check", "collectstatic", "makemigrations"),
    *("skymap", "spectacular", "diffsettings", "up", "make_night", "evaluate", "portal"),
}
SUPERVISED = "TOM_SUPERVISED"
# Set while a command runs on its own servers: then no supervisor runs a worker.
ALONE = "TOM_ALONE"
WAIT_SECONDS = 60


def main(argv: Sequence[str]) -> int:
    """Run `argv` and return the exit code; if it cannot start, write one line to stderr."""
    from django.conf import settings

    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if len(argv) < 2 or argv[1] in WITHOUT_SERVERS or not settings.EMBEDDED:
            execute_from_command_line(list(argv))
        else:
            with joined_servers(settings.HOME):
                if os.environ.get(ALONE) and argv[1] != "migrate":
                    _migrate()
                execute_from_command_line(list(argv))
        sys.stdout.flush()
    except BrokenPipeError:  # who read the output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CannotRunError, HomeError, EnvError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _migrate() -> None:
    """Migrate the database of a home that no supervisor has prepared."""
    django.setup()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def joined_servers(home: Home) -> Iterator[None]:
    """Yield servers for the block: those of a running supervisor, else our own."""
    if os.environ.get(SUPERVISED):
        yield
        return
    home.prepare()
    with (home.run / "lock").open("a+") as lock:
        if _take(lock) == "up":
            yield
            return
        _sign(lock, "command")
        os.environ[ALONE] = "1"
        try:
            with running_servers(home):
                yield
        finally:
            del os.environ[ALONE]
            lock.truncate(0)


def _take(lock: TextIO) -> str:
    """Take the lock and return ""; return "up" if a supervisor holds it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        if try_lock(lock):
            return ""
        lock.seek(0)
        if lock.read().startswith("up"):
            return "up"
        if time.monotonic() > deadline:
            msg = "another command has been using this TOM_HOME for a minute: wait for it to end"
            raise CannotRunError(msg)
        time.sleep(0.2)


def _sign(lock: TextIO, holder: str) -> None:
    lock.truncate(0)
    lock.write(f"{holder} {os.getpid()}\n")
    lock.flush()


def try_lock(lock: TextIO) -> bool:
    """Take the lock if nobody has it, and delete the signature of a killed supervisor."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lock.truncate(0)
    return True


@contextmanager
def supervisor_lock(home: Home) -> Iterator[TextIO]:
    """Hold the home as its supervisor; `sign` it once commands may join.

    Raises
    ------
    CannotRunError
        If somebody else holds it.
    """
    home.prepare()
    with (home.run / "lock").open("a+") as lock:
        if not try_lock(lock):
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            msg = f"this TOM_HOME ({home.path}) is in use by {holder}: stop it first"
            raise CannotRunError(msg)
        try:
            yield lock
        finally:
            lock.truncate(0)


def sign_as_supervisor(lock: TextIO) -> None:
    """Let other commands join."""
    _sign(lock, "up")
