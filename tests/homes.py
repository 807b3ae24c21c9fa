"""Homes whose tables are there already: made once for the run, then copied.

The tables take some twelve seconds of a processor to make, a copy of them a tenth of one.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from tests.environment import RUN_FOLDER

ROOT = Path(__file__).resolve().parents[1]


def give_tables(home: Path) -> None:
    """Copy PostgreSQL's data with our empty tables into a home that has none yet."""
    data = home.absolute() / "postgresql"
    if not data.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # With their owner: where root runs the tests, PostgreSQL runs as somebody else.
        subprocess.run(["cp", "-a", _made_home() / "postgresql", data], check=True)


def _made_home() -> Path:
    """The home that is copied, made by whichever process of the run wants it first.

    As a person's first command makes it: any command brings an empty home up to date.
    """
    home = RUN_FOLDER / "tables"
    with (RUN_FOLDER / "tables.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "made").exists():
            subprocess.run(
                [sys.executable, "manage.py", "showmigrations", "--plan"],
                cwd=ROOT,
                env={**os.environ, "TOM_HOME": str(home)},
                stdout=subprocess.DEVNULL,
                check=True,
                timeout=280,
            )
            (home / "made").touch()
    return home
