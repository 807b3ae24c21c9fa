"""A log that grows is cut, and whoever writes it goes on."""

import sys
import time
from pathlib import Path
from signal import SIGKILL

from tom.embedded.children import start, stop, wait_until
from tom.embedded.component import Child, Component
from tom.embedded.home import Home
from tom.embedded.rotation import LARGEST_BYTES, rotate_logs
from tom.embedded.servers import Servers
from tom.embedded.supervisor import Supervisor

WRITES = (
    "import sys, time\nfor n in range(10**6):\n print(n, 'x' * 1000, flush=True)\n time.sleep(.002)"
)


def test_a_log_is_cut_at_its_size_and_written_on(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    child = start([sys.executable, "-c", WRITES], log=log)
    try:
        assert wait_until(lambda: log.stat().st_size > 50_000, child=child, seconds=30)
        assert rotate_logs(tmp_path, largest_bytes=50_000) == [log]
        size = log.stat().st_size
        assert size < 50_000
        assert wait_until(lambda: log.stat().st_size > size + 2000, child=child, seconds=30)
    finally:
        stop(child, first=SIGKILL, seconds=5)

    assert (tmp_path / "worker.log.1").stat().st_size > 50_000
    assert b"\0" not in log.read_bytes()  # no hole where the old lines were


def test_small_logs_are_left(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("a line\n")

    assert rotate_logs(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]


def test_the_supervisor_keeps_logs_small_while_it_watches(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    log = home.logs / "worker.log"
    with log.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    servers = Servers(*(Component(name, sleep) for name in ("postgres", "redis")))
    deadline = time.monotonic() + 30
    supervisor = Supervisor(home, servers, [], say=print)
    try:
        supervisor.watch(until=lambda: not log.stat().st_size or time.monotonic() > deadline)
    finally:
        supervisor.stop()

    assert log.stat().st_size == 0
    assert log.with_name("worker.log.1").stat().st_size == LARGEST_BYTES + 1


def sleep() -> Child:
    return start(["sleep", "600"])
