"""Raw survey packets, kept outside the database: in a folder, or in an object store.

A batch is written as one object, before the rows that point into it are committed. An object that
no row needs, as after a crash, does no harm; the sweep deletes it.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import add
from pathlib import Path
from typing import Final

import obstore
from django.conf import settings
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from tom.streams.models import AlertMessage

SECONDS: Final = 20
"""How long the store may take over one request."""
SECONDS_LOOKED_AT: Final = 5
"""The same where a person waits for the page."""
ORPHAN_HOURS: Final = 6
"""An object that no row needs for so long is an orphan: its rows' transaction is over."""
SWEPT: Final = 500
"""Objects that one query asks about."""
NEWEST_DAYS: Final = 2
"""Days that each sweep looks at."""


class PacketStoreError(Exception):
    """The store of packets does not answer as it should; another attempt may succeed."""


class PacketGoneError(Exception):
    """The store answers that it does not have a packet: another attempt cannot help."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a packet's bytes begin: in which object, at which byte."""

    object: str
    offset: int


def write_packets(payloads: Sequence[bytes], *, now: datetime) -> list[Place]:
    """Write packets as one object, in their order; return where each begins.

    Raises
    ------
    PacketStoreError
        If they could not be written.
    """
    body = b"".join(payloads)
    name = f"{now:%Y/%m/%d/%H%M%S%f}-{hashlib.sha256(body).hexdigest()[:16]}"
    store = _store()
    with _told():
        obstore.put(store, name, body)
        if isinstance(store, LocalStore):
            _make_durable(Path(str(store.prefix)), name)
    places, offset = [], 0
    for payload in payloads:
        places.append(Place(name, offset))
        offset += len(payload)
    return places


def read_packet(message: AlertMessage) -> bytes:
    """Return the bytes of a message, wherever they are kept; none once they are let go.

    Raises
    ------
    PacketStoreError
        If the store cannot be read now.
    PacketGoneError
        If the store has lost them.
    """
    if message.payload is not None:
        return bytes(message.payload)
    if not message.packet_object:
        return b""
    return _read_object(message.packet_object, [message])[message.pk]


def fetch_packets(ids: Collection[int]) -> tuple[dict[int, bytes], list[int]]:
    """Read what the store has of these messages; return it, and those whose bytes it has lost.

    Do it before the transaction that works on them: the store may be far away.

    Raises
    ------
    PacketStoreError
        If the store cannot be read now.
    """
    rows = AlertMessage.objects.filter(pk__in=ids).exclude(packet_object="")
    messages = list(rows.only("packet_object", "packet_offset", "size").order_by("pk"))
    found = read_packets(messages)
    return found, [message.pk for message in messages if message.pk not in found]


def read_packets(messages: Iterable[AlertMessage], *, seconds: int = SECONDS) -> dict[int, bytes]:
    """Read what the store has of these messages, by their keys; what it has lost is left out.

    Raises
    ------
    PacketStoreError
        If the store cannot be read now; it has so many seconds for each request.
    """
    by_object = defaultdict(list)
    for message in messages:
        if message.packet_object:
            by_object[message.packet_object].append(message)
    found: dict[int, bytes] = {}
    for name, together in by_object.items():
        with suppress(PacketGoneError):
            found |= _read_object(name, together, seconds)
    return found


def sweep_packets(now: datetime) -> int:
    """Delete objects that no row needs; return how many.

    It looks at the newest days, where a crash leaves such objects, and at one earlier day, another
    one each hour: the work does not grow with the days that are kept.

    Raises
    ------
    PacketStoreError
        If the store cannot be read now.
    """
    store, deleted = _store(), 0
    with _told():
        for day in _days_in_turn(store, now):
            deleted += _sweep_day(store, day, now)
            if isinstance(store, LocalStore):
                _forget_if_empty(Path(str(store.prefix)) / day, now)
    return deleted


def _days_in_turn(store: ObjectStore, now: datetime) -> list[str]:
    days = [""]
    for _ in ("year", "month", "day"):
        days = [each for day in days for each in _folders_in(store, day)]
    newest, earlier = days[-NEWEST_DAYS:], days[:-NEWEST_DAYS]
    hours = int(now.timestamp()) // 3600
    return newest + ([earlier[hours % len(earlier)]] if earlier else [])


def _forget_if_empty(folder: Path, now: datetime) -> None:
    """Delete the folder of an earlier day once nothing is in it, and nobody writes there."""
    if folder.stat().st_mtime < (now - timedelta(days=NEWEST_DAYS)).timestamp():
        with suppress(OSError):
            folder.rmdir()


def _folders_in(store: ObjectStore, folder: str) -> list[str]:
    listed = obstore.list_with_delimiter(store, folder or None)
    return sorted(listed["common_prefixes"])


def _sweep_day(store: ObjectStore, day: str, now: datetime) -> int:
    late, deleted = now - timedelta(hours=ORPHAN_HOURS), 0
    for listed in obstore.list(store, day, chunk_size=SWEPT):
        old = {each["path"] for each in listed if each["last_modified"] < late}
        rows = AlertMessage.objects.filter(packet_object__in=old)
        orphans = old - set(rows.values_list("packet_object", flat=True).distinct())
        if orphans:
            obstore.delete(store, sorted(orphans))
        deleted += len(orphans)
    return deleted


def _read_object(
    name: str, messages: Sequence[AlertMessage], seconds: int = SECONDS
) -> dict[int, bytes]:
    starts = [message.packet_offset or 0 for message in messages]
    sizes = [message.size for message in messages]
    store = _store(seconds)
    with _told():
        if obstore.head(store, name)["size"] < max(map(add, starts, sizes)):
            reason = "the store of packets has lost the end of an object"
            raise PacketGoneError(reason)
        found = obstore.get_ranges(store, name, starts=starts, lengths=sizes)
    return {message.pk: bytes(each) for message, each in zip(messages, found, strict=True)}


@contextmanager
def _told() -> Iterator[None]:
    """Say what the store said in an error of ours."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        reason = "the store of packets does not have its bytes"
        raise PacketGoneError(reason) from error
    except (BaseError, OSError, ValueError) as error:
        reason = f"the store of packets fails: {str(error).partition(chr(10))[0]}"
        raise PacketStoreError(reason) from error


def _store(seconds: int = SECONDS) -> ObjectStore:
    with _told():
        return _open(settings.PACKET_STORE or str(settings.HOME.path / "packets"), seconds)


@cache
def _open(where: str, seconds: int) -> ObjectStore:
    if "://" not in where:
        return LocalStore(where, mkdir=True)
    wait = timedelta(seconds=seconds)
    plain = os.environ.get("AWS_ENDPOINT", "").startswith("http://")  # a store of one's own
    return from_url(
        where,
        client_options={"timeout": wait, "connect_timeout": wait, "allow_http": plain},
        retry_config={"max_retries": 2, "retry_timeout": wait},
    )


def _make_durable(folder: Path, name: str) -> None:
    """Let the disk have an object, its name and its day's folders before a row points to it."""
    for each in (folder / name, *(folder / parent for parent in Path(name).parents)):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
