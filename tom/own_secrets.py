"""The secrets of the settings and those in use here, and what takes them all out of a text."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from django.conf import settings

from tom.redaction import hide

SECRET_SETTINGS: Final = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "OCS_API_TOKEN",
    "LASAIR_TOKEN",
    "LASAIR_LSST_TOKEN",
    "TREASURE_MAP_TOKEN",
    "TNS_API_KEY",
    "HOP_PASSWORD",
    "GCN_CLIENT_SECRET",
    "EMAIL_HOST_PASSWORD",
)
"""Texts, or lists of them, that are secrets as a whole."""
ADDRESS_SETTINGS: Final = (
    "BROKER_URL",
    "REDIS_URL",
    "OCS_PORTAL_URL",
    "GCN_TOKEN_URL",
    "TELL_URL",
    "CLASSES_URL",
    "LOOKUP_RELAY",
    "HOP_ARCHIVE",
    "SCHEMA_REGISTRY",
)
"""Addresses in which a password may stand."""
SECRET_ADDRESSES: Final = ("ALARM_WEBHOOK",)
"""Addresses that let in everybody who knows them."""
NESTED_SETTINGS: Final = (
    *("DATABASES", "CACHES", "FACILITIES", "FACILITY_ACCESS", "BROKERS", "DATA_SERVICES"),
)
"""Settings in parts, such as those of TOM Toolkit's brokers, with a secret among them."""

# Whatever is shorter stands in too many texts that tell nothing.
_LEAST: Final = 6
_LEAST_OF_PATH: Final = 12
_SECRET_NAME: Final = re.compile("pass|secret|token|key|credential", re.IGNORECASE)
_NO_SECRETS: Final = {"KEY_PREFIX", "KEY_FUNCTION"}  # of a cache


# The secrets of stored credentials that this process has used.
_used: set[str] = set()


def note_secret(secret: str) -> None:
    """Keep a secret out of every text that this process logs or stores from now on."""
    _used.add(secret)


def note_address(address: str) -> None:
    """Keep an address that lets in everybody who knows it, and its parts, out of every text."""
    _used.update(_parts(address))


def hide_secrets(text: str) -> str:
    """Take every secret that is known here out of a text, whatever its coding there."""
    return hide(text, *own_secrets())


def own_secrets() -> set[str]:
    """Return the secrets that the settings hold now, and those that were used here."""
    if not settings.configured:
        return set()
    return {secret for secret in (*_find(), *_used) if len(secret) >= _LEAST}


def _find() -> Iterator[str]:
    for name in SECRET_SETTINGS:
        yield from _texts(getattr(settings, name, None))
    for name in ADDRESS_SETTINGS:
        yield from _passwords(getattr(settings, name, None))
    for name in SECRET_ADDRESSES:
        yield from _parts(getattr(settings, name, None) or "")
    for name in NESTED_SETTINGS:
        yield from _nested(getattr(settings, name, None))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _nested(value: Any) -> Iterator[str]:
    """Yield what stands under the name of a secret, and the passwords in addresses."""
    if isinstance(value, dict):
        for name, inner in value.items():
            named = _SECRET_NAME.search(str(name)) and name not in _NO_SECRETS
            yield from _texts(inner) if named else ()
            yield from _nested(inner)
    else:
        for text in _texts(value):
            yield from _passwords(text)


def _passwords(address: Any) -> Iterator[str]:
    if not isinstance(address, str) or "@" not in address:
        return
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        return
    yield from (password, unquote(password))


def _parts(address: str) -> Iterator[str]:
    """Yield an address, its path and query, and each part of them by which alone it is known."""
    yield address
    yield from _passwords(address)
    parts = urlsplit(address)
    long = [parts.path, *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    yield from (part for part in long if len(part) >= _LEAST_OF_PATH)
