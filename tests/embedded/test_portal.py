"""The portal on this machine, as `manage.py portal` runs it."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.peers.ocs import ROOT, wait_for
from tom.embedded.component import CannotRunError
from tom.embedded.home import Home
from tom.embedded.portal import running_portal


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        portal = running_portal(Home(tmp_path), venv=tmp_path, port=port)

        with pytest.raises(CannotRunError, match=f"port {port} is in use"):
            ExitStack().enter_context(portal)


@pytest.mark.portal
@pytest.mark.timeout(1200)  # it may be the one that installs the portal
def test_the_command_writes_the_settings_while_it_runs_and_leaves_nothing(
    tmp_path: Path, portal_venv: Path
) -> None:
    settings = tmp_path / "portal.env"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "portal"],
        env={**os.environ, "TOM_HOME": str(tmp_path), "PORTAL_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(lambda: settings.exists() or command.poll() is not None, seconds=120)
        told = dict(line.split("=", 1) for line in settings.read_text().splitlines())
        answer = requests.get(
            f"{told['OCS_PORTAL_URL']}/api/requestgroups/",
            headers={"Authorization": f"Token {told['OCS_API_TOKEN']}"},
            timeout=20,
        )
    finally:
        command.send_signal(signal.SIGTERM)
        said, _ = command.communicate(timeout=20)

    assert answer.json()["count"] == 0
    assert (told["OCS_PROPOSAL"], told["OCS_PRACTICE"]) == ("TOM-001", "true")
    assert told["OCS_API_TOKEN"] not in said.decode()
    assert not settings.exists()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
