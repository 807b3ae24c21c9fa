"""What a log line tells."""

import logging
import logging.config
import sys

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from tom.logs import LineFormatter, Repeats


def line(name: str, **extra: object) -> str:
    """A line as the settings have it, without its time."""
    told = dict(settings.LOGGING["formatters"]["line"])
    formatter = import_string(told.pop("()"))(told["format"], style=told["style"])
    logger = logging.getLogger(name)
    record = logger.makeRecord(name, logging.WARNING, "f", 1, "It failed", (), None, extra=extra)
    text: str = formatter.format(record)
    return text.partition(" WARNING ")[2]


def test_no_line_holds_the_link_of_an_invitation() -> None:
    link = "/invitation/s3cret-End_of/"
    refusal = logging.makeLogRecord({"name": "django", "msg": "Conflict: %s", "args": (link,)})
    try:
        int(f"http://host{link}?a=1")
    except ValueError:
        fault = logging.makeLogRecord({"name": "django", "exc_info": sys.exc_info()})

    told = [LineFormatter().format(record) for record in (refusal, fault)]

    assert told[0] == "Conflict: /invitation/.../"
    assert "'http://host/invitation/.../?a=1'" in told[1]
    assert "s3cret" not in told[1]


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


def passed(filtered: Repeats, text: str, *, level: int = logging.WARNING) -> str | None:
    """The line where it is let through."""
    record = logging.makeLogRecord({"name": "tom.x", "levelno": level, "msg": text})
    return record.getMessage() if filtered.filter(record) else None


def test_the_same_warning_is_written_once_a_minute_with_how_often_it_came() -> None:
    now = [0.0]
    filtered = Repeats(clock=lambda: now[0])
    said = []
    for second in range(130):
        now[0] = float(second)
        said.append(passed(filtered, "The broker is away"))

    assert [line for line in said if line] == [
        "The broker is away",
        "The broker is away [and 59 times more before]",
        "The broker is away [and 59 times more before]",
    ]


def test_other_warnings_and_what_is_no_warning_are_all_written() -> None:
    filtered = Repeats(clock=lambda: 0.0)

    assert [passed(filtered, text) for text in ("a", "b", "a")] == ["a", "b", None]
    assert [passed(filtered, "a", level=logging.INFO) for _ in range(3)] == ["a"] * 3
    assert passed(filtered, "a", level=logging.ERROR) == "a"


def test_the_settings_use_it() -> None:
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["repeats"]
    assert import_string(settings.LOGGING["filters"]["repeats"]["()"]) is Repeats
