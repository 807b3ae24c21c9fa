"""Homes whose tables are there already: made once for all that makes them, then copied.

The tables take some twenty-four seconds of a processor to make, a copy of them a tenth of one.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.environment import RUN_FOLDER

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".pytest_cache" / "tables"
MADE_FROM = (
    "requirements.txt",
    "tom/settings.py",
    "tom/*/migrations/*.py",
    "tom/embedded/*.py",
    "tom/web/permissions.py",
)


def give_tables(home: Path) -> None:
    """Copy PostgreSQL's data with our empty tables into a home that has none yet."""
    data = home.absolute() / "postgresql"
    if not data.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        KEPT.mkdir(parents=True, exist_ok=True)
        with (KEPT / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _copy(_tables(), data)


def _tables() -> Path:
    """The data that are copied: kept from an earlier run, or made by who wants them first."""
    kept = KEPT / _fingerprint()
    if not kept.exists():
        _keep(_made_home() / "postgresql", kept)
    return kept


def _fingerprint() -> str:
    """What the tables are made from, as a word."""
    told = hashlib.sha256(sys.version.encode())
    for path in _made_from():
        told.update(f"{path.relative_to(ROOT)}\0".encode())
        told.update(path.read_bytes())
    return told.hexdigest()[:16]


def _made_from() -> Iterator[Path]:
    for pattern in MADE_FROM:
        yield from sorted(ROOT.glob(pattern))


def _made_home() -> Path:
    """A home as a person's first command makes it: any command brings an empty one up to date."""
    home = RUN_FOLDER / "tables"
    subprocess.run(
        [sys.executable, "manage.py", "showmigrations", "--plan"],
        cwd=ROOT,
        env={**os.environ, "TOM_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=280,
    )
    return home


def _keep(made: Path, kept: Path) -> None:
    """Keep what was made, in place of what older code had made."""
    for older in KEPT.glob("*/"):
        shutil.rmtree(older)
    unfinished = KEPT / "unfinished"
    _copy(made, unfinished)
    unfinished.replace(kept)


def _copy(data: Path, to: Path) -> None:
    # With their owner: where root runs the tests, PostgreSQL runs as somebody else.
    subprocess.run(["cp", "-a", data, to], check=True)


if __name__ == "__main__":  # before a run: its processes need not wait for one another
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("a") as own_lock:
        fcntl.flock(own_lock, fcntl.LOCK_EX)
        _tables()
