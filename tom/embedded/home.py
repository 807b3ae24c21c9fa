"""The folder of the embedded mode, and the paths in it."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

# A unix socket's path may have 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock".
LONGEST_RUN_PATH = 85


class HomeError(Exception):
    """The folder cannot be used as it is; the message says what to do."""


@dataclass(frozen=True)
class Home:
    """Paths and addresses under `path` (TOM_HOME)."""

    path: Path

    @property
    def run(self) -> Path:
        """The folder of the sockets: in TOM_HOME, or a private one if that path is too long."""
        inside = self.path.absolute() / "run"
        if len(os.fsencode(inside)) <= LONGEST_RUN_PATH:
            return inside
        name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"counterpart-{os.getuid()}-{name}"

    @property
    def postgres_data(self) -> Path:
        return self.path.absolute() / "postgresql"

    @property
    def postgres_socket(self) -> Path:
        return self.run / "pg"

    @property
    def redis_data(self) -> Path:
        return self.path.absolute() / "redis"

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis.sock"

    @property
    def logs(self) -> Path:
        return self.path.absolute() / "log"

    @property
    def portal_settings(self) -> Path:
        """The file with the settings of a portal that runs on this machine, who holds its lock."""
        return self.path.absolute() / "portal.env"

    def portal(self) -> dict[str, str]:
        """Return the settings of the portal that runs on this machine; empty if none runs."""
        try:
            with self.portal_settings.open() as file:
                held = not _try_lock_shared(file)
                return dict(line.rstrip("\n").split("=", 1) for line in file) if held else {}
        except FileNotFoundError:
            return {}

    @property
    def demo(self) -> Path:
        return self.path.absolute() / "demo"

    @property
    def demo_loaded(self) -> Path:
        """The file that says that the demonstration night is whole."""
        return self.demo / "loaded"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.redis_socket}?virtual_host=0"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.redis_socket}?db=1"

    def database(self, role: str = "") -> dict[str, object]:
        """Django's description of the embedded database, as `role` reaches it; else its owner."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "counterpart",
            "USER": role or "counterpart",
            "HOST": str(self.postgres_socket),
            "CONN_MAX_AGE": 0,
            "OPTIONS": {"connect_timeout": 5},
        }

    def prepare(self) -> None:
        """Make the folders, private to their owner.

        Raises
        ------
        HomeError
            If a folder cannot be made, or one of ours belongs to somebody else.
        """
        for folder in (self.path, self.run, self.logs, self.redis_data):
            _make_private(folder)
        found = self.run.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            msg = (
                f"{self.run} belongs to somebody else: remove it or set TOM_HOME to another folder"
            )
            raise HomeError(msg)

    def secret(self, name: str, *, entropy_bytes: int = 50) -> str:
        """A secret of this home, made at its first use, in a file only its owner reads."""
        file = self.path / name
        with _usable(self.path):
            if not file.exists():
                _make_private(self.path)
                _write_secret(file, secrets.token_urlsafe(entropy_bytes))
            return file.read_text()


def _try_lock_shared(file: TextIO) -> bool:
    """Take the shared lock until the file is closed, if nobody holds it exclusively."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_secret(file: Path, text: str) -> None:
    """Write a draft, then link it: the first writer wins, and nobody reads a part of a secret."""
    descriptor, draft = tempfile.mkstemp(dir=file.parent)  # mode 0600
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    Path(draft).unlink()


def _make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter, if it is missing."""
    with _usable(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """Say in one line that a folder cannot be made or written."""
    try:
        yield
    except OSError as error:
        msg = f"{folder} cannot be used ({error.strerror}): set TOM_HOME to a folder of your own"
        raise HomeError(msg) from error
