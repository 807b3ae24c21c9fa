"""Sky maps from FITS files, multi-order and flat ones."""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tom.formats.fits_tables import (
    Header,
    MalformedFitsError,
    Pick,
    Table,
    first_table,
    gunzip,
    integer,
    read_tables,
    rows_of,
)
from tom.sky.arrays import BoolArray, ByteArray, IntArray
from tom.sky.healpix import ORDER
from tom.sky.quick_healpy import healpy
from tom.sky.skymap import MalformedSkyMapError, SkyMap, build_skymap, split_uniq

DISTANCES = ("DISTMU", "DISTSIGMA", "DISTNORM")
PROBABILITIES = ("PROBDENSITY", "PROB", "PROBABILITY")
# The whole sky at nside 512, if no pixels can be joined. To read so many rows takes some 500 MB.
# The multi-order maps of gravitational waves have some 20,000 rows.
MOST_ROWS = 12 * 512**2
# A map of the 90% region alone has 0.9. Beyond these, rows are missing or are no probabilities.
LEAST_SUM, MOST_SUM = 0.8, 1.2
# A flat nested map is read in pieces of so many cells, if it unpacks to no more than MOST_BYTES:
# nside 2048 with four double columns has 1.5 GiB.
CELLS_OF_PIECE: Final = 4**9
MOST_BYTES: Final = 2 * 2**30
ICRS = {"C", "CELESTIAL", "EQUATORIAL", "ICRS"}

# Level, nested pixel, density, and the distance's columns in a 3D map: arrays of one length.
Rows = list[npt.NDArray[Any]]


def read_skymap(data: bytes) -> SkyMap:
    """Read a sky map from the bytes of a FITS or gzipped FITS file.

    Multi-order maps (`ORDERING=NUNIQ`) and flat ones (`RING`, `NESTED`) are read, in 2D or 3D.
    Equal neighbours of a flat map are joined, so it becomes as small as the multi-order map from
    which it was made. A map whose sum is a little off one is rescaled and keeps its `raw_sum`.

    Format: https://emfollow.docs.ligo.org/userguide/tutorial/multiorder_skymaps.html

    Raises
    ------
    MalformedSkyMapError
        If the bytes hold no usable sky map; the message says why.
    """
    try:
        return _read(data)
    except MalformedFitsError as error:
        raise MalformedSkyMapError(str(error)) from error


def _read(data: bytes) -> SkyMap:
    nested = _nested_table(data)
    table = nested or _find_table(gunzip(data))
    _check_frame(table.header)
    names = [_probability_name(table)]
    names += DISTANCES if all(name in table.columns for name in DISTANCES) else ()
    parts = _nested_parts(data, nested, names) if nested else [_rows(table, names)]
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
        message = f"the probabilities sum to {skymap.raw_sum:.3g}, not to 1"
        raise MalformedSkyMapError(message)
    return skymap


def _find_table(data: bytes | bytearray) -> Table:
    for table in read_tables(data):
        if any(name in table.columns for name in PROBABILITIES):
            if table.n_rows == 0:
                message = "there is no row"
                raise MalformedSkyMapError(message)
            return table
    message = "no table with a column " + ", ".join(PROBABILITIES)
    raise MalformedSkyMapError(message)


def _check_frame(header: Header) -> None:
    frame = str(header.get("COORDSYS", "C")).upper()
    if frame not in ICRS:
        message = f"COORDSYS is {frame}, not celestial"
        raise MalformedSkyMapError(message)


def _ordering(table: Table) -> str:
    # AMPLFI's maps of 2026 have a column UNIQ and no ORDERING.
    presumed = "NUNIQ" if "UNIQ" in table.columns else ""
    ordering = str(table.header.get("ORDERING", presumed)).upper()
    if ordering not in {"NUNIQ", "RING", "NESTED", "NEST"}:
        message = f"ORDERING is {ordering!r}"
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


def _rows(table: Table, names: list[str]) -> Rows:
    if _ordering(table) == "NUNIQ":
        return _multi_order_rows(table, names)
    return _partial_rows(table, names) if _is_partial(table) else _flat_rows(table, names)


def _is_partial(table: Table) -> bool:
    return str(table.header.get("INDXSCHM", "IMPLICIT")).upper() == "EXPLICIT"


def _multi_order_rows(table: Table, names: list[str]) -> Rows:
    _check_rows(table.n_rows)
    level, ipix = split_uniq(_integers(table, "UNIQ"))
    return [level, ipix, *_values(table, names, level, slice(None))]


def _flat_rows(table: Table, names: list[str]) -> Rows:
    """Turn a flat map of the whole sky into nested rows; join equal siblings."""
    nside = _nside(table)
    level = nside.bit_length() - 1
    ring = _ordering(table) == "RING"
    columns = [table.cells(name) for name in names]
    if any(len(column) != 12 * nside**2 for column in columns):
        message = f"a column has not the {12 * nside**2} pixels of NSIDE {nside}"
        raise MalformedSkyMapError(message)
    levels, first = _join_siblings(level, _nested(nside, columns) if ring else columns)
    pick = healpy.nest2ring(nside, first) if ring else first
    stored = np.full(len(first), level, dtype=np.uint8)
    ipix = first >> (2 * (level - levels.astype(np.int64)))
    return [levels, ipix, *_values(table, names, stored, pick)]


def _nested_table(data: bytes) -> Table | None:
    """The table of a flat nested map of which a piece can be read at a time; else None."""
    try:
        table = first_table(data)
        nside = _nside(table)
        is_flat = _ordering(table).startswith("NEST") and not _is_partial(table)
    except (ValueError, StopIteration):
        return None  # what is wrong with it is said where all of it is read
    wanted = (_probability_name(table), *DISTANCES)
    repeats = {table.columns[name].repeat for name in wanted if name in table.columns}
    repeat = min(repeats)
    is_whole = len(repeats) == 1 and table.n_rows * repeat == 12 * nside**2
    return table if is_flat and is_whole and _cells_of_piece(nside) % repeat == 0 else None


def _nested_parts(data: bytes, table: Table, names: list[str]) -> Iterator[Rows]:
    """Turn a flat nested map into rows, joining equal siblings, a piece of the sky at a time."""
    if table.n_rows * table.row_bytes > MOST_BYTES:
        message = f"the map has more than {MOST_BYTES} bytes: send a multi-order map"
        raise MalformedSkyMapError(message)
    nside, n = _nside(table), 0
    cells = _cells_of_piece(nside)
    level, depth = nside.bit_length() - 1, (cells.bit_length() - 1) // 2
    pieces = rows_of(data, table, cells // table.columns[names[0]].repeat)
    for number, piece in enumerate(pieces):
        levels, first = _join_siblings(depth, [piece.cells(name) for name in names])
        n += len(first)
        _check_rows(n)
        ipix = (number * cells + first) >> (2 * (depth - levels.astype(np.int64)))
        stored = np.full(len(first), level, dtype=np.uint8)
        yield [levels + np.uint8(level - depth), ipix, *_values(piece, names, stored, first)]


def _cells_of_piece(nside: int) -> int:
    return min(nside**2, CELLS_OF_PIECE)


def _partial_rows(table: Table, names: list[str]) -> Rows:
    """Turn a flat map with a column of pixels into nested rows."""
    _check_rows(table.n_rows)
    nside, ipix = _nside(table), _integers(table, "PIXEL")
    # healpy turns a pixel that does not exist into some other pixel.
    if not np.all((ipix >= 0) & (ipix < 12 * nside**2)):
        message = f"a pixel does not exist at NSIDE {nside}"
        raise MalformedSkyMapError(message)
    if _ordering(table) == "RING":
        ipix = np.asarray(healpy.ring2nest(nside, ipix), dtype=np.int64)
    level = np.full(len(ipix), nside.bit_length() - 1, dtype=np.uint8)
    return [level, ipix, *_values(table, names, level, slice(None))]


def _values(table: Table, names: list[str], level: ByteArray, pick: Pick) -> Rows:
    """Read columns, the first as a density of rows that have these levels in the file."""
    density, *others = (table.column(name, pick) for name in names)
    if len(density) != len(level):
        message = "the columns differ in length"
        raise MalformedSkyMapError(message)
    if names[0] != "PROBDENSITY":
        density = density / np.ldexp(np.pi / 3, -2 * level.astype(np.int32))
    return [density, *others]


def _check_rows(n: int) -> None:
    if n > MOST_ROWS:
        message = f"the map has more than {MOST_ROWS} rows: send a multi-order map"
        raise MalformedSkyMapError(message)


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


def _nested(nside: int, columns: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Sort ring columns into nested order, a base pixel at a time.

    The index of the whole sky would be several times as large as the map.
    """
    nested = [np.empty(len(column), column.dtype) for column in columns]
    for first in range(0, 12 * nside**2, nside**2):
        place = slice(first, first + nside**2)
        order = healpy.nest2ring(nside, np.arange(place.start, place.stop))
        for column, ring in zip(nested, columns, strict=True):
            column[place] = ring[order]
    return nested


def _join_siblings(level: int, columns: list[npt.NDArray[Any]]) -> tuple[ByteArray, IntArray]:
    """Join four equal siblings into their parent, level by level, up to the twelve base pixels.

    Returns the level of each row, and its first pixel at the level of the input. The columns may
    be views of the file, in its byte order: no copy as large as the map is made.
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
