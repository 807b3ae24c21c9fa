"""What cannot start says so in one line."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.site import wait_for
from tom.embedded.frontend import ROOT


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, **surroundings: str) -> tuple[int, str]:
    """Start a site that ends by itself; return its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up", "--no-demo"],
        cwd=ROOT,
        env={**os.environ, "TOM_HOME": str(home), **surroundings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def assert_one_line(said: tuple[int, str], *words: str) -> None:
    code, text = said
    assert code == 1, text
    assert len(text.splitlines()) == 1, text
    assert all(word in text for word in words), text


def test_a_taken_port_is_one_line(tmp_path: Path, taken_port: int) -> None:
    said = start(tmp_path / "home", PORT=str(taken_port))

    assert_one_line(said, str(taken_port), "cannot be used")


@pytest.mark.parametrize("port", ["http", "0", "-1"])
def test_a_port_that_is_no_number_is_one_line(tmp_path: Path, port: str) -> None:
    assert_one_line(start(tmp_path / "home", PORT=port), f"'{port}'", "is no number")


def test_the_end_of_a_start_leaves_no_half_made_database_and_no_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    begun = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo"],
        cwd=ROOT,
        env={**os.environ, "TOM_HOME": str(home), "PORT": str(free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(lambda: (home / "postgresql.new" / "PG_VERSION").exists(), seconds=60)
        begun.send_signal(signal.SIGTERM)
        said, _ = begun.communicate(timeout=60)
    finally:
        begun.kill()

    assert begun.returncode == 130
    assert "Traceback" not in said
    assert not (home / "postgresql.new" / "PG_VERSION").exists()
    assert not (home / "run" / "redis.sock").exists()


@pytest.mark.parametrize("folder", ["/dev/null/home", "/proc"])
def test_a_home_that_cannot_be_used_is_one_line(folder: str) -> None:
    assert_one_line(start(Path(folder)), folder, "cannot be used", "TOM_HOME")


def test_a_setting_that_is_neither_true_nor_false_is_one_line(tmp_path: Path) -> None:
    assert_one_line(start(tmp_path / "home", DEBUG="maybe"), "DEBUG", "boolean")
