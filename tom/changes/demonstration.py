"""The last progress text of the demonstration night's loader, for the pages."""

from django.core.cache import cache

KEY = "demonstration"
# The loader writes more often than this. So the text of a killed loader disappears.
SECONDS = 180


def say_progress(text: str) -> None:
    """Store how far the night is, as a text."""
    cache.set(KEY, text, timeout=SECONDS)


def forget_progress() -> None:
    """Delete the text: the demonstration night is finished."""
    cache.delete(KEY)


def read_progress() -> str:
    """Return how far the night is; "" if no night is being made."""
    found = cache.get(KEY)
    return found if isinstance(found, str) else ""
