"""A site of its own whose processes are those of production, and what each of them spends."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection, connections

from tests.homes import give_tables
from tests.peers.kafka import free_port
from tom.embedded.children import stop
from tom.embedded.home import Home
from tom.embedded.servers import running_servers
from tom.embedded.supervisor import components

STOP_SECONDS: Final = 8
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MEMORY: Final = {"memory_mb": "VmRSS:", "peak_memory_mb": "VmHWM:"}


@dataclass(frozen=True)
class Parts:
    """The processes that run, by their names; each with those that it started."""

    home: Home
    port: int
    pids: Mapping[str, int]

    def spent(self) -> dict[str, float]:
        """The seconds of processor time that each has spent so far."""
        return {name: processor_seconds(pid) for name, pid in self.pids.items()}

    def memory(self, name: str) -> dict[str, int]:
        """The resident memory of a part's own process in MB, now and at most."""
        return memory_of(self.pids[name])


@contextmanager
def running_parts(names: Sequence[str], *, streams: str = "", **others: int) -> Iterator[Parts]:
    """Run parts of an empty site; the database of this process is the site's for the block.

    Parameters
    ----------
    names
        As `tom.embedded.supervisor.components` names them: production's commands.
    streams
        The setting STREAMS.
    others
        Processes that run already and whose time is to be told, too.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Home(Path(folder) / "home")
        give_tables(home.path)
        shutil.copy(settings.HOME.path / "secret_key", home.path)  # what this process seals, holds
        with running_servers(home) as servers, _reaching(home):
            given = {name: each.child for name, each in vars(servers).items()}
            port = free_port()
            surroundings = {"TOM_HOME": str(home.path), "STREAMS": streams, "PORT": str(port)}
            with _environment(surroundings):
                wanted = [each for each in components(home, port=port) if each.name in names]
                started = {each.name: each.start() for each in wanted}
            pids = {name: child.pid for name, child in {**given, **started}.items() if child}
            try:
                yield Parts(home, port, pids | others)
            finally:
                for child in started.values():
                    child.send_signal(signal.SIGTERM)
                for child in started.values():
                    stop(child, first=signal.SIGTERM, seconds=STOP_SECONDS)


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _reaching(home: Home) -> Iterator[None]:
    connections.close_all()
    before = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = str(home.postgres_socket)
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict["HOST"] = before


def processor_seconds(pid: int) -> float:
    """What a process and all that it started have spent, those that ended included."""
    total = 0.0
    with suppress(OSError):  # it ended meanwhile
        # Fields 14 to 17 of proc(5): its own, and those of children that it waited for.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / _TICKS
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(
                processor_seconds(int(child)) for child in (task / "children").read_text().split()
            )
    return total


def memory_of(pid: int) -> dict[str, int]:
    """The resident memory of a process in MB, now and at most."""
    lines = [line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    found = {words[0]: int(words[1]) for words in lines if words[0] in _MEMORY.values()}
    return {name: found[word] // 1024 for name, word in _MEMORY.items()}


def spent_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The seconds that each part spent between two looks."""
    return {name: round(after[name] - before[name], 2) for name in before}


def wait_for(done: Callable[[], bool], *, seconds: float, parts: Parts, every: float = 0.1) -> None:
    """Look again and again until it holds.

    Raises
    ------
    TimeoutError
        If it does not within the time; it names the folder of the logs.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            reason = f"it took more than {seconds} s: see {parts.home.logs}"
            raise TimeoutError(reason)
        time.sleep(every)
