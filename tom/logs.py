"""Log lines that tell what they are about, and do not fill the disk with one thing."""

import logging
import re
import time
from collections.abc import Callable

from django.core.exceptions import PermissionDenied

from tom.own_secrets import hide_secrets

# What every record has; what a record has more was given as `extra`.
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime"}
OURS = "tom."
# Django logs the address of each refused request; this address lets in everybody who knows it.
_INVITATION = re.compile(r"(/invitation/)[^/\s]+")


class LineFormatter(logging.Formatter):
    """Adds to our own lines what they were given as `extra`: `A message failed (message_id=7)`.

    Lines of libraries are left as they are: Django hands whole requests over as `extra`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, its traceback too, without our secrets or an invitation's link."""
        return hide_secrets(_INVITATION.sub(r"\1...", super().format(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        line = super().formatMessage(record)
        if not record.name.startswith(OURS):
            return line
        more = [f"{name}={value!r}" for name, value in vars(record).items() if name not in _USUAL]
        return f"{line} ({', '.join(more)})" if more else line


class Refusals(logging.Filter):
    """Takes the trace off what Django logs where somebody may not do something.

    It is no fault of ours: the line says which page it was.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            record.exc_info = None
        return True


class Repeats(logging.Filter):
    """Lets the same warning through once in a while, with how often it came meanwhile.

    An outage is said every second by everyone whom it stops.
    """

    SECONDS = 60.0
    MOST = 1000

    def __init__(self, name: str = "", *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name)
        self._clock = clock
        self._said: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        # By what it says, not by its trace, whose addresses differ.
        text, now = record.getMessage(), self._clock()
        what = (record.name, record.levelno, text)
        since, swallowed = self._said.get(what, (now - self.SECONDS, 0))
        if now - since < self.SECONDS:
            self._said[what] = (since, swallowed + 1)
            return False
        if len(self._said) >= self.MOST:
            self._said.clear()
        self._said[what] = (now, 0)
        if swallowed:
            record.msg, record.args = f"{text} [and {swallowed} times more before]", ()
        return True
