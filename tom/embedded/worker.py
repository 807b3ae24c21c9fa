"""A Celery worker during a command, if no supervisor runs one."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tom import queues
from tom.embedded.children import start, stop
from tom.embedded.home import Home
from tom.embedded.run import ALONE
from tom.embedded.supervisor import ROOT


@contextmanager
def working(home: Home) -> Iterator[None]:
    """Run a worker, with the sweep, during the block."""
    if not os.environ.get(ALONE):
        yield  # a supervisor, or production, keeps the workers
        return
    argv = (sys.executable, "-m", "celery", "-A", "tom", "worker", "--loglevel=INFO", "-B")
    options = ("-s", str(home.run / "beat"), "-n", "alone@%h", "-Q", queues.ALL, "-c", "2")
    child = start((*argv, *options), log=home.logs / "worker.log", cwd=ROOT)
    try:
        yield
    finally:
        stop(child, first=signal.SIGTERM, seconds=8)
