"""JSON as senders write it: with halves of characters, a mark of byte order, in UTF-16."""

import codecs
import json
from typing import Any, Final

from pydantic_core import from_json

from tom.formats.errors import MalformedAlertError
from tom.formats.sizes import check_json
from tom.formats.values import clean

# The longer marks first: one begins with another.
MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_json(payload: bytes) -> Any:
    """Read JSON; what the strict reader refuses is read by the tolerant one, its texts cleaned.

    Raises
    ------
    MalformedAlertError
        If it is no JSON, nested too deeply, or holds more than any message.
    """
    check_json(payload)
    try:
        return from_json(payload, allow_inf_nan=True)
    except ValueError as error:
        refusal = f"not JSON: {error}"
    try:
        return cleaned(json.loads(payload))
    except (ValueError, RecursionError):
        raise MalformedAlertError(refusal) from None


def cleaned(value: Any) -> Any:
    """Clean every text of what JSON holds."""
    match value:
        case str():
            return clean(value)
        case list():
            return [cleaned(item) for item in value]
        case dict():
            return {clean(key): cleaned(item) for key, item in value.items()}
        case _:
            return value


def read_json_fields(payload: bytes) -> dict[str, Any] | None:
    """Read a JSON object, its texts cleaned; None for anything else, or one nested too deeply.

    Raises
    ------
    MalformedAlertError
        If it holds more than any message.
    """
    if not _is_marked(payload) and payload.lstrip()[:1] != b"{":
        return None
    check_json(payload)
    try:
        message = read_json(payload)
    except MalformedAlertError:
        return None
    if not isinstance(message, dict):
        return None
    # The strict reader, which reads nearly all, leaves nothing but this to be cleaned.
    return cleaned(message) if b"\\u0000" in payload else message


def _is_marked(payload: bytes) -> bool:
    """Whether a mark of byte order comes first."""
    return payload.startswith((codecs.BOM_UTF8, *(mark for mark, _ in MARKS)))
