"""Logs of the embedded mode, with limited size: each file, and one older file."""

import shutil
from pathlib import Path

LARGEST_BYTES = 20_000_000


def rotate_logs(folder: Path, *, largest_bytes: int = LARGEST_BYTES) -> list[Path]:
    """Move what a log beyond its size holds to `NAME.log.1`, and return such logs.

    Whoever writes goes on in the emptied file, for all of them append. A line written in between
    may be lost.
    """
    rotated = []
    for log in sorted(folder.glob("*.log")):
        if log.stat().st_size > largest_bytes:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as file:
                file.truncate()
            rotated.append(log)
    return rotated
