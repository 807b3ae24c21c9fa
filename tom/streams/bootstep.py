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
    """One listener thread for each broker of the setting STREAMS."""

    requires = ("celery.worker.components:Pool",)
    wake: ClassVar[Any]

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._threads: list[tuple[Any, threading.Thread]] = []

    def include_if(self, parent: Any) -> bool:
        return QUEUE in parent.app.amqp.queues.consume_from

    def start(self, parent: Any) -> None:
        # Not before: the worker sets up Django after this module was imported.
        from django.conf import settings

        from tom.streams.listen import Listener
        from tom.streams.sources import read_sources

        for source in read_sources(settings.STREAMS):
            listener = Listener(source, wake=type(self).wake)
            thread = threading.Thread(target=listener.run, name=source.broker, daemon=True)
            thread.start()
            self._threads.append((listener, thread))

    def stop(self, parent: Any) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for listener, _ in self._threads:
            listener.stop()
        for _, thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads.clear()

    def terminate(self, parent: Any) -> None:
        self.stop(parent)
