"""The folder of the embedded mode."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recovery.site import wait_for
from tom.embedded.home import LONGEST_RUN_PATH, Home, HomeError


def test_a_secret_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    first = home.secret("key")

    assert home.secret("key") == first
    assert len(first) > 40
    assert stat.S_IMODE((tmp_path / "home" / "key").stat().st_mode) == 0o600


def test_a_secret_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()

    with pytest.raises(HomeError, match="set TOM_HOME"):
        Home(tmp_path).secret("key")


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


WITH_PORTAL = """
import subprocess, sys, time
from pathlib import Path
from tom.embedded.portal import Portal, written_settings
portal = Portal("http://127.0.0.1:9", "token", "operator", "TOM-001", process=None)
with written_settings(portal, Path(sys.argv[1])):
    time.sleep(600)
"""


def test_a_portal_s_settings_hold_while_it_runs_and_not_once_it_was_killed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.portal() == {}

    runs = subprocess.Popen([sys.executable, "-c", WITH_PORTAL, str(home.portal_settings)])
    try:
        wait_for(lambda: home.portal() != {}, seconds=60)
        held = home.portal()
    finally:
        runs.kill()
        runs.wait()

    assert held["OCS_PORTAL_URL"] == "http://127.0.0.1:9"
    assert held["OCS_PROPOSAL"] == "TOM-001"
    assert home.portal_settings.exists()
    assert home.portal() == {}
