"""The lock of a home: who joins whom."""

from pathlib import Path

from tom.embedded.home import Home
from tom.embedded.run import sign_as_supervisor, supervisor_lock


def test_what_a_killed_supervisor_signed_is_wiped_by_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    lock_file = home.run / "lock"
    lock_file.write_text("up 12345\n")

    with supervisor_lock(home) as lock:
        assert lock_file.read_text() == ""  # its services do not run yet: nobody may join

        sign_as_supervisor(lock)
        assert lock_file.read_text().startswith("up ")
    assert lock_file.read_text() == ""
