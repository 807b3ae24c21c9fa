"""The Celery application; its settings are the CELERY_ ones of tom.settings."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from celery import Celery, Task, bootsteps
from celery.signals import task_postrun, task_prerun
from django.db import close_old_connections, connections

from tom import queues
from tom.streams.bootstep import StreamListening

if TYPE_CHECKING:
    from tom.sky.arrays import IntArray

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")

# Whoever sends a task may be a web request: a broker that is away is known at once, one that hangs
# after these seconds, twice. Workers, which read, keep the patience of the settings.
WRITE_OPTIONS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
}


class App(Celery):
    """Celery with little patience where it sends."""

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        patience = {"transport_options": WRITE_OPTIONS}
        return super().connection_for_write(url, **(patience | options))


# A worker keeps its connection to the database so long: each new one takes some ten milliseconds of
# the processors, ours and the database's. The memory of a kept one grows.
KEPT_SECONDS = 60

app = App("tom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["tom.pipeline", "tom.sweeping"]


def _wake(message_ids: Mapping[str, Sequence[int]]) -> None:
    from tom.pipeline import wake

    wake(message_ids)


def _regions(now: datetime) -> "IntArray":
    from tom.candidates.open_regions import open_regions

    return open_regions(now)


def _backlog() -> int:
    from tom.scoring.backlog import count_backlog

    return count_backlog()


class Listening(StreamListening):
    """The listeners: they wake the pipeline, ask for events' regions, and wait for scoring."""

    wake = staticmethod(_wake)
    regions = staticmethod(_regions)
    backlog = staticmethod(_backlog)


class KeptConnections(bootsteps.Step):
    """Keeps connections to the database from task to task, and tries each before it is used again.

    The worker that calls others keeps none: its many threads mostly wait.
    """

    def include_if(self, parent: Any) -> bool:
        return queues.CALLER not in parent.app.amqp.queues.consume_from

    def create(self, parent: Any) -> None:
        kept = {"CONN_MAX_AGE": KEPT_SECONDS, "CONN_HEALTH_CHECKS": True}
        connections.settings["default"].update(kept)


def _close_old(sender: "Task[..., None]", **_: object) -> None:
    """Do at a task's start and end what Django does at those of a request.

    A task that is called in its caller's process uses the caller's connection.
    """
    if not sender.request.is_eager:
        close_old_connections()


# Before and after each task Celery would close every connection, whatever its age.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
task_prerun.connect(_close_old)
task_postrun.connect(_close_old)

app.steps["worker"].add(Listening)
app.steps["worker"].add(KeptConnections)
