"""Logs of the embedded mode, with limited size: each file, and one older file."""

import shutil
from pathlib import Path

LARGEST_BYTES = 20_000_000


def rotate_logs(folder: Path, *, largest_bytes: int = LARGEST_BYTES) -> list[Path]:
    """Move the content of each log that is too large to `NAME.log.1`; return these logs.

    All writers append, so they go on in the emptied file. A line that is written during the move
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
