"""Which messages on Hopskotch their authors took back.

No message says so: HERMES sets a mark in Hopskotch's archive, and takes it away where its author
thinks again. So the archive is asked now and then, for topics that everybody may read.
API: https://github.com/scimma/archive-core and its `/topic/{name}?meta=true`
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import requests
from django.conf import settings
from django.db import transaction
from requests.exceptions import RequestException

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.formats.bson import read_document
from tom.formats.errors import MalformedAlertError
from tom.streams.models import AlertMessage, StreamHealth
from tom.streams.unreached import say_unreached

TOPICS: Final = "hermes."
"""How the topics begin on which people write."""
LOOKED_BACK: Final = timedelta(days=30)
"""Of so many days the messages are asked about: it is then too late to be of use."""
SECONDS: Final = 20
MOST_BYTES: Final = 8 * 1024 * 1024
PAGE: Final = 1024
MOST_PAGES: Final = 20
_ID_BYTES: Final = 16
_CHUNK: Final = 64 * 1024


class ArchiveError(Exception):
    """The archive gave no answer that can be used; the text says why."""


@dataclass(frozen=True)
class Changed:
    """The messages that were taken back since the archive was asked before, and those taken up."""

    retracted: list[int] = field(default_factory=list)
    restored: list[int] = field(default_factory=list)


def note_retractions(now: datetime) -> Changed:
    """Ask the archive, and note which messages are taken back now; a repetition changes nothing.

    Raises
    ------
    ArchiveError
        If it cannot be asked; what other topics said is noted.
    """
    changed, failed = Changed(), ""
    if not settings.HOP_ARCHIVE:
        return changed
    read = StreamHealth.objects.filter(topic__startswith=TOPICS)
    for topic in read.values_list("topic", flat=True).distinct():
        try:
            _note(topic, dict(_ask(topic, now)), now, changed)
        except ArchiveError as error:
            failed = f"{topic}: {error}"
    if failed:
        raise ArchiveError(failed)
    return changed


def _note(topic: str, told: dict[str, bool], now: datetime, changed: Changed) -> None:
    """Compare what the archive tells of a topic with our rows; it is silent on the others."""
    with transaction.atomic():
        rows = AlertMessage.objects.filter(topic=topic, name__in=told).select_for_update()
        for pk, name, since in rows.values_list("pk", "name", "retracted"):
            if told[name] is not (since is not None):
                (changed.retracted if told[name] else changed.restored).append(pk)
                AlertMessage.objects.filter(pk=pk).update(retracted=now if told[name] else None)
                publish(Topic.MESSAGE, pk)


def _ask(topic: str, now: datetime) -> Iterator[tuple[str, bool]]:
    """Yield the id of each message, in hexadecimal digits, and whether it is retracted."""
    since = int((now - LOOKED_BACK).timestamp() * 1000)
    query: dict[str, str] = {"meta": "true", "asc": "false", "limit": str(PAGE)}
    query["start_time"] = str(since)
    until = time.monotonic() + SECONDS
    for _ in range(MOST_PAGES):
        page = _get(
            f"{settings.HOP_ARCHIVE.rstrip('/')}/topic/{quote(topic, safe='')}", query, until
        )
        for record in page.get("messages") or ():
            said = record.get("annotations") if isinstance(record, dict) else None
            found = _read(said) if isinstance(said, dict) else None
            if found:
                yield found
        bookmark = page.get("next")
        if not bookmark or not isinstance(bookmark, str):
            return
        query["page"] = bookmark


def _read(said: dict[str, Any]) -> tuple[str, bool] | None:
    name, retracted = said.get("con_text_uuid"), said.get("retracted")
    if isinstance(name, bytes) and len(name) == _ID_BYTES:
        name = name.hex()
    if not isinstance(name, str) or not isinstance(retracted, bool):
        return None
    return name.replace("-", "").lower(), retracted


def _get(url: str, query: dict[str, str], until: float) -> dict[str, Any]:
    try:
        with requests.get(
            url,
            params=query,
            timeout=max(0.1, until - time.monotonic()),
            stream=True,
            allow_redirects=False,
        ) as response:
            if response.status_code != requests.codes.ok:
                reason = f"it answers with {response.status_code}"
                raise ArchiveError(reason)
            return read_document(_body(response, until))
    except (RequestException, OSError) as error:
        raise ArchiveError(say_unreached(error)) from error
    except MalformedAlertError as error:
        reason = f"its answer cannot be read: {error}"
        raise ArchiveError(reason) from error


def _body(response: requests.Response, until: float) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > MOST_BYTES or time.monotonic() > until:
            reason = "its answer is too large, or too slow"
            raise ArchiveError(reason)
    return bytes(body)
