"""How much one message may hold: far more than any real one, and read within a second.

What holds more is refused before it takes time and memory. Bounds on the bytes of single forms
stand beside their parsers.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from tom.formats.errors import MalformedAlertError

MOST_VALUES: Final = 500_000
"""Of JSON. Rubin's packet of 303 KB has 50,000; one with 2,500 detections has 300,000."""
MOST_OBJECTS: Final = 25_000
"""Of JSON. A look-up of ten years of ZTF has some 3,000; a notice of BOOM has 20,500 at most."""
MOST_ENTRIES: Final = 10_000
"""Of one list of an Avro record. A real history has 1,000 at most."""
MOST_BSON_VALUES: Final = 50_000
"""A real locus has some hundreds."""
MOST_READS: Final = 1_000_000
"""Of an Avro record, one or two for a value."""
_LARGE: Final = 1024 * 1024


class OversizeError(MalformedAlertError):
    """The message holds more than any real one."""


class CountedBytes:
    """Bytes that Avro reads, up to so many times."""

    def __init__(self, stream: BytesIO) -> None:
        self._read = stream.read
        self._left = MOST_READS

    def read(self, size: int) -> bytes:
        """Read some bytes; raises OversizeError after a million times."""
        self._left -= 1
        if self._left < 0:
            reason = "Avro record of more values than any message"
            raise OversizeError(reason)
        return self._read(size)


def counted(stream: BytesIO) -> Any:
    """Count the reads of large bytes. Small ones need it not: a read takes a byte at least."""
    return CountedBytes(stream) if stream.getbuffer().nbytes > _LARGE else stream


def check_json(payload: bytes) -> None:
    """Refuse JSON of too many values or objects. What stands in a text counts as if it did not.

    Raises
    ------
    OversizeError
        If there are more than any message has.
    """
    objects = payload.count(b"{")
    if objects > MOST_OBJECTS:
        reason = f"JSON of more than {MOST_OBJECTS:,} objects"
        raise OversizeError(reason)
    if objects + payload.count(b",") + payload.count(b"[") > MOST_VALUES:
        reason = f"JSON of more than {MOST_VALUES:,} values"
        raise OversizeError(reason)


def check_lists(record: Mapping[str, Any]) -> None:
    """Refuse a record with a list of too many entries.

    Raises
    ------
    OversizeError
        If one has more than any message's.
    """
    for name, value in record.items():
        if isinstance(value, list) and len(value) > MOST_ENTRIES:
            reason = f"{name[:80]} has {len(value):,} entries, more than {MOST_ENTRIES:,}"
            raise OversizeError(reason)
