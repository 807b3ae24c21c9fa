"""Bytes that a JSON message holds as text."""

import base64
import binascii
from typing import Any


def decode_base64(value: Any) -> Any:
    """Turn base64 text, broken into lines or not, into bytes; what is not text stays.

    Raises
    ------
    ValueError
        If the text is not base64.
    """
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        reason = f"the map is not base64: {error}"
        raise ValueError(reason) from error
