"""The tasks that wait in the queues of a real Redis."""

from celery import current_app

from tom.queues import ALL

Nudge = tuple[str | int, ...]


def woken() -> set[Nudge]:
    """The tasks that wait on all queues, with their keys; the queues are emptied."""
    found: set[Nudge] = set()
    with current_app.connection_for_read() as broker:
        for queue in ALL.split(","):
            while (message := broker.default_channel.basic_get(queue, no_ack=True)) is not None:
                key = message.decode()[0] if message.body else []
                found.add((message.headers["task"].rpartition(".")[2], *key))
    return found
