"""Sky maps as FITS files: read multi-order and flat ones, write multi-order ones."""

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tom.formats.fits_tables import (
    Header,
    MalformedFitsError,
    Table,
    gunzip,
    integer,
    read_tables,
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
ICRS = {"C", "CELESTIAL", "EQUATORIAL", "ICRS"}


@dataclass(frozen=True, eq=False)
class _Rows:
    """The places of a file's rows: their pixels, the level of these, and their cells."""

    level: ByteArray
    ipix: IntArray
    stored_level: ByteArray
    pick: IntArray | slice


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
    table = _find_table(gunzip(data))
    _check_frame(table.header)
    names = [_probability_name(table)]
    names += DISTANCES if all(name in table.columns for name in DISTANCES) else ()
    rows = _multi_order_rows(table) if _ordering(table) == "NUNIQ" else _flat_rows(table, names)
    probability, *distance = (table.column(name, rows.pick) for name in names)
    if len(probability) != len(rows.ipix):
        message = "the columns differ in length"
        raise MalformedSkyMapError(message)
    if names[0] != "PROBDENSITY":
        probability = probability / np.ldexp(np.pi / 3, -2 * rows.stored_level.astype(np.int32))
    skymap = build_skymap(
        level=rows.level,
        ipix=rows.ipix,
        probdensity=probability,
        distance=(distance[0], distance[1], distance[2]) if distance else None,
        distance_mean=_number(table.header, "DISTMEAN"),
        distance_std=_number(table.header, "DISTSTD"),
    )
    if not LEAST_SUM <= skymap.raw_sum <= MOST_SUM:
        message = f"the probabilities sum to {skymap.raw_sum:.3g}, not to 1"
        raise MalformedSkyMapError(message)
    return skymap


def write_skymap(skymap: SkyMap, *, header: Mapping[str, str | float] | None = None) -> bytes:
    """Write a multi-order FITS file as LIGO-Virgo-KAGRA sends it: rows by UNIQ, 1/sr, Mpc.

    `header` adds keywords of the caller's, such as `OBJECT` or `DATE-OBS`.
    """
    from astropy.io import fits  # slow to import, and only writers need it

    order = np.argsort(skymap.uniq, kind="stable")
    columns = [
        fits.Column("UNIQ", "K", array=skymap.uniq[order]),
        fits.Column("PROBDENSITY", "D", unit="sr-1", array=skymap.probdensity[order]),
    ]
    distances = (skymap.distmu, skymap.distsigma, skymap.distnorm)
    for name, unit, values in zip(DISTANCES, ("Mpc", "Mpc", "Mpc-2"), distances, strict=True):
        if values is not None:
            columns.append(fits.Column(name, "D", unit=unit, array=values[order]))
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update(_header(skymap) | dict(header or {}))
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    return buffer.getvalue()


def _header(skymap: SkyMap) -> dict[str, str | float]:
    header: dict[str, str | float] = {
        "PIXTYPE": "HEALPIX",
        "ORDERING": "NUNIQ",
        "COORDSYS": "C",
        "MOCORDER": int(skymap.level.max()),
        "INDXSCHM": "EXPLICIT",
    }
    distances = {"DISTMEAN": skymap.distance_mean, "DISTSTD": skymap.distance_std}
    return header | {name: value for name, value in distances.items() if np.isfinite(value)}


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


def _multi_order_rows(table: Table) -> _Rows:
    _check_rows(table.n_rows)
    level, ipix = split_uniq(_integers(table, "UNIQ"))
    return _Rows(level=level, ipix=ipix, stored_level=level, pick=slice(None))


def _flat_rows(table: Table, names: list[str]) -> _Rows:
    """Turn a flat map into nested rows; join equal siblings if it covers the whole sky."""
    nside = _nside(table)
    if str(table.header.get("INDXSCHM", "IMPLICIT")).upper() == "EXPLICIT":
        return _partial_rows(table, nside)
    level = nside.bit_length() - 1
    ring = _ordering(table) == "RING"
    columns = [table.cells(name) for name in names]
    if any(len(column) != 12 * nside**2 for column in columns):
        message = f"a column has not the {12 * nside**2} pixels of NSIDE {nside}"
        raise MalformedSkyMapError(message)
    if ring:
        columns = _nested(nside, columns)
    levels, first = _join_siblings(level, columns)
    return _Rows(
        level=levels,
        ipix=first >> (2 * (level - levels.astype(np.int64))),
        stored_level=np.full(len(levels), level, dtype=np.uint8),
        pick=healpy.nest2ring(nside, first) if ring else first,
    )


def _partial_rows(table: Table, nside: int) -> _Rows:
    """Turn a flat map with a column of pixels into nested rows."""
    _check_rows(table.n_rows)
    ipix = _integers(table, "PIXEL")
    # healpy turns a pixel that does not exist into some other pixel.
    if not np.all((ipix >= 0) & (ipix < 12 * nside**2)):
        message = f"a pixel does not exist at NSIDE {nside}"
        raise MalformedSkyMapError(message)
    if _ordering(table) == "RING":
        ipix = np.asarray(healpy.ring2nest(nside, ipix), dtype=np.int64)
    levels = np.full(len(ipix), nside.bit_length() - 1, dtype=np.uint8)
    return _Rows(level=levels, ipix=ipix, stored_level=levels, pick=slice(None))


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
