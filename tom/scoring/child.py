"""One scorer in its own process, which its parent may kill: `python -m tom.scoring.child`.

The process has no database, no setting and no secret. It gets the scorer's path and the limit of
memory, and answers batches until its parent ends. The output of a scorer goes to the log. For a
scorer that a person of the site added, the path is `-`: its parts come through the pipe, and the
process is shut in first (`tom.scoring.fence`).
"""

import json
import os
import pickle
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tom.scoring.contract import Scorer
from tom.scoring.faults import words_of
from tom.scoring.fence import shut_in
from tom.scoring.own import LOADING_SECONDS, OWN, PREFIX, WAITING_SECONDS, make_scorer
from tom.scoring.registry import load_scorer
from tom.scoring.runner import Breaker, Opinion, Outcome, explain_batch, run_scorer

# A timer of the system ends the child this long after the parent's limit: the parent may be gone.
ALARM_MARGIN_SECONDS = 10


def main(path: str, memory_mb: int, fd: int, more: str) -> None:
    """Load the scorer at `path`, send its name and version, answer until the parent ends.

    `more` is the folder of its artefact if that is not its own (empty: it is); for a scorer that a
    person added, the seconds without work after which the process ends.
    """
    os.nice(5)  # work for which a person waits comes first
    parent = Connection(fd)
    if path == OWN:
        scorer = _load_own(parent, memory_mb)
    else:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        limit = memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        scorer = _load_installed(parent, path, Path(more) if more else None)
    breaker = Breaker()
    parent.send_bytes(_bytes([scorer.spec.name, scorer.spec.version]))
    idle = float(more) if path == OWN else None
    while (job := _next(parent, idle)) is not None:
        what, batch, seconds = job
        signal.alarm(int(seconds) + ALARM_MARGIN_SECONDS)
        if what == "explain":
            answer: list[Any] = [asdict(each) for each in explain_batch(scorer, batch)]
        else:
            answer = [_plain(each) for each in run_scorer(scorer, batch, breaker=breaker)]
        signal.alarm(0)
        parent.send_bytes(_bytes(answer))


def _load_installed(parent: Connection, path: str, artefacts: Path | None) -> Scorer:
    """Load the scorer at `path`; what is wrong with it or its files is sent back."""
    try:
        return load_scorer(path, artefacts)
    except (ValueError, OSError) as error:
        parent.send_bytes(_bytes([str(error)]))
        raise


def _load_own(parent: Connection, memory_mb: int) -> Scorer:
    """Shut this process in, then make the scorer that the parent sends.

    What is wrong with it is sent back, as far as it can still be told.
    """
    packed = parent.recv_bytes()
    fenced = shut_in(memory_mb)
    # The system ends it, whatever its source does: who added it waits.
    signal.setitimer(signal.ITIMER_PROF, LOADING_SECONDS)
    signal.alarm(WAITING_SECONDS)
    try:
        scorer = make_scorer(packed, fenced=fenced)
        scorer.setup(Path("/"))
    # What a person brought may raise anything: it is told to them.
    except BaseException as error:
        parent.send_bytes(_bytes([words_of(error, PREFIX)]))
        raise
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)
    return scorer


def _bytes(answer: list[Any]) -> bytes:
    return json.dumps(answer).encode()


def _next(parent: Connection, idle: float | None) -> tuple[str, Any, float] | None:
    """Return the next job; None: the parent ended, or had none for `idle` seconds."""
    if idle is not None and not parent.poll(idle):
        return None
    try:
        job: tuple[str, Any, float] = pickle.loads(parent.recv_bytes())  # noqa: S301  our parent's
    except EOFError:
        return None
    return job


def _plain(outcome: Outcome) -> list[Any]:
    if isinstance(outcome, Opinion):
        return [outcome.object_id, list(outcome.probability), outcome.sigma]
    return [outcome.object_id, int(outcome.reason), outcome.detail]


if __name__ == "__main__":
    with suppress(ConnectionError):  # the parent was killed: nobody waits for an answer
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
