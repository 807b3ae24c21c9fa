"""The sign of life of the workers: written by the sweep, so beat, broker and a worker are up."""

from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

KEY = "heartbeat"


def beat() -> None:
    """Say that a worker has just done a task of beat's."""
    cache.set(KEY, timezone.now(), timeout=None)


def last_beat() -> datetime | None:
    """When a worker last did so; None if never."""
    found = cache.get(KEY)
    return found if isinstance(found, datetime) else None
