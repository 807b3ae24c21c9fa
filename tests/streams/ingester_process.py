"""The Celery worker that listens, in a process of its own, on the test's database.

Usage: python -m tests.streams.ingester_process DATABASE QUEUE
"""

import sys

from django.conf import settings


def main(database: str, queue: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    from tom.celery import app

    app.worker_main(
        ["worker", "-n", "ingest@%h", "-Q", queue, "-P", "solo", "--loglevel=INFO",
         "--without-gossip", "--without-mingle"]
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
