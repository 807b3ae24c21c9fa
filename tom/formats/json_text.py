"""JSON as senders write it: with halves of characters, a mark of byte order, in UTF-16."""

import json
from typing import Any

from pydantic_core import from_json

from tom.formats.errors import MalformedAlertError
from tom.formats.sizes import check_json
from tom.formats.values import clean


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
