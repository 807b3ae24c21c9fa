"""Single values of packets that plain data describes: by their path, signs, names."""

import re
from collections.abc import Mapping
from typing import Any, Final

from tom.formats.errors import MalformedAlertError

_NAME: Final = re.compile(r"[A-Za-z0-9_.+-]{1,80}")


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value at a path; None where there is none, or where the path is empty."""
    value: Any = record
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value if path else None


def name_at(record: Mapping[str, Any], path: str) -> str | None:
    """The text at a path, where it may name a thing."""
    value = value_at(record, path)
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def usable_name(value: Any, what: str) -> str:
    """Read a name or a number as the name of an object.

    Raises
    ------
    MalformedAlertError
        If it is missing, or no name.
    """
    name = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        reason = f"no usable {what}: it is missing, or no name"
        raise MalformedAlertError(reason)
    return name
