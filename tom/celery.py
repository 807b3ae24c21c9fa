"""The Celery application; its settings are the CELERY_ ones of tom.settings."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from celery import Celery

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


app = App("tom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["tom.pipeline"]


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


app.steps["worker"].add(Listening)
