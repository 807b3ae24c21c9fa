"""Messages from files: a file, a folder of them, or archives, one payload at a time."""

import gzip
import json
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import IO, Final, Self

from tom.formats import containers
from tom.formats.errors import MalformedAlertError
from tom.formats.values import clean

MAX_PAYLOAD_BYTES: Final = 64 * 1024 * 1024
MAX_MEMBERS: Final = 1_000_000
MOST_SKIPPED_BYTES: Final = 2**30
"""Of a member of a tar: what follows it is found by reading over it."""
_COMPRESSED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_ZIP: Final = b"PK\x03\x04"
_TAR: Final = b"ustar"
_TAR_MAGIC_AT: Final = 257
# What the archive readers raise for damage; an OSError covers a truncated gzip, too.
_ARCHIVE_ERRORS: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    NotImplementedError,  # a compression that zipfile does not know
    OSError,
    OverflowError,
    RuntimeError,  # an encrypted zip
    ValueError,
)
_DAMAGED_HEADS: Final = (
    tarfile.InvalidHeaderError,  # type: ignore[attr-defined]  # the stubs lack both
    tarfile.TruncatedHeaderError,  # type: ignore[attr-defined]
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a file or a member of an archive gave no payload."""

    reason: str


Packet = tuple[str, bytes | Rejection]


def open_packets(path: Path) -> Iterator[Packet]:
    """Yield the name and the payload of every message in a file or, in order, in a folder.

    Archives (zip; tar, plain or in gzip, bzip2 or xz; one file in gzip) are read in place: nothing
    is written, and a member's name is a label only. An Avro container of many records, and a JSON
    list of objects, is cut into messages of one. What cannot be read, or is too large, yields a
    `Rejection`, a folder too.

    Parameters
    ----------
    path
        A file or a folder. Symbolic links to folders are not followed.

    Raises
    ------
    OSError
        If there is nothing at the path, or no right to look there.
    """
    path.stat()
    for name, payload in _open_folder(path) if path.is_dir() else _open_file(path):
        yield from _split(clean(name), payload)


def _open_folder(path: Path) -> Iterator[Packet]:
    closed: list[OSError] = []
    walk = os.walk(path, onerror=closed.append)
    for file in sorted(Path(root, name) for root, _, names in walk for name in names):
        yield from _open_file(file)
    for error in closed:
        yield error.filename, _reject(error)


def _open_file(path: Path) -> Iterator[Packet]:
    name = str(path)
    try:
        if path.is_file():
            with path.open("rb") as file:
                yield from _open_archive(name, file)
    except _ARCHIVE_ERRORS as error:
        yield name, _reject(error)


def _reject(error: Exception, and_so: str = "") -> Rejection:
    return Rejection(f"cannot be read: {type(error).__name__}: {error}{and_so}")


def _open_archive(name: str, file: IO[bytes]) -> Iterator[Packet]:
    start = file.read(_TAR_MAGIC_AT + len(_TAR))
    file.seek(0)
    if start.startswith(_ZIP):
        return _open_zip(name, file)
    if start[_TAR_MAGIC_AT:] == _TAR:
        return _open_tar(name, file)
    if start.startswith(_COMPRESSED):
        return _open_compressed(name, file)
    return iter([(name, _read_bounded(file))])


def _open_compressed(name: str, file: IO[bytes]) -> Iterator[Packet]:
    """Open a compressed tar, or the one compressed file if it is not a tar."""
    is_tar = _holds_tar(file)
    file.seek(0)
    if is_tar:
        yield from _open_tar(name, file)
        return
    with gzip.open(file) as inner:
        yield name, _read_bounded(inner)


def _holds_tar(file: IO[bytes]) -> bool:
    try:
        with tarfile.open(fileobj=file, mode="r|*") as archive:
            return archive.next() is not None  # zeros alone pass for an empty one
    except tarfile.ReadError:
        return False


class _Member(tarfile.TarInfo):
    """A member of a tar; a damaged head, which `tarfile` takes for the end, is an error."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except _DAMAGED_HEADS as error:
            raise tarfile.ReadError(str(error)) from error


def _open_tar(name: str, file: IO[bytes]) -> Iterator[Packet]:
    try:
        with tarfile.open(fileobj=file, mode="r|*", tarinfo=_Member) as archive:
            for number, member in enumerate(archive, 1):
                _check_number(number)
                inner = archive.extractfile(member) if member.isfile() else None
                if inner is not None:
                    yield f"{name}!{member.name}", _read_bounded(inner)
                _check_size(member)
    except _ARCHIVE_ERRORS as error:
        yield name, _reject(error, "; the rest of the archive was not read")


def _open_zip(name: str, file: IO[bytes]) -> Iterator[Packet]:
    with zipfile.ZipFile(file) as archive:
        _check_number(len(archive.infolist()))
        for member in archive.infolist():
            if not member.is_dir():
                yield f"{name}!{member.filename}", _read_member(archive, member)


def _check_size(member: tarfile.TarInfo) -> None:
    if member.size > MOST_SKIPPED_BYTES:
        reason = f"a member of more than {MOST_SKIPPED_BYTES} bytes"
        raise ValueError(reason)


def _check_number(members: int) -> None:
    if members > MAX_MEMBERS:
        reason = f"more than {MAX_MEMBERS} members"
        raise ValueError(reason)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | Rejection:
    try:
        with archive.open(member) as inner:
            return _read_bounded(inner)
    except _ARCHIVE_ERRORS as error:
        return _reject(error)


def _read_bounded(file: IO[bytes] | gzip.GzipFile) -> bytes | Rejection:
    payload = file.read(MAX_PAYLOAD_BYTES + 1)
    if not payload:
        return Rejection("empty")
    if len(payload) > MAX_PAYLOAD_BYTES:
        return Rejection(f"larger than {MAX_PAYLOAD_BYTES} bytes")
    return payload


def _split(name: str, payload: bytes | Rejection) -> Iterator[Packet]:
    """Cut a container of many records; what cannot be counted is for its parser to judge."""
    objects = () if isinstance(payload, Rejection) else _json_objects(payload)
    if objects:
        yield from ((f"{name}#{number}", part) for number, part in enumerate(objects))
        return
    if isinstance(payload, Rejection) or not _holds_many(payload):
        yield name, payload
        return
    try:
        for number, part in enumerate(containers.split_records(payload)):
            yield f"{name}#{number}", part
    except MalformedAlertError as error:
        yield name, Rejection(f"the rest of its records cannot be read: {error}")


def _json_objects(payload: bytes) -> list[bytes]:
    """The objects of a JSON list of nothing else; empty for anything else."""
    if payload.lstrip()[:1] != b"[":
        return []
    try:
        listed = json.loads(payload)
    except (ValueError, RecursionError):
        return []
    if not all(isinstance(each, dict) for each in listed):
        return []
    return [json.dumps(each).encode() for each in listed]


def _holds_many(payload: bytes) -> bool:
    try:
        return containers.count_records(payload) > 1
    except MalformedAlertError:
        return False
