"""A listener in a process of its own, on the test's database, to be killed.

Usage: python -m tests.streams.listener_process DATABASE (URL | stream:KEY) [MOMENT]

At the MOMENT `stored` or `committed` it kills itself: when the first batch's rows are written but
not committed, or when they are committed but the broker has not been told.
"""

import os
import signal
import sys
from typing import Any

import django
from django.conf import settings


def main(database: str, url: str, moment: str = "") -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from tests.peers.kafka import SHORT_SESSION_SECONDS
    from tests.streams.quiet import QUIET
    from tom.streams import consuming, pubsub_feed
    from tom.streams.listen import Listener
    from tom.streams.reading import read_now
    from tom.streams.sources import read_source

    consuming.SESSION_SECONDS = SHORT_SESSION_SECONDS
    pubsub_feed.LEASE_SECONDS = 2
    if moment:
        _die_at(moment)
    kind, _, key = url.partition(":")
    if kind == "stream":
        [source] = [each for each in read_now() if each.stream == int(key)]
    else:
        source = read_source(url)
    Listener(source, **QUIET, wake=_sleep_on).run()


def _die_at(moment: str) -> None:
    from tom.streams import consuming, listen, pubsub_feed

    store = listen.store_prepared

    def store_and_die(prepared: Any) -> None:
        store(prepared)
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "stored":
        listen.store_prepared = store_and_die
    else:
        for reader in (consuming.Reader, pubsub_feed.Subscriptions):
            reader.mark_kept = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


def _sleep_on(_: Any) -> None:
    """Leave what was kept to the sweep."""


if __name__ == "__main__":
    main(*sys.argv[1:])
