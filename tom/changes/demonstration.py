"""What the loader of the demonstration night last said of itself, for the pages."""

from django.core.cache import cache

KEY = "demonstration"
# Longer than the loader is ever silent: what a killed one said is forgotten after this.
SECONDS = 180


def say_progress(text: str) -> None:
    """Say how far the night is."""
    cache.set(KEY, text, timeout=SECONDS)


def forget_progress() -> None:
    """Say that the demonstration night is finished."""
    cache.delete(KEY)


def read_progress() -> str:
    """How far the night is; empty where none is being made."""
    found = cache.get(KEY)
    return found if isinstance(found, str) else ""
