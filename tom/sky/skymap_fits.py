"""Sky maps from FITS files, multi-order and flat ones."""

import math
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from tom.formats.fits_stream import OpenTable, stream_tables
from tom.formats.fits_tables import Header, MalformedFitsError, Table, integer
from tom.sky.arrays import BoolArray, ByteArray, IntArray
from tom.sky.healpix import ORDER
from tom.sky.quick_healpy import healpy
from tom.sky.skymap import MalformedSkyMapError, SkyMap, build_skymap, check_values, split_uniq
from tom.sky.skymap_coarse import Rows, join_slight

DISTANCES = ("DISTMU", "DISTSIGMA", "DISTNORM")
PROBABILITIES = ("PROBDENSITY", "PROB", "PROBABILITY")
# The whole sky at nside 512, if no pixels can be joined. To read so many rows takes some 500 MB.
# The multi-order maps of gravitational waves have some 20,000 rows.
MOST_ROWS = 12 * 512**2
# A flat map with more is read again: four siblings that hold less than this are joined. On one
# level no more than four times its inverse are left; credible levels stay within 0.001.
SLIGHT: Final = 2e-6
# A map of the 90% region alone has 0.9. Beyond these, rows are missing or are no probabilities.
LEAST_SUM, MOST_SUM = 0.8, 1.2
# A flat nested map is read in pieces of so many cells, a flat ring map in cells of so many pixels a
# side, a ring of these cells at a time.
CELLS_OF_PIECE: Final = 4**9
SIDE_OF_PIECE: Final = 64
# nside 2048 with four double columns has 1.5 GiB, nside 4096 with one has as much.
MOST_BYTES: Final = 2 * 2**30
# HEALPix's own names of the frame, and others for it; "": not said. J2000 is ICRS to 0.03 arcsec.
ICRS = {"", "C", "Q", "CELESTIAL", "EQUATORIAL", "EQU", "ICRS", "FK5", "J2000"}


class TooManyRowsError(MalformedSkyMapError):
    """The map has more rows than are read: a flat one is read coarser."""


def read_skymap(data: bytes | BinaryIO) -> SkyMap:
    """Read a sky map from a FITS or gzipped FITS file: its bytes, or the open file itself.

    Multi-order maps (`ORDERING=NUNIQ`) and flat ones (`RING`, `NESTED`) are read, in 2D or 3D.
    Equal neighbours of a flat map are joined, so it becomes as small as the multi-order map from
    which it was made. One of more than `MOST_ROWS` that differ is read coarser where little of the
    probability lies. A map whose sum is a little off one is rescaled and keeps its `raw_sum`.

    Format: https://emfollow.docs.ligo.org/userguide/tutorial/multiorder_skymaps.html

    Raises
    ------
    MalformedSkyMapError
        If the bytes hold no usable sky map; the message says why.
    """
    try:
        with suppress(TooManyRowsError):  # and what was read is let go
            return _read(data, least=0.0)
        return _read(data, least=SLIGHT)
    except MalformedFitsError as error:
        raise MalformedSkyMapError(str(error)) from error


def _read(data: bytes | BinaryIO, *, least: float) -> SkyMap:
    opened = _find_table(data)
    table = opened.table
    _check_frame(table.header)
    _check_units(table.header)
    names = [_probability_name(table)]
    names += DISTANCES if all(name in table.columns for name in DISTANCES) else ()
    parts = list(_rows(opened, names, least=least))
    level, ipix, density, *distance = map(np.concatenate, zip(*parts, strict=True))
    skymap = build_skymap(
        level=level,
        ipix=ipix,
        probdensity=density,
        distance=(distance[0], distance[1], distance[2]) if distance else None,
        distance_mean=_number(table.header, "DISTMEAN"),
        distance_std=_number(table.header, "DISTSTD"),
    )
    if not LEAST_SUM <= skymap.raw_sum <= MOST_SUM:
        message = (
            f"the probabilities sum to {skymap.raw_sum:.3g}, not to 1: pixels are missing, "
            "or the column holds something else"
        )
        raise MalformedSkyMapError(message)
    return skymap


def _find_table(data: bytes | BinaryIO) -> OpenTable:
    for opened in stream_tables(data):
        table = opened.table
        if any(name in table.columns for name in PROBABILITIES):
            if table.n_rows == 0:
                message = "there is no row"
                raise MalformedSkyMapError(message)
            if table.n_rows * table.row_bytes > MOST_BYTES:
                message = f"the map has more than {MOST_BYTES:,} bytes: take its multi-order form"
                raise MalformedSkyMapError(message)
            return opened
    message = "no table with a column " + ", ".join(PROBABILITIES)
    raise MalformedSkyMapError(message)


def _check_frame(header: Header) -> None:
    frame = str(header.get("COORDSYS", "C")).upper()
    if frame not in ICRS:
        message = f"COORDSYS is {frame}, not celestial"
        raise MalformedSkyMapError(message)


def _check_units(header: Header) -> None:
    names = {f"TUNIT{at}": header.get(f"TTYPE{at}") for at in range(1, 1000)}
    for keyword, name in names.items():
        unit = str(header.get(keyword, ""))
        if str(name).upper() in {"DISTMU", "DISTSIGMA"} and unit.casefold() not in {"", "mpc"}:
            message = f"{name} is in {unit}, not in Mpc"
            raise MalformedSkyMapError(message)


def _ordering(table: Table) -> str:
    # AMPLFI's maps of 2026 have a column UNIQ and no ORDERING.
    presumed = "NUNIQ" if "UNIQ" in table.columns else ""
    ordering = str(table.header.get("ORDERING", presumed)).upper()
    if ordering not in {"NUNIQ", "RING", "NESTED", "NEST"}:
        message = f"ORDERING is {ordering!r}, not RING, NESTED or NUNIQ"
        raise MalformedSkyMapError(message)
    return ordering


def _probability_name(table: Table) -> str:
    return next(name for name in PROBABILITIES if name in table.columns)


def _integers(table: Table, name: str) -> IntArray:
    if name not in table.columns:
        message = f"no column {name}"
        raise MalformedSkyMapError(message)
    values = table.column(name)
    if values.dtype != np.int64 or len(values) != table.n_rows:
        message = f"column {name} holds no whole numbers"
        raise MalformedSkyMapError(message)
    return values


def _number(header: Header, keyword: str) -> float:
    value = header.get(keyword, float("nan"))
    return float("nan") if isinstance(value, str) else float(value)


def _rows(opened: OpenTable, names: list[str], *, least: float) -> Iterator[Rows]:
    ordering = _ordering(opened.table)
    if ordering != "NUNIQ" and not _is_partial(opened.table):
        yield from _flat_rows(opened, names, is_ring=ordering == "RING", least=least)
        return
    _check_rows(opened.table.n_rows)
    for piece in opened.pieces():
        level, ipix = (
            split_uniq(_integers(piece, "UNIQ")) if ordering == "NUNIQ" else _named_pixels(piece)
        )
        yield [level, ipix, *_values(piece, names, [piece.cells(each) for each in names], level)]


def _is_partial(table: Table) -> bool:
    return str(table.header.get("INDXSCHM", "IMPLICIT")).upper() == "EXPLICIT"


def _flat_rows(
    opened: OpenTable, names: list[str], *, is_ring: bool, least: float
) -> Iterator[Rows]:
    """Turn a flat map of the whole sky into rows, a piece at a time.

    Equal siblings are joined, and those that hold less than `least` together.
    """
    table, n = opened.table, 0
    nside = _nside(table)
    if any(table.n_rows * table.columns[name].repeat != 12 * nside**2 for name in names):
        message = f"a column has not the {12 * nside**2} pixels of NSIDE {nside}"
        raise MalformedSkyMapError(message)
    level, window = nside.bit_length() - 1, _Window(opened, names)
    for first, last, coarse, depth in _ring_pieces(nside) if is_ring else _nested_pieces(nside):
        columns = window.show(first, last)
        if is_ring:
            fine = (coarse[:, None] << (2 * depth)) + np.arange(4**depth)
            order = healpy.nest2ring(nside, fine.reshape(-1)) - first
            columns = [column[order] for column in columns]
        levels, at = _join_siblings(depth, columns)
        ipix = (coarse[at >> (2 * depth)] << (2 * depth)) + (at & (4**depth - 1))
        stored = np.full(len(at), level, dtype=np.uint8)
        rows = [
            levels + np.uint8(level - depth),
            ipix >> (2 * (depth - levels.astype(np.int64))),
            *_values(table, names, [column[at] for column in columns], stored),
        ]
        if least:
            check_values(*rows[2:])
            rows = join_slight(rows, least=least, coarsest=level - depth)
        n += len(rows[0])
        _check_rows(n)
        yield rows


# The first cell of a piece as they are stored, the last one's successor, and the nested pixels that
# the piece holds whole, each of 4^depth cells.
Piece = tuple[int, int, IntArray, int]


def _nested_pieces(nside: int) -> Iterator[Piece]:
    cells = min(nside**2, CELLS_OF_PIECE)
    for number in range(12 * nside**2 // cells):
        pixel = np.array([number], dtype=np.int64)
        yield number * cells, (number + 1) * cells, pixel, (cells.bit_length() - 1) // 2


def _ring_pieces(nside: int) -> Iterator[Piece]:
    """Go through the rings of coarse pixels.

    A coarse pixel in ring i has fine pixels in the rings between (i - 1) and (i + 1) times its side
    (Gorski et al. 2005, https://doi.org/10.1086/427976).
    """
    side = min(nside, SIDE_OF_PIECE)
    coarse = nside // side
    edges = [_cells_before(ring, coarse) for ring in range(1, 4 * coarse + 1)]
    for ring, (start, stop) in enumerate(pairwise(edges), start=1):
        pixels = np.asarray(healpy.ring2nest(coarse, np.arange(start, stop)), dtype=np.int64)
        first = _cells_before((ring - 1) * side + 1, nside)
        yield first, _cells_before((ring + 1) * side, nside), pixels, side.bit_length() - 1


def _cells_before(ring: int, nside: int) -> int:
    """How many pixels lie in the rings before one; the rings are numbered from 1 at the north."""
    if ring <= nside:
        return 2 * ring * (ring - 1)
    if ring <= 3 * nside:
        return 2 * nside * (nside - 1) + 4 * nside * (ring - nside)
    left = 4 * nside - ring
    return 12 * nside**2 - 2 * left * (left + 1)


class _Window:
    """A run of a flat map's cells, which moves along the table."""

    def __init__(self, opened: OpenTable, names: list[str]) -> None:
        self._opened, self._names = opened, names
        self._repeat = opened.table.columns[names[0]].repeat
        self._first = 0
        self._columns = [piece[:0] for piece in self._take(0)]

    def show(self, first: int, last: int) -> list[npt.NDArray[Any]]:
        """Return the cells from `first` to before `last` of each column, as they are stored."""
        more = self._take(-(-last // self._repeat) - self._opened.taken)
        kept = first - self._first
        pairs = zip(self._columns, more, strict=True)
        self._columns = [np.concatenate([old, new])[kept:] for old, new in pairs]
        self._first = first
        return [column[: last - first] for column in self._columns]

    def _take(self, n_rows: int) -> list[npt.NDArray[Any]]:
        piece = self._opened.take(max(0, n_rows))
        return [piece.cells(name) for name in self._names]


def _named_pixels(table: Table) -> tuple[ByteArray, IntArray]:
    """Return level and nested pixel of the rows of a flat map with a column of pixels."""
    nside, ipix = _nside(table), _integers(table, "PIXEL")
    # healpy turns a pixel that does not exist into some other pixel.
    if not np.all((ipix >= 0) & (ipix < 12 * nside**2)):
        message = f"a pixel does not exist at NSIDE {nside}"
        raise MalformedSkyMapError(message)
    if _ordering(table) == "RING":
        ipix = np.asarray(healpy.ring2nest(nside, ipix), dtype=np.int64)
    return np.full(len(ipix), nside.bit_length() - 1, dtype=np.uint8), ipix


def _values(
    table: Table, names: list[str], cells: list[npt.NDArray[Any]], level: ByteArray
) -> Rows:
    """Turn stored cells into numbers, the first into a density of rows of these levels."""
    if any(len(each) != len(level) for each in cells):
        message = "the columns differ in length"
        raise MalformedSkyMapError(message)
    density, *others = map(table.scaled, names, cells)
    if names[0] != "PROBDENSITY":
        density = density / np.ldexp(np.pi / 3, -2 * level.astype(np.int32))
    return [density, *others]


def _check_rows(n: int) -> None:
    if n > MOST_ROWS:
        message = f"the map has more than {MOST_ROWS:,} rows that differ: make it coarser"
        raise TooManyRowsError(message)


def _nside(table: Table) -> int:
    nside = integer(table.header, "NSIDE", _nside_by_rows(table))
    if not 0 < nside <= 2**ORDER or nside & (nside - 1):
        message = f"NSIDE is {nside}"
        raise MalformedSkyMapError(message)
    return nside


def _nside_by_rows(table: Table) -> int | None:
    """The NSIDE of which a table holds the whole sky; None if it names its pixels."""
    if "PIXEL" in table.columns:
        return None
    cells = table.n_rows * table.columns[_probability_name(table)].repeat
    return math.isqrt(cells // 12)


def _join_siblings(level: int, columns: list[npt.NDArray[Any]]) -> tuple[ByteArray, IntArray]:
    """Join four equal siblings into their parent, as many levels up as are given.

    Returns the level of each row below the highest one, and its first cell. The columns may have
    the file's byte order.
    """
    whole: BoolArray = np.ones(len(columns[0]), dtype=np.bool_)
    levels: list[ByteArray] = []
    firsts: list[IntArray] = []
    n = 0
    for at in range(level, -1, -1):
        joined = _equal_siblings(whole, columns) if at > 0 else np.zeros(0, dtype=np.bool_)
        n += int(np.count_nonzero(whole)) - 4 * int(np.count_nonzero(joined))
        _check_rows(n)
        kept = np.flatnonzero(whole & ~np.repeat(joined, 4) if at > 0 else whole)
        levels.append(np.full(len(kept), at, dtype=np.uint8))
        firsts.append(kept << (2 * (level - at)))
        whole, columns = joined, [column[::4] for column in columns]
    return np.concatenate(levels), np.concatenate(firsts)


def _equal_siblings(whole: BoolArray, columns: list[npt.NDArray[Any]]) -> BoolArray:
    """Return for each four siblings whether all are whole and equal in every column."""
    equal: BoolArray = whole[0::4] & whole[1::4] & whole[2::4] & whole[3::4]
    for column in columns:
        first = column[0::4]
        for sibling in (1, 2, 3):
            equal &= column[sibling::4] == first
    return equal
