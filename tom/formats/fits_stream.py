"""Read the binary tables of a FITS file in their order, gzipped or not, some rows at a time.

What a header claims is held against what the bytes can hold, before a row is unpacked: deflate
makes at most 1032 bytes of one (https://zlib.net/zlib_tech.html). What follows the rows that are
asked for is not unpacked, but for a piece that shows whether the file is damaged there. A file on
disk is read a piece at a time, too.
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from tom.formats.fits_tables import (
    BLOCK,
    CARD,
    MAX_CARDS,
    Header,
    MalformedFitsError,
    Table,
    data_bytes,
    layout,
    read_cards,
)

GZIP_MAGIC: Final = b"\x1f\x8b"
PIECE: Final = 2**20
MOST_EXPANSION: Final = 1032
MOST_SKIPPED: Final = 64 * 2**20
"""Of the data that may stand before a table, and of one row."""


def stream_tables(data: bytes | BinaryIO) -> Iterator["OpenTable"]:
    """Go through the binary tables of a FITS file. Take a table's rows before the next table.

    `data` is the file's bytes, or the file, open and at its beginning.

    Raises
    ------
    MalformedFitsError
        If the bytes are no FITS file, are damaged, or a header claims more than they can hold.
    """
    source = _Source(io.BytesIO(data) if isinstance(data, bytes) else data)
    if source.peek(9) != b"SIMPLE  =":
        message = "not a FITS file"
        raise MalformedFitsError(message)
    while source.peek(CARD).strip():
        header = _take_header(source)
        size = data_bytes(header)
        source.expect(size)
        end = source.at + -(-size // BLOCK) * BLOCK
        if header.get("XTENSION") == "BINTABLE":
            table = layout(header, 0)
            source.expect(table.n_rows * table.row_bytes)
            yield OpenTable(table, source)
        source.skip(end - source.at)


def table_header(data: bytes) -> Header:
    """Read the header of the first binary table; of a gzip file only the beginning is unpacked.

    Raises
    ------
    MalformedFitsError
        If the bytes are no FITS file, or have no table.
    """
    for opened in stream_tables(data):
        return opened.table.header
    message = "no table"
    raise MalformedFitsError(message)


@dataclass
class OpenTable:
    """A table of which rows are taken one after another; `table` has no data."""

    table: Table
    source: "_Source"
    taken: int = 0

    def take(self, n: int) -> Table:
        """Return the next `n` rows, or fewer if the table ends.

        Raises
        ------
        MalformedFitsError
            If the data are damaged or end too early, or a row is too long.
        """
        n = min(n, self.table.n_rows - self.taken)
        if self.table.row_bytes > MOST_SKIPPED:
            message = f"a row has more than {MOST_SKIPPED} bytes"
            raise MalformedFitsError(message)
        rows = self.source.take(n * self.table.row_bytes)
        self.taken += n
        if n and self.taken == self.table.n_rows:
            self.source.fill(PIECE)  # raises if the gzip data are damaged there
        return replace(self.table, data=rows, n_rows=n)

    def pieces(self) -> Iterator[Table]:
        """Go through the rows that are left, some megabytes at a time."""
        n = max(1, PIECE // max(1, self.table.row_bytes))
        while self.taken < self.table.n_rows:
            yield self.take(n)


class _Source:
    """The bytes of a file, unpacked as they are taken."""

    def __init__(self, file: BinaryIO) -> None:
        self.at = 0
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        is_packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        self._pieces = _unpacked(file)
        self._held = bytearray()
        self._most = size * (MOST_EXPANSION if is_packed else 1)

    def expect(self, n: int) -> None:
        """Raise MalformedFitsError if there cannot be `n` more bytes."""
        if self.at + n > self._most:
            message = "the FITS data end too early: the file is cut off, get it again"
            raise MalformedFitsError(message)

    def fill(self, n: int) -> None:
        """Unpack until `n` bytes are held, or the file ends."""
        while len(self._held) < n and (piece := next(self._pieces, b"")):
            self._held += piece

    def peek(self, n: int) -> bytes:
        self.fill(n)
        return bytes(self._held[:n])

    def take(self, n: int) -> bytes:
        self.expect(n)
        self.fill(n)
        if len(self._held) < n:
            message = "the FITS data end too early: the file is cut off, get it again"
            raise MalformedFitsError(message)
        taken = bytes(memoryview(self._held)[:n])
        del self._held[:n]
        self.at += n
        return taken

    def skip(self, n: int) -> None:
        """Pass over `n` bytes, or what is left of them."""
        if n > MOST_SKIPPED:
            message = f"what stands before the table has more than {MOST_SKIPPED} bytes"
            raise MalformedFitsError(message)
        while n > 0 and (held := self.peek(min(n, PIECE))):
            del self._held[: len(held)]
            self.at += len(held)
            n -= len(held)


def _take_header(source: _Source) -> Header:
    header: Header = {}
    for _ in range(MAX_CARDS * CARD // BLOCK):
        if not source.peek(1):
            break
        if read_cards(source.take(BLOCK), header):
            return header
    message = f"a FITS header has no end in {MAX_CARDS} cards"
    raise MalformedFitsError(message)


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    """Unpack gzip members piece by piece; other bytes pass as they are."""
    data = file.read(PIECE)
    if data[:2] != GZIP_MAGIC:
        while data:
            yield data
            data = file.read(PIECE)
    while data[:2] == GZIP_MAGIC:
        member = zlib.decompressobj(wbits=31)
        while not member.eof and (data := data or file.read(PIECE)):
            if piece := _piece(member, data):
                yield piece
            data = member.unconsumed_tail
        if not member.eof:
            message = "the gzip data end too early: the file is cut off, get it again"
            raise MalformedFitsError(message)
        data = member.unused_data
        data += file.read(PIECE - len(data))


def _piece(member: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return member.decompress(data, PIECE)
    except zlib.error as error:
        message = f"damaged gzip, get the file again: {error}"
        raise MalformedFitsError(message) from error
