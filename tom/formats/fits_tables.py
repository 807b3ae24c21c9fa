"""Read binary tables of FITS files, bounded by the bytes at hand.

astropy reads the same tables in some milliseconds; a sky map is wanted in a tenth of one, and a
hostile header must not allocate what it claims. Standard: https://fits.gsfc.nasa.gov/fits_standard.html
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 2880
CARD = 80
# 999 columns, the most a table may have, take some ten cards each.
MAX_CARDS = 20_000
# A flat map of nside 1024 with four double columns has 384 MiB.
MAX_BYTES = 512 * 2**20
PIECE = 2**20
GZIP_MAGIC = b"\x1f\x8b"
TFORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])")
SIZES = dict.fromkeys("LBA", 1) | {"I": 2} | dict.fromkeys("JE", 4)
SIZES |= dict.fromkeys("KDCP", 8) | {"Q": 16, "M": 16}
NUMBERS = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


class MalformedFitsError(ValueError):
    """The bytes are not a FITS file that can be read; the message says why."""


Pick = npt.NDArray[np.int64] | slice
Value = str | int | float | bool
Header = dict[str, Value]


@dataclass(frozen=True)
class Column:
    """Where a column lies in its row, and how its numbers are scaled."""

    offset: int
    code: str
    repeat: int
    zero: float
    scale: float


@dataclass(frozen=True)
class Table:
    """One binary table: its header, and its columns by upper-case name."""

    header: Header
    columns: dict[str, Column]
    data: bytes | bytearray
    start: int
    n_rows: int
    row_bytes: int

    def column(self, name: str, pick: Pick = slice(None)) -> npt.NDArray[Any]:
        """Read one column, or picked cells of it, as native int64 or float64.

        Raises
        ------
        MalformedFitsError
            If the column holds no plain numbers.
        """
        cells = self.cells(name)[pick]
        kind = np.float64 if cells.dtype.kind == "f" else np.int64
        return _scaled(cells.astype(kind), self.columns[name])

    def cells(self, name: str) -> npt.NDArray[Any]:
        """Show one column's numbers as they are stored, one after another, copied if they must.

        Raises
        ------
        MalformedFitsError
            If the column holds no plain numbers.
        """
        column = self.columns[name]
        if column.code not in NUMBERS:
            message = f"column {name} holds no plain numbers"
            raise MalformedFitsError(message)
        dtype = np.dtype(NUMBERS[column.code])
        if not self.n_rows:  # numpy takes no place behind the end, though nothing is read there
            return np.empty(0, dtype)
        cells: npt.NDArray[Any] = np.ndarray(
            (self.n_rows, column.repeat),
            dtype,
            self.data,
            self.start + column.offset,
            (self.row_bytes, dtype.itemsize),
        )
        return cells[:, 0] if column.repeat == 1 else cells.reshape(-1)


def gunzip(data: bytes, *, limit: int = MAX_BYTES) -> bytes | bytearray:
    """Unpack gzip members up to `limit` bytes in all; other bytes pass as they are.

    Raises
    ------
    MalformedFitsError
        If the data are damaged or unpack to more.
    """
    if data[:2] != GZIP_MAGIC:
        return data
    unpacked = bytearray()  # it grows in place, where joined pieces would be held twice
    for piece in _unpacked(data):
        unpacked += piece
        if len(unpacked) > limit:
            message = f"unpacks to more than {limit} bytes"
            raise MalformedFitsError(message)
    return unpacked


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Unpack gzip members piece by piece; other bytes are one piece."""
    if data[:2] != GZIP_MAGIC:
        yield data
    while data[:2] == GZIP_MAGIC:
        member = zlib.decompressobj(wbits=31)
        while data and not member.eof:
            yield _piece(member, data)
            data = member.unconsumed_tail
        if not member.eof:
            message = "the gzip data end too early"
            raise MalformedFitsError(message)
        data = member.unused_data


def _piece(member: "zlib._Decompress", data: bytes, most: int = PIECE) -> bytes:
    try:
        return member.decompress(data, most)
    except zlib.error as error:
        message = f"damaged gzip: {error}"
        raise MalformedFitsError(message) from error


def read_tables(data: bytes | bytearray) -> Iterator[Table]:
    """Go through the binary tables of a FITS file.

    Raises
    ------
    MalformedFitsError
        If the bytes are not a FITS file, or a header claims more bytes than there are.
    """
    if not data.startswith(b"SIMPLE  ="):
        message = "not a FITS file"
        raise MalformedFitsError(message)
    position = 0
    while data[position : position + CARD].strip():
        header, start = _read_header(data, position)
        size = _data_bytes(header)
        if start + size > len(data):
            message = "the FITS data end too early"
            raise MalformedFitsError(message)
        if header.get("XTENSION") == "BINTABLE":
            yield _table(header, data, start)
        position = start + -(-size // BLOCK) * BLOCK


def first_unit(data: bytes) -> tuple[Header, int]:
    """Read the first header of a FITS file; return it and where its data begin, all there.

    Raises
    ------
    MalformedFitsError
        If the bytes are not a FITS file, or the header claims more bytes than there are.
    """
    if not data.startswith(b"SIMPLE  ="):
        message = "not a FITS file"
        raise MalformedFitsError(message)
    header, start = _read_header(data, 0)
    if start + _data_bytes(header) > len(data):
        message = "the FITS data end too early"
        raise MalformedFitsError(message)
    return header, start


def table_header(data: bytes) -> Header:
    """Read the header of the first binary table; of a gzip file only the beginning is unpacked.

    Raises
    ------
    MalformedFitsError
        If the bytes are not a FITS file, or no table begins within 3 MB.
    """
    return first_table(data).header


def first_table(data: bytes) -> Table:
    """Read how the first binary table is laid out, without its rows: `rows_of` brings these.

    Its `start` is the place of its rows in the unpacked file. Errors are those of `table_header`.
    """
    start = MAX_CARDS * CARD * 2
    packed = data[:2] == GZIP_MAGIC
    beginning = _piece(zlib.decompressobj(wbits=31), data, start) if packed else data[:start]
    position = 0
    while position < len(beginning):
        header, position = _read_header(beginning, position)
        if header.get("XTENSION") == "BINTABLE":
            return _layout(header, position)
        position += -(-_data_bytes(header) // BLOCK) * BLOCK
    message = "no table begins there"
    raise MalformedFitsError(message)


def rows_of(data: bytes, table: Table, n: int) -> Iterator[Table]:
    """Go through the rows of a table from `first_table`, `n` at a time; the last are fewer.

    No more than these and a piece of PIECE bytes are unpacked at once.

    Raises
    ------
    MalformedFitsError
        If the data are damaged, or end before the last row.
    """
    skip, left, held = table.start, table.n_rows, bytearray()
    for piece in _unpacked(data):
        held += piece[skip:] if skip else piece
        skip = max(0, skip - len(piece))
        while left and len(held) >= (size := min(n, left) * table.row_bytes):
            rows = bytes(memoryview(held)[:size])
            del held[:size]
            yield replace(table, data=rows, start=0, n_rows=min(n, left))
            left -= min(n, left)
        if not left:
            return
    message = "the FITS data end too early"
    raise MalformedFitsError(message)


def integer(header: Header, keyword: str, default: int | None = None) -> int:
    """Take a whole number that is not negative from a header.

    Raises
    ------
    MalformedFitsError
        If it is missing without a default, or something else.
    """
    value = header.get(keyword, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        message = f"header: {keyword} is {value!r}"
        raise MalformedFitsError(message)
    return value


def _read_header(data: bytes | bytearray, position: int) -> tuple[Header, int]:
    header: Header = {}
    end = min(len(data), position + MAX_CARDS * CARD)
    for start in range(position, end - CARD + 1, CARD):
        card = data[start : start + CARD].decode("latin-1")
        if card.rstrip() == "END":
            blocks = (start - position) // BLOCK + 1
            return header, position + blocks * BLOCK
        if card[8:10] == "= ":
            header[card[:8].rstrip()] = _value(card[10:])
    message = f"a FITS header has no end in {MAX_CARDS} cards"
    raise MalformedFitsError(message)


def _value(text: str) -> Value:
    quoted = re.match(r"\s*'((?:[^']|'')*)'", text)
    if quoted:
        return quoted[1].replace("''", "'").rstrip()
    plain = text.split("/")[0].strip()
    if plain in {"T", "F"}:
        return plain == "T"
    for number in (int, float):
        try:
            return number(plain.replace("D", "E"))
        except ValueError:
            continue
    return plain


def _data_bytes(header: Header) -> int:
    axes = [integer(header, f"NAXIS{i + 1}") for i in range(min(integer(header, "NAXIS"), 999))]
    bits = header.get("BITPIX")
    if not axes or not isinstance(bits, int):
        return 0
    cells = integer(header, "PCOUNT", 0) + int(np.prod(axes, dtype=object))
    return abs(bits) // 8 * integer(header, "GCOUNT", 1) * cells


def _table(header: Header, data: bytes | bytearray, start: int) -> Table:
    table = _layout(header, start)
    if start + table.n_rows * table.row_bytes > len(data) or table.row_bytes > len(data):
        message = "the FITS data end too early"
        raise MalformedFitsError(message)
    return replace(table, data=data)


def _layout(header: Header, start: int) -> Table:
    columns: dict[str, Column] = {}
    offset = 0
    for i in range(1, min(integer(header, "TFIELDS"), 999) + 1):
        column = _column(header, i, offset)
        columns[str(header.get(f"TTYPE{i}", f"COL{i}")).upper()] = column
        offset += (
            -(-column.repeat // 8) if column.code == "X" else column.repeat * SIZES[column.code]
        )
    n_rows, row_bytes = integer(header, "NAXIS2"), integer(header, "NAXIS1")
    if offset > row_bytes:
        message = "the columns are wider than their row"
        raise MalformedFitsError(message)
    return Table(header, columns, b"", start, n_rows, row_bytes)


def _column(header: Header, i: int, offset: int) -> Column:
    form = TFORM.match(str(header.get(f"TFORM{i}", "")))
    if not form:
        message = f"header: TFORM{i} is unreadable"
        raise MalformedFitsError(message)
    zero, scale = header.get(f"TZERO{i}", 0), header.get(f"TSCAL{i}", 1)
    if isinstance(zero, str) or isinstance(scale, str):
        message = f"header: TZERO{i} or TSCAL{i} is not a number"
        raise MalformedFitsError(message)
    return Column(offset, form[2], int(form[1] or 1), zero, scale)


def _scaled(values: npt.NDArray[Any], column: Column) -> npt.NDArray[Any]:
    if column.scale == 1 and column.zero == 0:
        return values
    whole = values.dtype == np.int64 and column.scale == 1
    if whole and column.zero == 2**63:
        return np.bitwise_xor(values, np.iinfo(np.int64).min)  # an unsigned 64-bit integer
    if whole and column.zero in {-128, 2**15, 2**31}:  # the other unsigned integers, signed bytes
        return values + int(column.zero)
    return values * float(column.scale) + float(column.zero)
