"""A plan's process, seen from its parent, which ends it if it takes too long."""

import json
import os
import subprocess
import sys
from threading import Timer
from typing import IO, Any, Final

from tom.planning.schedule import Tell

MEMORY_MB: Final = 4000
"""The most address space of a plan's process. Most of it is never used."""
ALARM_MARGIN_SECONDS: Final = 10
ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class PlanFailedError(Exception):
    """There is no plan; the text says why. To work on it again does not help."""


def work_apart(
    task: dict[str, Any], packed: bytes, *, seconds: float, tell: Tell
) -> dict[str, Any]:
    """Work on a task in a process of its own.

    Parameters
    ----------
    task
        As `write_task` returns it.
    packed
        The packed map.
    seconds
        After which the process is killed.
    tell
        Is called with each step.

    Raises
    ------
    PlanFailedError
        If the process took too long, or ended without a result.
    """
    child = subprocess.Popen(  # noqa: S603  our own module
        [sys.executable, "-m", "tom.planning.child", str(MEMORY_MB),
         str(int(seconds) + ALARM_MARGIN_SECONDS)],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    late = Timer(seconds, child.kill)
    with child:
        late.start()
        try:
            done = _talk(child, json.dumps(task).encode() + b"\n" + packed, tell)
        finally:
            in_time = late.is_alive()
            late.cancel()
            child.kill()
    if done is None:
        message = "its process ended by itself" if in_time else f"it took longer than {seconds:g} s"
        raise PlanFailedError(message)
    if "failed" in done:
        raise PlanFailedError(str(done["failed"]))
    return dict(done["done"])


def _talk(child: "subprocess.Popen[bytes]", asked: bytes, tell: Tell) -> dict[str, Any] | None:
    """Ask, and read what is told until a result comes; None: none came."""
    assert child.stdin is not None  # noqa: S101
    assert child.stdout is not None  # noqa: S101
    if not _write(child.stdin, asked):
        return None
    for line in child.stdout:
        told = json.loads(line)
        if "step" not in told:
            return dict(told)
        tell(told["step"])
    return None


def _write(pipe: IO[bytes], asked: bytes) -> bool:
    try:
        pipe.write(asked)
        pipe.close()
    except BrokenPipeError:
        return False
    return True


def _environment() -> dict[str, str]:
    """Return the environment of the process: the paths of modules, and no secret."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
