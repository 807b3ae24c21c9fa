"""Log lines that tell what they are about."""

import logging

from django.conf import settings

from tom.redaction import hide

# What every record has; what is beside these was given as `extra`.
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime"}
OURS = "tom."


class LineFormatter(logging.Formatter):
    """Adds to our own lines what they were given as `extra`: `A message failed (message_id=7)`.

    Lines of libraries are left as they are: Django hands whole requests over as `extra`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, its traceback too, without the token of the portal."""
        line = super().format(record)
        return hide(line, settings.OCS_API_TOKEN) if settings.configured else line

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        line = super().formatMessage(record)
        if not record.name.startswith(OURS):
            return line
        more = [f"{name}={value!r}" for name, value in vars(record).items() if name not in _USUAL]
        return f"{line} ({', '.join(more)})" if more else line
