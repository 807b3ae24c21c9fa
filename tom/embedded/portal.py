"""A real OCS Observation Portal on this machine, in a Python environment of its own.

The portal is separate software (GPL-3), and is reached by HTTP only. It has its own PostgreSQL and
Redis, with the embedded binaries, in a folder next to ours.
"""

import contextlib
import fcntl
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tom.embedded.children import start, stop, wait_until
from tom.embedded.component import CannotRunError
from tom.embedded.home import Home
from tom.embedded.portal_table import instrument_table
from tom.embedded.servers import running_servers

PACKAGE = "django-ocs-observation-portal==4.18.10"
PROPOSAL = "TOM-001"
INSTALL_SECONDS = 900
START_SECONDS = 60
TOKEN_LENGTH = 40  # characters of a token in the portal's table


@dataclass(frozen=True)
class Portal:
    """A running portal: its address and the tokens for it."""

    url: str
    token: str = field(repr=False)
    operator_token: str = field(repr=False)
    proposal: str
    process: "subprocess.Popen[bytes]"

    def settings(self) -> dict[str, str]:
        """Return our settings that point the facilities at this portal."""
        return {
            "OCS_PORTAL_URL": self.url,
            "OCS_API_TOKEN": self.token,
            "OCS_PROPOSAL": self.proposal,
            "OCS_PRACTICE": "true",
        }


@contextmanager
def running_portal(
    home: Home, *, venv: Path, port: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[Portal]:
    """A portal for as long as the block runs; its data stay in `home`.

    Parameters
    ----------
    home : Home
        A folder that only the portal uses.
    venv : Path
        From `install_portal`.
    port : int
        Of the loopback; 0 for a free one.
    environment : mapping, optional
        The portal's own settings in addition to ours, such as its throttles.

    Raises
    ------
    CannotRunError
        If the port is taken or a part of it does not start.
    """
    if port:
        _check_port(port)
    with running_servers(home), _serve_table(venv) as table_url:
        tokens = {
            "PORTAL_PROPOSAL": PROPOSAL,
            "PORTAL_TOKEN": home.secret("portal_token")[:TOKEN_LENGTH],
            "PORTAL_OPERATOR_TOKEN": home.secret("portal_operator_token")[:TOKEN_LENGTH],
        }
        surroundings = {**_environment(home, table_url), **tokens, **(environment or {})}
        _set_up(home, venv, surroundings)
        address = f"127.0.0.1:{port or _free_port()}"  # late: nobody else may take it meanwhile
        child = _start_server(home, venv, address, surroundings)
        try:
            yield Portal(
                url=f"http://{address}",
                token=tokens["PORTAL_TOKEN"],
                operator_token=tokens["PORTAL_OPERATOR_TOKEN"],
                proposal=PROPOSAL,
                process=child,
            )
        finally:
            stop(child, first=signal.SIGTERM, seconds=3)


def install_portal(venv: Path, *, wheels: Path | None, log: Path) -> Path:
    """Install the portal in `venv` if it is missing there; return `venv`.

    Parameters
    ----------
    wheels : Path or None
        A folder of wheels to look in as well: pyslalib has none on PyPI and is compiled else.

    Raises
    ------
    CannotRunError
        If it cannot be installed here; the message says what is missing.
    """
    venv.mkdir(exist_ok=True)
    with (venv / "install.lock").open("a") as lock:  # several test runs may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_done(venv / "portal.installed"):
            _install(venv, wheels, log)
    return venv


def _is_done(file: Path) -> bool:
    """Whether `file` says that this version of the portal is done with."""
    return file.exists() and file.read_text() == PACKAGE


def _install(venv: Path, wheels: Path | None, log: Path) -> None:
    links = ["--find-links", str(wheels)] if wheels and wheels.is_dir() else []
    if not _install_by_uv(venv, links, log):
        python = venv / "bin" / "python"
        # Most files are never imported: none is compiled.
        options = ["--disable-pip-version-check", "--no-compile"]
        pip: list[str | Path] = [python, "-m", "pip", "install", *options]
        _run([sys.executable, "-m", "venv", venv], log)
        _run([*pip, "setuptools<81", "wheel"], log)
        _run([*pip, *links, PACKAGE], log)
    (venv / "portal.installed").write_text(PACKAGE)


def _install_by_uv(venv: Path, links: list[str], log: Path) -> bool:
    """Install by uv, which takes less than half of pip's time; return False if it cannot.

    It does not know pip's settings: where these name another index, it is not asked.
    """
    uv = Path(sys.prefix) / "bin" / "uv"
    settings = [sys.executable, "-m", "pip", "config", "list"]
    told = subprocess.run(settings, capture_output=True, text=True, check=False).stdout  # noqa: S603  our own
    if not uv.exists() or re.search(r"[.](index-url|no-index)=", told):
        return False
    try:
        _run([uv, "venv", "--allow-existing", "--python", sys.executable, venv], log)
        into: list[str | Path] = [uv, "pip", "install", "--python", venv / "bin" / "python"]
        _run([*into, *links, "setuptools<81", PACKAGE], log)
    except CannotRunError:
        return False
    return True


def _run(argv: list[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
    child = start(argv, log=log, environment=environment)
    try:
        if child.wait(INSTALL_SECONDS) == 0:
            return
    except subprocess.TimeoutExpired:
        pass
    finally:
        stop(child, first=signal.SIGTERM, seconds=2)
    msg = (
        f"the OCS portal cannot be installed here, see {log} "
        "(its pyslalib wants gfortran; Debian: apt-get install gfortran)"
    )
    raise CannotRunError(msg)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = f"port {port} is in use: set PORTAL_PORT to another"
            raise CannotRunError(msg) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serve_table(venv: Path) -> Iterator[str]:
    """Serve the instrument table on a free port of the loopback."""
    package = next(venv.glob("lib/python3*/site-packages/observation_portal"))
    table = instrument_table(package)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path.startswith("/sites/")
            body = table if known else b'{"count": 0, "next": null, "results": []}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _environment(home: Home, table_url: str) -> dict[str, str]:
    database = home.database()
    return {
        "DJANGO_SETTINGS_MODULE": "observation_portal.settings",
        "DEBUG": "True",  # its settings for a machine without its front-end servers
        "SECRET_KEY": home.secret("portal_secret_key"),
        "DB_HOST": str(database["HOST"]),
        "DB_USER": str(database["USER"]),
        "DB_NAME": str(database["NAME"]),
        "DRAMATIQ_BROKER_URL": f"unix://{home.redis_socket}",
        "CONFIGDB_URL": table_url,
        "DOWNTIMEDB_URL": f"{table_url}/downtime/",
        "OPENSEARCH_URL": "",
        "OAUTH_SERVER_KEY": "",
        "OAUTH_CLIENT_APPS_BASE_URLS": "",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "PYTHONSAFEPATH": "1",
    }


def _set_up(home: Home, venv: Path, environment: Mapping[str, str]) -> None:
    done = home.path / "portal.prepared"
    if _is_done(done):
        return
    script = Path(__file__).with_name("portal_setup.py")
    log = home.logs / "portal.log"
    child = start([venv / "bin" / "python", script], log=log, environment=environment)
    if child.wait(START_SECONDS * 2) != 0:
        msg = f"the OCS portal's tables cannot be made: see {log}"
        raise CannotRunError(msg)
    done.write_text(PACKAGE)


def _start_server(
    home: Home, venv: Path, address: str, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    log = home.logs / "portal.log"
    child = start(
        [
            *(venv / "bin" / "gunicorn", "observation_portal.wsgi:application"),
            *("--bind", address, "--workers", "1", "--threads", "8", "--timeout", "120"),
            *("--chdir", home.path.absolute()),
        ],
        log=log,
        environment=environment,
    )
    if not wait_until(lambda: _answers(address), child=child, seconds=START_SECONDS):
        stop(child, first=signal.SIGTERM, seconds=3)
        msg = f"the OCS portal did not start: see {log}"
        raise CannotRunError(msg)
    return child


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=20)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/api/instruments/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


@contextmanager
def written_settings(portal: Portal, file: Path) -> Iterator[None]:
    """Keep the settings that point us at the portal in `file` during the block.

    Only its owner can read the file. It is locked: a file that a killed portal left is not locked.
    """
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        out.writelines(f"{name}={value}\n" for name, value in portal.settings().items())
        out.flush()
        draft.rename(file)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
