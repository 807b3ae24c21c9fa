"""A listener in a process of its own, on the test's database, to be killed.

Usage: python -m tests.streams.listener_process DATABASE URL
"""

import sys
from typing import Any

import django
from django.conf import settings


def main(database: str, url: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from tests.peers.kafka import SHORT_SESSION_SECONDS
    from tom.streams import consuming
    from tom.streams.listen import Listener
    from tom.streams.sources import read_source

    consuming.SESSION_SECONDS = SHORT_SESSION_SECONDS
    Listener(read_source(url), wake=_sleep_on).run()


def _sleep_on(_: Any) -> None:
    """Leave what was kept to the sweep."""


if __name__ == "__main__":
    main(*sys.argv[1:])
