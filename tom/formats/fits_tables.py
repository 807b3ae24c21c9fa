"""Read binary tables of FITS files, bounded by the bytes at hand.

astropy reads the same tables in some milliseconds; a sky map is wanted in a tenth of one, and a
hostile header must not allocate what it claims. Standard: https://fits.gsfc.nasa.gov/fits_standard.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 2880
CARD = 80
# 999 columns, the most a table may have, take some ten cards each.
MAX_CARDS = 20_000
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
    data: bytes
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
        return self.scaled(name, self.cells(name)[pick])

    def scaled(self, name: str, cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn cells of a column as they are stored into native int64 or float64."""
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


def read_tables(data: bytes) -> Iterator[Table]:
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
        size = data_bytes(header)
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
    if start + data_bytes(header) > len(data):
        message = "the FITS data end too early"
        raise MalformedFitsError(message)
    return header, start


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


def _read_header(data: bytes, position: int) -> tuple[Header, int]:
    header: Header = {}
    end = min(len(data), position + MAX_CARDS * CARD)
    for start in range(position, end, BLOCK):
        if read_cards(data[start : min(start + BLOCK, end)], header):
            return header, start + BLOCK
    message = f"a FITS header has no end in {MAX_CARDS} cards"
    raise MalformedFitsError(message)


def read_cards(block: bytes, header: Header) -> bool:
    """Add the cards of a block to a header; return whether the header ends there."""
    for start in range(0, len(block) - CARD + 1, CARD):
        card = block[start : start + CARD].decode("latin-1")
        if card.rstrip() == "END":
            return True
        if card[8:10] == "= ":
            header[card[:8].rstrip()] = _value(card[10:])
    return False


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


def data_bytes(header: Header) -> int:
    """Return how many bytes a unit claims to have, without its padding."""
    axes = [integer(header, f"NAXIS{i + 1}") for i in range(min(integer(header, "NAXIS"), 999))]
    bits = header.get("BITPIX")
    if not axes or not isinstance(bits, int):
        return 0
    cells = integer(header, "PCOUNT", 0) + int(np.prod(axes, dtype=object))
    return abs(bits) // 8 * integer(header, "GCOUNT", 1) * cells


def _table(header: Header, data: bytes, start: int) -> Table:
    table = layout(header, start)
    if start + table.n_rows * table.row_bytes > len(data) or table.row_bytes > len(data):
        message = "the FITS data end too early"
        raise MalformedFitsError(message)
    return replace(table, data=data)


def layout(header: Header, start: int) -> Table:
    """Return how a table is laid out whose rows begin at `start`; it has no data."""
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
