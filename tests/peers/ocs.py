"""The real OCS Observation Portal, its observatory's side, and a proxy that loses answers."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import PEER_MISSING
from tom.embedded.component import CannotRunError
from tom.embedded.home import Home
from tom.embedded.portal import Portal, install_portal, running_portal

ROOT = Path(__file__).resolve().parents[2]
WHEELS = Path(os.environ.get("OCS_WHEELS", ROOT.parent / "shared" / "peers" / "ocs" / "wheels"))


@pytest.fixture(scope="session")
def portal_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portal's own Python environment, installed at the first need."""
    log = tmp_path_factory.mktemp("portal-install") / "install.log"
    try:
        return install_portal(ROOT / ".venv-ocs", wheels=WHEELS, log=log)
    except CannotRunError as error:
        pytest.skip(f"{PEER_MISSING}{error}")


@pytest.fixture(scope="session")
def ocs_portal(tmp_path_factory: pytest.TempPathFactory, portal_venv: Path) -> Iterator[Portal]:
    """A fresh portal for the whole run."""
    home = Home(tmp_path_factory.mktemp("portal"))
    home.prepare()
    with running_portal(home, venv=portal_venv) as portal:
        yield portal


@dataclass(frozen=True)
class Operator:
    """The observatory's side: schedules and executes what the portal holds."""

    portal: Portal

    def groups(self, key: str) -> list[dict[str, Any]]:
        """Return the request groups whose name is `key`."""
        answer = requests.get(
            f"{self.portal.url}/api/requestgroups/",
            params={"name": key, "limit": "100"},
            headers={"Authorization": f"Token {self.portal.token}"},
            timeout=20,
        )
        return [group for group in answer.json()["results"] if group["name"] == key]

    def schedule(self, group: dict[str, Any], number: int = 0) -> dict[str, Any]:
        """Plan one of a group's requests an hour from now, on a telescope with the instrument.

        Several are planned one after the other.
        """
        request = group["requests"][number]
        configuration = request["configurations"][0]
        start = datetime.now(UTC) + timedelta(hours=1 + number)
        self._call(
            "POST",
            "observations/",
            {
                "request": request["id"],
                "site": "cpt",
                "enclosure": "doma",
                "telescope": "1m0a",
                "start": start.isoformat(),
                "end": (start + timedelta(seconds=request["duration"])).isoformat(),
                "state": "PENDING",
                "configuration_statuses": [
                    {
                        "configuration": configuration["id"],
                        "instrument_name": "cpt1",
                        "guide_camera_name": "cpt1g",
                        "state": "PENDING",
                    }
                ],
            },
        )
        return self._call("GET", f"observations/?request_id={request['id']}")["results"][0]

    def execute(self, observation: dict[str, Any], state: str) -> None:
        """Set the state of every part of an observation: ATTEMPTED, COMPLETED, FAILED, BAD_DATA."""
        now = datetime.now(UTC)
        full = self._call("GET", f"observations/{observation['id']}/")
        for status in full["configuration_statuses"]:
            summary = {
                "start": (now - timedelta(minutes=4)).isoformat(),
                "end": now.isoformat(),
                "state": state,
                "time_completed": 240 if state == "COMPLETED" else 0,
                "reason": "",
                "events": [],
            }
            body = {"state": state, "summary": summary}
            self._call("PATCH", f"configurationstatus/{status['id']}/", body)

    def spoil(self, observation: dict[str, Any]) -> None:
        """Judge an observation's data bad."""
        self._call("PATCH", f"observations/{observation['id']}/", {"state": "BAD_DATA"})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method,
            f"{self.portal.url}/api/{path}",
            json=body,
            headers={"Authorization": f"Token {self.portal.operator_token}"},
            timeout=20,
        )
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json()


@pytest.fixture
def operator(ocs_portal: Portal) -> Operator:
    return Operator(ocs_portal)


@contextmanager
def losing_proxy(
    portal: Portal, how: str, let_through: threading.Event | None = None, *, held: int = 1
) -> Iterator[str]:
    """Forward to the portal, but lose the answer to a new request group.

    `how`: "drop" closes the connection, "502" says so instead, "cut" sends half of the answer,
    "hang" sends nothing for a long time. The portal has committed it each time; but of "late"
    the first `held`, which wait for `let_through`.
    """
    over = threading.Event()
    losses = _Losses(
        upstream=int(portal.url.rpartition(":")[2]),
        how=how,
        over=over,
        let_through=let_through,
        held=held,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=_serve, args=(listener, losses))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


@dataclass
class _Losses:
    """What becomes of the answers."""

    upstream: int
    how: str
    over: threading.Event
    let_through: threading.Event | None
    held: int


@dataclass(frozen=True)
class LateProxy:
    """A proxy that keeps the first new request groups back until they are let through."""

    url: str
    let_through: threading.Event


@contextmanager
def late_proxy(portal: Portal, *, held: int = 1) -> Iterator[LateProxy]:
    """Forward to the portal, but the first new request groups only once they are let through."""
    let_through = threading.Event()
    with losing_proxy(portal, "late", let_through, held=held) as url:
        try:
            yield LateProxy(url, let_through)
        finally:
            let_through.set()


def _serve(listener: socket.socket, losses: _Losses) -> None:
    while not losses.over.is_set():
        try:
            client, _ = listener.accept()
        except TimeoutError:
            continue
        threading.Thread(target=_forward, args=(client, losses), daemon=True).start()


def _forward(client: socket.socket, losses: _Losses) -> None:
    with client:
        client.settimeout(10)
        request = _read_request(client)
        is_new_group = request.startswith(b"POST /api/requestgroups/ ")
        if is_new_group and losses.let_through is not None and losses.held:
            losses.held -= 1
            losses.let_through.wait()
        with socket.create_connection(("127.0.0.1", losses.upstream)) as server:
            server.sendall(request)
            answer = b"".join(iter(lambda: server.recv(65_536), b""))
        if not is_new_group or losses.how == "late":
            with suppress(OSError):  # it may have left
                client.sendall(answer)
        elif losses.how == "502":
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        elif losses.how == "cut":
            client.sendall(answer[: len(answer) - 200])
        elif losses.how == "hang":
            losses.over.wait()


def _read_request(client: socket.socket) -> bytes:
    """Read one request, and ask for its answer's connection to be closed after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _receive(client)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        body += _receive(client)
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body


def _receive(client: socket.socket) -> bytes:
    if not (data := client.recv(65_536)):
        msg = "the client left in the middle of its request"
        raise ConnectionResetError(msg)
    return data


def opposite_the_sun(now: datetime) -> float:
    """Return the right ascension, in degrees, that culminates at midnight, to a few degrees."""
    days = (now - datetime(2026, 3, 20, 14, 46, tzinfo=UTC)).total_seconds() / 86_400
    return (180 + 360 * days / 365.2422) % 360


def wait_for(ready: Any, *, seconds: float = 10) -> None:
    """Wait until `ready()` is true."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)
