"""Work on a second connection to the database, while the test's own transaction is open."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from django.db import connection

WAIT_SECONDS = 120


def begin(work: Callable[[], Any]) -> "Future[Any]":
    """Begin `work` on another connection; return once it has ended or waits for a lock."""
    pids: SimpleQueue[int] = SimpleQueue()

    def run() -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids.put(cursor.fetchone()[0])
            return work()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    begun = pool.submit(run)
    pool.shutdown(wait=False)
    pid, deadline = pids.get(timeout=WAIT_SECONDS), time.monotonic() + WAIT_SECONDS
    while not begun.done() and not _waits(pid):
        assert time.monotonic() < deadline, "neither ended nor waiting"
        time.sleep(0.01)
    return begun


def _waits(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)", [pid])
        waits: bool = cursor.fetchone()[0]
    return waits
