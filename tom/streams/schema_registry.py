"""The registry of schemas: asked for an id that no survey published, once, and kept in the home."""

import json
import logging
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests
from django.conf import settings

from tom.changes.addresses import RestingError, begin_call, note_answer, note_silence
from tom.formats.errors import MalformedAlertError
from tom.formats.framed import supply_schema

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0
_MOST_BYTES: Final = 1024 * 1024
_ADDRESS: Final = "schema registry"


class NoSchemaError(Exception):
    """No schema could be had for an id; the text says why, and what to do."""


def learn_schema(number: int) -> None:
    """Make the schema with an id known to this process: from the home, or else from the registry.

    Raises
    ------
    NoSchemaError
        If none is set, it has none or does not answer, or what it has is no schema.
    """
    kept = _kept(number)
    schema = kept.read_bytes() if kept.exists() else _ask(number)
    try:
        supply_schema(number, schema)
    except MalformedAlertError as error:
        reason = f"the schema with the id {number} of the registry cannot be used: {error}"
        raise NoSchemaError(reason) from error
    if not kept.exists():
        _keep(kept, schema)


def _kept(number: int) -> Path:
    host = urlsplit(settings.SCHEMA_REGISTRY).netloc.rpartition("@")[2].replace(":", "_") or "none"
    folder: Path = settings.HOME.path / "schemas" / host
    return folder / f"{number}.avsc"


def _keep(path: Path, schema: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.write_bytes(schema)
    written.replace(path)


def _ask(number: int) -> bytes:
    if not settings.SCHEMA_REGISTRY:
        reason = f"its schema, id {number}, is not known: set SCHEMA_REGISTRY and replay it"
        raise NoSchemaError(reason)
    try:
        begin_call(_ADDRESS, seconds=2 * SECONDS)
    except RestingError as error:
        raise NoSchemaError(str(error)) from error
    try:
        body = _fetch(f"{settings.SCHEMA_REGISTRY.rstrip('/')}/schemas/ids/{number}")
    except requests.RequestException as error:
        # The error itself may quote the address, and a password in it.
        why = type(error).__name__
        note_silence(_ADDRESS, why)
        reason = f"its schema, id {number}, is not known, and the registry does not answer: {why}"
        raise NoSchemaError(reason) from error
    note_answer(_ADDRESS)
    return _schema_in(body, number)


def _fetch(url: str) -> tuple[int, bytes]:
    with requests.get(url, timeout=SECONDS, stream=True, allow_redirects=False) as answer:
        return answer.status_code, answer.raw.read(_MOST_BYTES + 1, decode_content=True)


def _schema_in(answer: tuple[int, bytes], number: int) -> bytes:
    status, body = answer
    if status != HTTPStatus.OK:
        reason = f"its schema, id {number}, is not known: the registry answers {status} to it"
        raise NoSchemaError(reason)
    try:
        schema = json.loads(body)["schema"]
        if not isinstance(schema, str) or len(body) > _MOST_BYTES:
            raise ValueError  # noqa: TRY301  told with the others below
        return schema.encode()
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        reason = f"its schema, id {number}, is not known: the registry's answer holds none"
        raise NoSchemaError(reason) from error
