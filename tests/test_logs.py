"""What a log line tells."""

import logging
import logging.config

import pytest
from django.conf import settings
from django.utils.module_loading import import_string


def line(name: str, **extra: object) -> str:
    """A line as the settings have it, without its time."""
    told = dict(settings.LOGGING["formatters"]["line"])
    formatter = import_string(told.pop("()"))(told["format"], style=told["style"])
    logger = logging.getLogger(name)
    record = logger.makeRecord(name, logging.WARNING, "f", 1, "It failed", (), None, extra=extra)
    text: str = formatter.format(record)
    return text.partition(" WARNING ")[2]


def test_our_own_lines_tell_what_they_are_about() -> None:
    told = line("tom.streams.pulse", broker="kafka.gcn.nasa.gov", detail="two\nlines", n=3)

    assert told == (
        "tom.streams.pulse: It failed (broker='kafka.gcn.nasa.gov', detail='two\\nlines', n=3)"
    )
    assert line("tom.intake") == "tom.intake: It failed"


@pytest.mark.parametrize("name", ["django.request", "tom_common.middleware"])
def test_what_libraries_add_is_left_out(name: str) -> None:
    assert line(name, request="GET /?token=1") == f"{name}: It failed"


def test_the_trace_follows_the_line(caplog: pytest.LogCaptureFixture) -> None:
    told = dict(settings.LOGGING["formatters"]["line"])
    formatter = import_string(told.pop("()"))(told["format"], style=told["style"])
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logging.getLogger("tom.x").exception("It failed", extra={"message_id": 7})

    text = formatter.format(caplog.records[-1])

    assert "It failed (message_id=7)\nTraceback" in text
