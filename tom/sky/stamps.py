"""Stamps: small FITS images around a source, read under bounds.

Nothing here takes a number from a header before it was checked, so that no header, however it
lies, costs more than reading the bytes once. FITS: https://fits.gsfc.nasa.gov/fits_standard.html
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tom.sky.arrays import FloatArray

LARGEST_BYTES: Final = 4_000_000
LARGEST_SIDE: Final = 512
BLOCK: Final = 2880
CARD: Final = 80
MOST_CARDS: Final = 2000
MOST_UNITS: Final = 16
MOST_MEMBERS: Final = 16
ARCSEC: Final = math.degrees(3600)  # in a radian
# A header that says otherwise says nothing of a survey's stamp.
SMALLEST_PIXEL_ARCSEC, LARGEST_PIXEL_ARCSEC = 0.01, 100.0
LEAST_NEARNESS: Final = 0.1  # a place farther from a WCS's reference point is not on its image
# Projections with polynomials that are not read here.
DISTORTED: Final = ("TPV", "TNX", "ZPX")
GZIP: Final = 31  # what zlib calls a gzip stream with its header
TYPES: Final = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}

Header = Mapping[str, str]


class UnreadableStampError(ValueError):
    """The bytes are no image that can be shown; the message says why."""


class Orientation(NamedTuple):
    """How a step of one pixel moves on the sky, in arcsec to the east and to the north.

    `x` counts columns and `y` rows, in the order in which the array holds them.
    """

    east_x: float
    east_y: float
    north_x: float
    north_y: float

    @property
    def pixel_arcsec(self) -> float:
        """The side of a square pixel of the same area."""
        return math.sqrt(abs(self.east_x * self.north_y - self.east_y * self.north_x))


@dataclass(frozen=True, eq=False)
class Stamp:
    """An image and how it lies on the sky.

    Attributes
    ----------
    image : array, shape (rows, columns)
        As the file holds it, the first row first; NaN where nothing was measured.
    orientation : Orientation or None
        None: neither the header nor the survey says.
    middle : tuple of float
        Column and row of the source, counted from 0.
    """

    image: FloatArray
    orientation: Orientation | None
    middle: tuple[float, float]


def read_stamp(
    data: bytes,
    *,
    ra: float,
    dec: float,
    declared: Orientation | None = None,
    middle: tuple[float, float] | None = None,
) -> Stamp:
    """Read the first image of a FITS file, gzipped or not.

    Parameters
    ----------
    data
        The file.
    ra, dec
        The source, ICRS degrees: where the header has a WCS, it says where in the image this is.
    declared
        How the survey lays its stamps, where the header has no WCS.
    middle
        Column and row of the source, from 0, where the header has no WCS. None: the source stands
        in the middle of the image.

    Raises
    ------
    UnreadableStampError
        If it is no such file, too large, or has no image of two dimensions.
    """
    content = _unzip(data)
    header, place = _find_image(content)
    image = _read_pixels(content, header, place)
    rows, columns = image.shape
    located = _locate(header, ra, dec)
    if located is not None and _is_distorted(header):
        declared, located = located[0], None
    if located is None or not _is_inside(located[1], image.shape):
        if middle is None or not _is_inside(middle, image.shape):
            middle = ((columns - 1) / 2, (rows - 1) / 2)
        return Stamp(image, declared, middle)
    return Stamp(image, *located)


def _unzip(data: bytes) -> bytes:
    if len(data) <= LARGEST_BYTES and data.startswith(b"\x1f\x8b"):
        try:
            data = _inflate(data)
        except zlib.error as error:
            message = "it is no gzip stream"
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
            message = "it is no FITS file"
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


def _number(header: Header, name: str, default: float = math.nan) -> float:
    """A header's number; the default where it has none, NaN where it is none."""
    text = header.get(name)
    if text is None:
        return default
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return math.nan


def _read_pixels(content: bytes, header: Header, place: int) -> FloatArray:
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
    blank = _number(header, "BLANK")
    if kind.kind != "f" and math.isfinite(blank):
        image[stored == blank] = np.nan
    scale, zero = _number(header, "BSCALE", 1.0), _number(header, "BZERO", 0.0)
    with np.errstate(all="ignore"):
        image = image * scale + zero
    image[~np.isfinite(image)] = np.nan
    return image


def _is_distorted(header: Header) -> bool:
    """Whether a WCS bends, so that what is read of it says how the image lies and not where."""
    return any(header.get(f"CTYPE{axis}", "").endswith(DISTORTED) for axis in (1, 2))


def _locate(
    header: Header, ra: float, dec: float
) -> tuple[Orientation, tuple[float, float]] | None:
    """How a tangential WCS lays the image, and where the source is in it; None without one.

    North is the source's own: near a pole it is not that of a reference point far away.
    """
    kinds = [header.get(f"CTYPE{axis}", "") for axis in (1, 2)]
    swapped = kinds[0].startswith("DEC")
    if sorted(kind[:2] for kind in kinds) != ["DE", "RA"]:
        return None
    matrix = 3600 * _matrix(header)
    value, pixel = ([_number(header, f"{name}{a}") for a in (1, 2)] for name in ("CRVAL", "CRPIX"))
    if swapped:
        matrix, value = matrix[::-1], value[::-1]
    with np.errstate(all="ignore"):
        determinant = float(np.linalg.det(matrix))
        steps = np.hypot(matrix[0], matrix[1])  # of one pixel on the sky, arcsec
    if not np.all(np.isfinite([*value, *pixel, determinant])) or abs(determinant) < 1e-6:
        return None
    if not np.all((steps >= SMALLEST_PIXEL_ARCSEC) & (steps <= LARGEST_PIXEL_ARCSEC)):
        return None
    offset, on_plane = _tangential(ra, dec, *value)
    if offset is None:
        return None
    x, y = np.linalg.solve(matrix, offset)
    place = (float(pixel[0] - 1 + x), float(pixel[1] - 1 + y))
    on_sky = np.linalg.solve(on_plane, matrix)
    return Orientation(*on_sky[0].tolist(), *on_sky[1].tolist()), place


def _matrix(header: Header) -> FloatArray:
    """The matrix from pixels to degrees, in any of its three forms."""
    if any(name.startswith("CD") and name[2:3].isdigit() for name in header):
        cells = [_number(header, f"CD{row}_{column}", 0.0) for row in (1, 2) for column in (1, 2)]
        return np.array(cells).reshape(2, 2)
    step = np.array([_number(header, f"CDELT{axis}") for axis in (1, 2)])
    turn = math.radians(_number(header, "CROTA2", 0.0))
    turned = [math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn)]
    unit = [1.0, 0.0, 0.0, 1.0]
    has_pc = any(name.startswith("PC") and "_" in name for name in header)
    names = [f"PC{row}_{column}" for row in (1, 2) for column in (1, 2)]
    cells = [_number(header, n, d) for n, d in zip(names, unit, strict=True)] if has_pc else turned
    matrix = np.array(cells).reshape(2, 2)
    # A rotation turns what CDELT made; PC comes before CDELT.
    steps = step[:, None] if has_pc else step[None, :]
    return np.asarray(steps * matrix, dtype=np.float64)


def _tangential(
    ra: float, dec: float, ra0: float, dec0: float
) -> tuple[FloatArray | None, FloatArray]:
    """Place on the plane that touches the sky at (`ra0`, `dec0`), arcsec, shape (2,).

    None where the place is on the other half of the sky. With it comes how a step to the east
    and one to the north move there, shape (2, 2).
    """
    away = math.radians((ra - ra0) % 360)
    sin_dec, cos_dec = math.sin(math.radians(dec)), math.cos(math.radians(dec))
    sin_0, cos_0 = math.sin(math.radians(dec0)), math.cos(math.radians(dec0))
    sin_away, cos_away = math.sin(away), math.cos(away)
    nearness = sin_0 * sin_dec + cos_0 * cos_dec * cos_away  # cosine of the distance
    if nearness < LEAST_NEARNESS:
        return None, np.eye(2)
    place = np.array([cos_dec * sin_away, cos_0 * sin_dec - sin_0 * cos_dec * cos_away]) / nearness
    east = np.array([cos_away, sin_0 * sin_away])
    north = np.array([-sin_dec * sin_away, cos_0 * cos_dec + sin_0 * sin_dec * cos_away])
    nearer = np.array([-cos_0 * sin_away, sin_0 * cos_dec - cos_0 * sin_dec * cos_away])
    steps = np.stack([east, north], axis=1) - np.outer(place, nearer)
    return ARCSEC * place, steps / nearness


def _is_inside(place: tuple[float, float], shape: tuple[int, ...]) -> bool:
    rows, columns = shape
    return 0 <= place[0] <= columns - 1 and 0 <= place[1] <= rows - 1
