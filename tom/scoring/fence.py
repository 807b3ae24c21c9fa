"""Fence a process in before it runs what a person of the site added: `shut_in`.

The process gets new namespaces of Linux: no network, no other process, no shared memory, and a
tree of files with the libraries and the code alone, which it cannot change. Then it gives up all
privileges. Where the kernel gives no namespaces, only the limits of the system hold.
"""

import ctypes
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# From linux/sched.h, linux/mount.h and linux/prctl.h.
NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NETWORK = (
    *(0x00020000, 0x08000000, 0x10000000),
    *(0x20000000, 0x40000000),
)
READ_ONLY, NO_SUID, NO_DEVICES, REMOUNT = 1, 2, 4, 32
BIND, RECURSIVE, PRIVATE, DETACH = 4096, 16384, 1 << 18, 2
DIE_WITH_PARENT, NO_DUMP, NO_NEW_PRIVILEGES = 1, 4, 38
CAPABILITIES_V3 = 0x20080522
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CAPSET = {"x86_64": 126, "aarch64": 91}
INSIDE_ID = 1000
BY_SIGNAL = 128  # an exit code beyond it tells the signal that ended the process below

OPEN_FILES: Final = 64
PROCESSES: Final = 16
PROJECT: Final = Path(__file__).parents[2]
"""Only the folders `tom` and `ml_plugins` of it are seen: others may hold secrets."""


def shut_in(memory_mb: int) -> bool:
    """Shut this process in; return whether it has namespaces of its own.

    What it has imported so far stays usable. The caller goes on in a process below this one, which
    ends with it. Standard output and error go nowhere. Without namespaces of its own its working
    folder is gone, and so relative paths lead nowhere.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _close_all()
    fenced = _has_own_namespaces()
    if not fenced:
        _stand_nowhere()
    limit = memory_mb * 1024 * 1024
    _limit(resource.RLIMIT_AS, limit)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if fenced:
        _limit(resource.RLIMIT_NPROC, PROCESSES)  # of its namespace; it does not hold for root
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # to write is an error, not an end
    _prctl(NO_NEW_PRIVILEGES, 1)
    _prctl(NO_DUMP, 0)
    return fenced


def _stand_nowhere() -> None:
    """Make the working folder one that is gone: an ONNX model may name files below that folder."""
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    Path(gone).rmdir()


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _close_all() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.close(null)


def _has_own_namespaces() -> bool:
    machine = platform.machine()
    if sys.platform != "linux" or machine not in PIVOT_ROOT:
        return False
    user, group = os.getuid(), os.getgid()
    _go_on_below()  # a process with threads cannot have its own namespaces
    if _libc().unshare(NEW_USER | NEW_MOUNTS | NEW_NETWORK | NEW_IPC | NEW_PIDS) != 0:
        return False
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{INSIDE_ID} {user} 1"),
        ("gid_map", f"{INSIDE_ID} {group} 1"),
    ):
        _write(f"/proc/self/{name}", line.encode())
    _see_only(_roots(), machine)
    _go_on_below()  # the first process of a namespace takes no signal but from outside
    _go_on_below()
    _give_up_privileges(machine)
    return True


def _write(path: str, data: bytes) -> None:
    """Write to a file; no codec is imported for it, as Python's files may be out of reach now."""
    number = os.open(path, os.O_WRONLY)
    os.write(number, data)
    os.close(number)


def _roots() -> list[Path]:
    """Return the folders that are seen: of the system's libraries, of Python's, and our code."""
    system = [Path(name) for name in ("/usr", "/lib", "/lib64", "/bin") if Path(name).is_dir()]
    python = [Path(name).resolve() for name in {sys.base_prefix, sys.prefix, sys.exec_prefix}]
    packages = [Path(name) for name in sys.path if name.endswith("-packages")]
    found: list[Path] = []
    for root in (*system, *python, *packages, PROJECT / "tom", PROJECT / "ml_plugins"):
        is_seen = any(root.is_relative_to(other) for other in found)
        if root.is_dir() and root != Path("/") and not is_seen:
            found.append(root)
    return found


def _see_only(roots: Sequence[Path], machine: str) -> None:
    """Make a tree of these folders alone, read-only, and leave the old one."""
    top = "/proc"  # any folder that is there and has no code: it is covered
    _mount(None, "/", RECURSIVE | PRIVATE)
    _mount("tmpfs", top, NO_SUID | NO_DEVICES, kind="tmpfs", how="size=1m")
    for root in roots:
        place = f"{top}{root}"
        Path(place).mkdir(parents=True, exist_ok=True)
        _mount(str(root), place, BIND | RECURSIVE)
        _mount(None, place, BIND | REMOUNT | READ_ONLY | NO_SUID | NO_DEVICES)
    os.chdir(top)
    if _libc().syscall(PIVOT_ROOT[machine], b".", b".") != 0:
        _fail("pivot_root")
    if _libc().umount2(b".", DETACH) != 0:
        _fail("umount2")
    os.chdir("/")
    _mount(None, "/", BIND | REMOUNT | READ_ONLY | NO_SUID | NO_DEVICES)


def _go_on_below() -> None:
    """Go on in a new process; this one waits for it, and ends as it does."""
    child = os.fork()
    if child == 0:
        _prctl(DIE_WITH_PARENT, signal.SIGKILL)
        return
    os.closerange(3, 4096)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0 or code > BY_SIGNAL:
        ended_by = -code if code < 0 else code - BY_SIGNAL
        os.kill(os.getpid(), ended_by)  # a namespace's first process ignores it
        os._exit(BY_SIGNAL + ended_by)
    os._exit(code)


def _give_up_privileges(machine: str) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0)
    if _libc().syscall(CAPSET[machine], header, (ctypes.c_uint32 * 6)()) != 0:
        _fail("capset")


def _mount(
    what: str | None, where: str, flags: int, *, kind: str | None = None, how: str | None = None
) -> None:
    given = [None if text is None else text.encode() for text in (what, where, kind, how)]
    if _libc().mount(given[0], given[1], given[2], ctypes.c_ulong(flags), given[3]) != 0:
        _fail(f"mount {where}")


def _prctl(what: int, value: int) -> None:
    if _libc().prctl(what, ctypes.c_ulong(value), 0, 0, 0) != 0:
        _fail("prctl")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _fail(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")
