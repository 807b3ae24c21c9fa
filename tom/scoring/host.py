"""A scorer's process, seen from its parent: it is started when needed, and killed if it fails.

The parent limits and checks the child's answers: a plugin may be wrong in any way.
"""

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import numpy as np

from tom.formats.values import finite
from tom.scoring.contract import MOST_POINTS, Batch, Contribution, Reason, ScorerSpec
from tom.scoring.own import LOADING_SECONDS, OWN, WAITING_SECONDS, Parts
from tom.scoring.runner import MAX_DETAIL, Abstention, Opinion, Outcome, check_numbers

START_SECONDS: Final = 60.0
"""How long a scorer may take to load. The limit is long: a busy machine is not its fault."""
LEAVING_SECONDS: Final = 5.0
"""How long a process that closed its pipe may take to end: Python ends slowly on a busy machine."""
SLACK: Final = 10.0
"""A call may take the patience and this many times the declared time of its objects."""
MOST_BYTES: Final = 64 * 1024 * 1024
MOST_BYTES_OF_OWN: Final = 8 * 1024 * 1024
IDLE_SECONDS: Final = 600.0
"""After so long without work the process of one that a person added ends: it may be off."""
MOST_OF_LOADING: Final = 4000
"""How much is told of why one cannot be loaded: it may name all that it could have asked for."""
READING_SECONDS: Final = 5.0
"""How long an answer that has begun may take to come."""
ENDED: Final[dict[int, str]] = {
    signal.SIGPROF: f"it takes more than {LOADING_SECONDS:.0f} s of a processor to load",
    signal.SIGALRM: f"it takes more than {WAITING_SECONDS} s to load",
}
"""What a signal says that only one limit sends."""
ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

T = TypeVar("T")


class ScorerDiedError(Exception):
    """A scorer gave no usable answer, and its process was killed; the text says why."""


@dataclass
class Host:
    """One scorer's process. Safe to use from several threads: one at a time is served.

    Attributes
    ----------
    path : str
        The dotted path of its class.
    spec : ScorerSpec
        Its specification.
    memory_mb : int
        The most address space of its process, in MiB.
    patience_seconds : float
        How long one call may take, in addition to the time for its objects.
    artefacts : Path or None
        The folder of its artefact, if it is not the plugin's own.
    own : Parts or None
        The parts of a scorer that a person of the site added; then `path` is `OWN`.
    """

    path: str
    spec: ScorerSpec
    memory_mb: int
    patience_seconds: float
    artefacts: Path | None = None
    own: Parts | None = None
    _child: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _pipe: Connection | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @classmethod
    def of_own(cls, own: Parts, *, patience_seconds: float) -> Self:
        """Return the host of a scorer that a person of the site added."""
        return cls(OWN, own.spec, own.memory_mb, patience_seconds, own=own)

    def judge(self, batch: Batch) -> list[Outcome]:
        """Return one opinion or abstention per object, in the batch's order.

        Raises
        ------
        ScorerDiedError
            If the process ended, took too long, or gave an answer that breaks the contract.
        """
        return self._call("judge", batch, lambda told: _outcomes(told, batch, self.spec))

    def explain(self, batch: Batch) -> list[Contribution]:
        """Return the parts of each opinion; raises ScorerDiedError as `judge` does."""
        return self._call("explain", batch, lambda told: _contributions(told, batch))

    def stop(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _call(self, what: str, batch: Batch, read: Callable[[list[Any]], list[T]]) -> list[T]:
        seconds = self.patience_seconds + SLACK * self.spec.seconds_per_object * len(batch)
        job = pickle.dumps((what, batch, seconds))
        with self._lock:
            try:
                pipe = self._running()
                with self._ending(seconds + READING_SECONDS):
                    return read(_ask(pipe, job, seconds, self._most_bytes))
            except ScorerDiedError:
                self._end()
                raise
            except (EOFError, OSError) as error:
                reason = self._how_it_ended()
                raise ScorerDiedError(reason) from error
            # A scorer may answer anything: an answer that cannot be read is the scorer's fault.
            except (
                *(ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError),
            ) as error:
                self._end()
                msg = f"its answer breaks the contract: {error}"[:MAX_DETAIL]
                raise ScorerDiedError(msg) from error

    def _running(self) -> Connection:
        if self._pipe is not None and self._child is not None and self._child.poll() is None:
            return self._pipe
        self._end()
        self._pipe, theirs = Pipe()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "tom.scoring.child", self.path, str(self.memory_mb),
                 str(theirs.fileno()), self._more],
                env=_environment() if self.own is None else _bare_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )  # fmt: skip
        with self._ending(START_SECONDS + READING_SECONDS):
            if self.own is not None:
                self._pipe.send_bytes(self.own.pack())
            if not self._pipe.poll(START_SECONDS):
                msg = f"it was not loaded after {START_SECONDS:.0f} s"
                raise ScorerDiedError(msg)
            told = _list(json.loads(self._pipe.recv_bytes(self._most_bytes)))
        if len(told) == 1:
            msg = f"it cannot be loaded: {_clean(str(told[0]), most=MOST_OF_LOADING)}"
            raise ScorerDiedError(msg)
        if told != [self.spec.name, self.spec.version]:
            msg = f"it is another scorer now: {told}"[:MAX_DETAIL]
            raise ScorerDiedError(msg)
        return self._pipe

    @property
    def _more(self) -> str:
        if self.own is not None:
            return str(IDLE_SECONDS)
        return str(self.artefacts or "")

    @property
    def _most_bytes(self) -> int:
        return MOST_BYTES if self.own is None else MOST_BYTES_OF_OWN

    @contextmanager
    def _ending(self, seconds: float) -> Iterator[None]:
        """Kill the process if the block takes longer: half an answer would be waited for."""
        child = self._child
        late = threading.Timer(seconds, lambda: _kill_group(child) if child else None)
        late.daemon = True
        late.start()
        try:
            yield
        finally:
            late.cancel()

    def _how_it_ended(self) -> str:
        child = self._child
        if child is not None:
            with suppress(subprocess.TimeoutExpired):
                child.wait(LEAVING_SECONDS)  # it closed its pipe; its exit code comes when it ends
        self._end()
        code = child.returncode if child is not None else None
        if code is None or code >= 0:
            if self.own is not None:
                return f"it ended its own process, with {code}: it may not"
            return f"its process ended with {code}: see the scorers' log"
        return ENDED.get(-code) or f"its process was ended by {signal.Signals(-code).name}"

    def _end(self) -> None:
        pipe, child, self._pipe, self._child = self._pipe, self._child, None, None
        if child is not None:
            try:
                child.wait(0.2)  # if it ended by itself, its exit code says how
            except subprocess.TimeoutExpired:
                _kill(child)
        if pipe is not None:
            pipe.close()


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """Kill a process and the processes that it has started, and wait for its end."""
    _kill_group(child)
    child.wait(10)


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()


def _environment() -> dict[str, str]:
    """Return the environment of a scorer's process: the paths of modules, and no secret."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _bare_environment() -> dict[str, str]:
    """Return the environment of a process that runs what a person of the site brought."""
    return {**ONE_THREAD, "LANG": "C.UTF-8", "HOME": "/nonexistent",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # fmt: skip


def _ask(pipe: Connection, job: bytes, seconds: float, most_bytes: int) -> list[Any]:
    pipe.send_bytes(job)
    if not pipe.poll(seconds):
        msg = f"it took longer than {seconds:.0f} s"
        raise ScorerDiedError(msg)
    return _list(json.loads(pipe.recv_bytes(most_bytes)))


def _list(told: Any) -> list[Any]:
    if not isinstance(told, list):
        msg = "no list"
        raise TypeError(msg)
    return told


def _outcomes(told: Sequence[Any], batch: Batch, spec: ScorerSpec) -> list[Outcome]:
    names = batch.object_ids.tolist()
    if [each[0] for each in told] != names:
        msg = f"it names other objects than the {len(names)} it was asked for"
        raise ValueError(msg)
    outcomes = [_outcome(name, said, more, spec) for name, said, more in told]
    # The runner has checked this in the scorer's process, where the scorer may change all.
    said = [each for each in outcomes if isinstance(each, Opinion)]
    numbers = np.array([each.probability for each in said], float).reshape(-1, len(spec.classes))
    check_numbers(spec.kind, numbers, np.array([each.sigma for each in said], float))
    return outcomes


def _outcome(name: str, said: Any, more: Any, spec: ScorerSpec) -> Outcome:
    if isinstance(said, int):
        return Abstention(name, Reason(said), _clean(more))
    probability = tuple(map(float, said))
    if len(probability) != len(spec.classes):
        msg = "an opinion without a number for each class"
        raise ValueError(msg)
    return Opinion(name, probability, float(more))


def _contributions(told: Sequence[Any], batch: Batch) -> list[Contribution]:
    known = set(batch.object_ids.tolist())
    found = [
        Contribution(
            each["object_id"],
            _clean(each["name"]),
            float(each["log_lr"]),
            _clean(each["text"]),
            value=finite(each.get("value")),
            lines=_lines(each.get("lines", [])),
        )
        for each in told
    ]
    return [each for each in found if each.object_id in known and math.isfinite(each.log_lr)]


def _lines(told: Sequence[Any]) -> list[tuple[float, str, float]]:
    """Return the points of a small light curve; those that are not finite are left out."""
    points = [(float(day), _clean(band)[:8], float(mag)) for day, band, mag in told[:MOST_POINTS]]
    return [point for point in points if math.isfinite(point[0]) and math.isfinite(point[2])]


def _clean(text: str, *, most: int = MAX_DETAIL) -> str:
    """Return a text that the database can store."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]
