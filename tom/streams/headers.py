"""The headers of a Kafka message as they are stored: texts of limited length.

hop-client writes `_id`, `_sender`, `_format` and, on a test, `_test`; others may write anything.
"""

from collections.abc import Iterable
from typing import Any, Final

from tom.formats.values import clean

MOST_HEADERS: Final = 40
MOST_NAME: Final = 100
MOST_VALUE: Final = 1000
_FORMAT: Final = "_format"
# The names that hop-client gives to the classes of its messages.
_FORMATS: Final = frozenset({"voevent", "circular", "json", "avro", "blob", "external"})

Headers = list[list[str]]


def read_headers(headers: Iterable[tuple[str, Any]] | None) -> Headers:
    """Return each name with its value: as text, or as hexadecimal digits if it is not text."""
    some = list(headers or ())[:MOST_HEADERS]
    return [[clean(name)[:MOST_NAME], _text(value)[:MOST_VALUE]] for name, value in some]


def find_id(headers: Iterable[tuple[str, Any]] | None) -> str:
    """Return hop's id of a message in hexadecimal digits; empty where it has none."""
    ids = [value for name, value in headers or () if name == "_id" and value]
    return ids[0].hex() if ids and isinstance(ids[0], bytes) else ""


def is_test(headers: Iterable[tuple[str, Any]] | None) -> bool:
    """Whether its sender marked a message as a test, in hop's way."""
    return any(name == "_test" for name, _ in headers or ())


def describe_format(headers: object) -> str:
    """Return the sender's name for a message's form, from hop's header; empty if there is none."""
    for pair in headers if isinstance(headers, list) else ():
        match pair:
            case [name, str(value)] if name == _FORMAT:
                known = value.strip().lower() in _FORMATS
                return f"said to be {value.strip().lower() if known else 'of an unknown format'}"
    return ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, bytes):
        return clean(str(value))
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()
