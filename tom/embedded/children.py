"""Start a child process that ends with its parent, and end it within a time limit."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522


def start(
    argv: Sequence[str | Path],
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    last_signal: signal.Signals = signal.SIGTERM,
    as_user: tuple[int, int] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` as a child; its output is added to `log`, or goes to our output without one.

    The child has its own session, so that only the supervisor gets Ctrl-C. If its parent dies, the
    kernel sends it `last_signal` (Linux).
    """
    with log.open("ab") if log else nullcontext() as out:
        return subprocess.Popen(  # noqa: S603  our own command lines
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out and subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_prepare_child(last_signal, as_user),
        )


def _prepare_child(
    last_signal: signal.Signals, as_user: tuple[int, int] | None
) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        if as_user is not None:
            _become(libc, *as_user)
        libc.prctl(PR_SET_PDEATHSIG, int(last_signal))  # after the change of user, which clears it

    return prepare


def _become(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Change the user for good, keeping only the right to enter folders closed to it."""
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):  # containers often lack the first
        if _keep_capability(libc, capability):
            break


def _keep_capability(libc: ctypes.CDLL, capability: int) -> bool:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable
    if libc.capset(header, data) != 0:
        return False
    return bool(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def stop(child: subprocess.Popen[bytes], *, first: signal.Signals, seconds: float) -> None:
    """Ask the child to end; kill it if it has not ended after `seconds`."""
    if child.poll() is not None:
        return
    child.send_signal(first)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def wait_until(
    ready: Callable[[], bool], *, child: subprocess.Popen[bytes], seconds: float
) -> bool:
    """Wait until `ready()` is true; return False if the child ends or the time is over before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return True
        if child.poll() is not None:
            return False
        time.sleep(0.05)
    return False
