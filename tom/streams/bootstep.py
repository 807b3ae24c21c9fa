"""A part of a Celery worker that listens to the streams: `celery -A tom worker -Q ingest -P solo`.

It is there in a worker that takes from the queue `ingest`, so that one tool starts, supervises and
inspects everything. Its pool must not fork: the threads of a Kafka client do not survive that.
"""

import threading
import time
from typing import Any, ClassVar, Final

from celery import bootsteps

QUEUE: Final = "ingest"
STOP_SECONDS: Final = 2.5


class StreamListening(bootsteps.StartStopStep):
    """One listener thread for each source, and one that follows what is to be read."""

    requires = ("celery.worker.components:Pool",)
    wake: ClassVar[Any]
    regions: ClassVar[Any]
    backlog: ClassVar[Any]

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._listeners: Any = None
        self._thread: threading.Thread | None = None

    def include_if(self, parent: Any) -> bool:
        return QUEUE in parent.app.amqp.queues.consume_from

    def start(self, parent: Any) -> None:
        # Not before: the worker sets up Django after this module was imported.
        from tom.streams.listen import Listener
        from tom.streams.listeners import Listeners

        given = {name: getattr(type(self), name) for name in ("wake", "regions", "backlog")}
        self._listeners = Listeners(lambda source: Listener(source, **given))
        self._thread = threading.Thread(target=self._listeners.run, name="streams", daemon=True)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        if self._thread is None:
            return
        deadline = time.monotonic() + STOP_SECONDS
        self._listeners.stop_following()
        self._thread.join(1)
        self._listeners.stop(seconds=max(0.0, deadline - time.monotonic()))
        self._thread = None

    def terminate(self, parent: Any) -> None:
        self.stop(parent)
