"""The workers' sign of life. The sweep writes it: so beat, the broker and a worker run."""

from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

KEY = "heartbeat"


def beat() -> None:
    """Store that a worker has just done a task from beat."""
    cache.set(KEY, timezone.now(), timeout=None)


def last_beat() -> datetime | None:
    """Return the time of the last `beat`; None if there was none."""
    found = cache.get(KEY)
    return found if isinstance(found, datetime) else None
