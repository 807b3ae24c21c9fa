"""The folder of the embedded mode."""

import os
import stat
from pathlib import Path

import pytest

from tom.embedded.home import LONGEST_RUN_PATH, Home, HomeError


def test_a_secret_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    first = home.secret("key")

    assert home.secret("key") == first
    assert len(first) > 40
    assert stat.S_IMODE((tmp_path / "home" / "key").stat().st_mode) == 0o600


def test_sockets_lie_in_the_home_where_its_path_is_short(tmp_path: Path) -> None:
    home = Home(Path("/srv/tom"))

    assert home.run == Path("/srv/tom/run")


def test_a_long_path_moves_the_sockets_to_a_short_private_folder(tmp_path: Path) -> None:
    home = Home(tmp_path / ("x" * 100))

    home.prepare()

    assert len(os.fsencode(home.postgres_socket)) < LONGEST_RUN_PATH + 10
    assert stat.S_IMODE(home.run.stat().st_mode) == 0o700
    home.run.rmdir()


def test_a_run_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.path.mkdir()
    home.run.symlink_to(tmp_path)

    with pytest.raises(HomeError, match="belongs to somebody else"):
        home.prepare()
