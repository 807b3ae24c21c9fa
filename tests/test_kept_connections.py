"""A worker keeps its connection to the database, and survives its loss: a real worker."""

import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM

import pytest
from celery import current_app
from django.db import connection

from tests import factories
from tests.peers.site import WORKER, site_environment
from tests.streams.packets import make_gwalert_json
from tom import queues
from tom.embedded.children import start, stop
from tom.pipeline import ingest, nudge
from tom.streams.models import AlertMessage, MessageState

SECONDS = 60


@pytest.mark.timeout(280)
def test_a_worker_keeps_its_connection_and_survives_its_loss(
    tmp_path: Path, transactional_db: None
) -> None:
    with current_app.connection_for_read() as broker:
        for queue in queues.ALL.split(","):
            broker.default_channel.queue_purge(queue)
    # No beat, so no sweep: a message is stored by the task that is woken here, or never.
    argv = [*WORKER, "-c", "1", "-Q", queues.WORKER, "-n", "worker@test"]
    worker = start(argv, log=tmp_path / "worker.log", environment=site_environment(tmp_path))
    try:
        first = waiting_alert("S261120a")
        wait_for(lambda: is_stored(first, wake=True))
        before = backends()
        wake_and_wait(waiting_alert("S261120b"))
        kept = before & backends()
        end(kept)  # as a restart of PostgreSQL does
        wake_and_wait(waiting_alert("S261120c"))
    finally:
        stop(worker, first=SIGTERM, seconds=8)

    assert kept


def waiting_alert(superevent_id: str) -> int:
    return factories.make_message(
        make_gwalert_json(superevent_id=superevent_id, event={"skymap": None}),
        state=MessageState.RECEIVED,
        kind="igwn.json",
    ).pk


def is_stored(pk: int, *, wake: bool = False) -> bool:
    """Whether an alert is stored; a worker that still begins may be woken again and again."""
    if wake:
        nudge(ingest, pk)
        time.sleep(1)
    return AlertMessage.objects.filter(pk=pk, state=MessageState.STORED).exists()


def wake_and_wait(pk: int) -> None:
    nudge(ingest, pk)
    wait_for(lambda: is_stored(pk))
    time.sleep(1)  # the task ends after its commit


def wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def backends() -> set[int]:
    """The backends of all other connections to the test's database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def end(pids: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", [list(pids)])
