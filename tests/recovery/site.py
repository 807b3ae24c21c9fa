"""A whole site in processes of its own, as a person starts it, to browse it or to kill parts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from tests.homes import give_tables
from tom.embedded.home import Home

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Site:
    """A running `manage.py up`."""

    home: Home
    port: int
    process: subprocess.Popen[str]
    environment: dict[str, str]
    output: Path

    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text()

    def wait_to_hear(self, words: str, *, seconds: float) -> None:
        """Wait until it has printed these words."""

        def has_said() -> bool:
            assert self.process.poll() is None, self.said()
            return words in self.said()

        wait_for(has_said, seconds=seconds)

    @property
    def password(self) -> str:
        """The password that it printed for the user demo."""
        found = re.search(r"user demo, password (\S+)", self.said())
        assert found is not None, self.said()
        return found.group(1)

    def manage(self, *argv: str) -> subprocess.Popen[str]:
        """Start a command that joins the site's servers."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *argv],
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def connect(self) -> psycopg2.extensions.connection:
        """Connect with the site's database as its owner."""
        return psycopg2.connect(
            host=str(self.home.postgres_socket), user="counterpart", dbname="counterpart"
        )

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the site's database."""
        connection = self.connect()
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        connection.close()
        return rows

    def answers(self) -> bool:
        """Whether the database answers."""
        try:
            return self.query("SELECT 1") == [(1,)]
        except psycopg2.OperationalError:
            return False

    def kill(self, *words: str) -> int:
        """Kill -9 the first child of the supervisor whose command line has all the words."""
        pid = next(pid for pid in self.children() if all(word in command_of(pid) for word in words))
        os.kill(pid, signal.SIGKILL)
        return pid

    def children(self) -> list[int]:
        """The supervisor's children."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]


def command_of(pid: int) -> str:
    """The command line of a process; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def wait_for(truth: Callable[[], bool], *, seconds: float) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.1)


@contextmanager
def running_site(folder: Path, *options: str, **surroundings: str) -> Iterator[Site]:
    """Start an empty site in `folder`, wait until it is ready, and stop it."""
    give_tables(folder)
    with starting_site(folder, ["--no-demo", *options], surroundings) as site:
        site.wait_to_hear("Ctrl-C stops", seconds=120)
        yield site


@contextmanager
def running_demo(folder: Path, **surroundings: str) -> Iterator[Site]:
    """Start a site in `folder`, wait until its demonstration night is loaded, and stop it."""
    give_tables(folder)
    with starting_site(folder, [], surroundings) as site:
        site.wait_to_hear("night: loaded after", seconds=600)
        yield site


@contextmanager
def starting_site(
    folder: Path, options: Sequence[str] = (), surroundings: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """Start a site in `folder`, wait for nothing, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, **(surroundings or {}), "TOM_HOME": str(folder), "PORT": str(port)}
    output = folder.with_name(f"{folder.name}.out")
    with output.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *options],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Site(Home(folder), port, process, environment, output)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def finish(process: subprocess.Popen[str], *, seconds: float) -> tuple[int, str]:
    """Wait for a command; return its exit code and what it said."""
    said, _ = process.communicate(timeout=seconds)
    return process.returncode, said


__all__: Sequence[str] = (
    "Site",
    "finish",
    "running_demo",
    "running_site",
    "starting_site",
    "wait_for",
)
