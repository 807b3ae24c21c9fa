"""The first image of a small FITS file, gzipped or not, read under bounds.

Nothing here takes a number from a header before it was checked, so that no header, however it
lies, costs more than reading the bytes once. FITS: https://fits.gsfc.nasa.gov/fits_standard.html
"""

import math
import zlib
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

LARGEST_BYTES: Final = 4_000_000
LARGEST_SIDE: Final = 512
BLOCK: Final = 2880
CARD: Final = 80
MOST_CARDS: Final = 2000
MOST_UNITS: Final = 16
MOST_MEMBERS: Final = 16
GZIP: Final = 31  # what zlib calls a gzip stream with its header
TYPES: Final = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}

Header = Mapping[str, str]


class UnreadableStampError(ValueError):
    """The bytes are not an image that can be shown; the message says why."""


def read_image(data: bytes) -> tuple[Header, npt.NDArray[np.float64]]:
    """Read the header and the pixels of the first image, NaN where nothing was measured.

    Raises
    ------
    UnreadableStampError
        If it is no such file, too large, or has no image of two dimensions.
    """
    content = _unzip(data)
    header, place = _find_image(content)
    return header, _read_pixels(content, header, place)


def number_of(header: Header, name: str, default: float = math.nan) -> float:
    """A header's number; the default if it is missing, NaN if it is not a number."""
    text = header.get(name)
    if text is None:
        return default
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return math.nan


def _unzip(data: bytes) -> bytes:
    if len(data) <= LARGEST_BYTES and data.startswith(b"\x1f\x8b"):
        try:
            data = _inflate(data)
        except zlib.error as error:
            message = "it is not a gzip stream"
            raise UnreadableStampError(message) from error
    if len(data) > LARGEST_BYTES:
        message = f"it is larger than {LARGEST_BYTES // 1_000_000} MB"
        raise UnreadableStampError(message)
    return data


def _inflate(data: bytes) -> bytes:
    """The first members of a gzip stream, up to one byte more than is read."""
    content = b""
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(GZIP)
        content += member.decompress(data, LARGEST_BYTES + 1 - len(content))
        data = member.unused_data
        if len(content) > LARGEST_BYTES:
            break
        if not member.eof:
            message = "its gzip stream is cut short"
            raise UnreadableStampError(message)
        if not data.startswith(b"\x1f\x8b"):
            break
    return content


def _find_image(content: bytes) -> tuple[Header, int]:
    """The header of the first unit that holds an image, and where its pixels begin."""
    place = 0
    for _ in range(MOST_UNITS):
        header, place = _read_header(content, place)
        axes = _axes(header)
        while len(axes) > 2 and axes[-1] == 1:  # a cube of one plane is an image
            axes.pop()
        if len(axes) == 2 and header.get("XTENSION", "IMAGE").strip("' ") == "IMAGE":
            return header, place
        place += _size(header, axes)
        if place >= len(content):
            break
    message = "it holds no image of two dimensions"
    raise UnreadableStampError(message)


def _read_header(content: bytes, place: int) -> tuple[Header, int]:
    header: dict[str, str] = {}
    for number in range(MOST_CARDS):
        card = content[place + number * CARD : place + (number + 1) * CARD]
        if len(card) < CARD:
            break
        name = card[:8].decode("latin-1").strip()
        if name == "END":
            cards = number + 1
            return header, place + -(-cards * CARD // BLOCK) * BLOCK
        if card[8:9] == b"=":
            header.setdefault(name, _value(card[9:].decode("latin-1")))
        if number == 0 and name not in {"SIMPLE", "XTENSION"}:
            message = "it is not a FITS file"
            raise UnreadableStampError(message)
    message = "its header has no end"
    raise UnreadableStampError(message)


def _value(text: str) -> str:
    text = text.strip()
    if text.startswith("'"):
        return text[1:].partition("'")[0].strip()
    return text.partition("/")[0].strip()


def _axes(header: Header) -> list[int]:
    count = _whole(header, "NAXIS", most=9)
    return [_whole(header, f"NAXIS{axis}", most=LARGEST_BYTES) for axis in range(1, count + 1)]


def _size(header: Header, axes: list[int]) -> int:
    """Bytes of a unit's data with its padding; what it cannot be is past the end."""
    if not axes:
        return 0
    extra = _whole(header, "PCOUNT", most=LARGEST_BYTES, default=0)
    size = abs(_bits(header)) // 8 * (math.prod(axes) + extra)
    return -(-size // BLOCK) * BLOCK


def _bits(header: Header) -> int:
    text = header.get("BITPIX", "")
    if text not in {str(bits) for bits in TYPES}:
        message = f"BITPIX is {text[:20]!r}"
        raise UnreadableStampError(message)
    return int(text)


def _whole(header: Header, name: str, *, most: int, default: int | None = None) -> int:
    text = header.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 10:
        message = f"{name} is {'missing' if text is None else repr(text[:20])}"
        raise UnreadableStampError(message)
    if int(text) > most:
        message = f"{name} is {text}, more than {most}"
        raise UnreadableStampError(message)
    return int(text)


def _read_pixels(content: bytes, header: Header, place: int) -> npt.NDArray[np.float64]:
    columns, rows = _axes(header)[:2]
    if not (1 < columns <= LARGEST_SIDE and 1 < rows <= LARGEST_SIDE):
        message = f"it is {columns} by {rows} pixels; 2 to {LARGEST_SIDE} are shown"
        raise UnreadableStampError(message)
    kind = np.dtype(TYPES[_bits(header)])
    pixels = content[place : place + rows * columns * kind.itemsize]
    if len(pixels) < rows * columns * kind.itemsize:
        message = "it is cut short"
        raise UnreadableStampError(message)
    stored = np.frombuffer(pixels, kind).reshape(rows, columns)
    image = stored.astype(np.float64)
    blank = number_of(header, "BLANK")
    if kind.kind != "f" and math.isfinite(blank):
        image[stored == blank] = np.nan
    scale, zero = number_of(header, "BSCALE", 1.0), number_of(header, "BZERO", 0.0)
    with np.errstate(all="ignore"):
        image = image * scale + zero
    image[~np.isfinite(image)] = np.nan
    return image
