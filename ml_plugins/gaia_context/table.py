"""A table of stars as Gaia gives them: read from a person's file, and refused with a reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from astropy.io import fits

from tom.scoring.contract import BoolArray, FloatArray

MOST_BYTES: Final = 2_000_000_000
MOST_STARS: Final = 5_000_000
EPOCH: Final = 2016.0
"""The epoch of the positions in Gaia DR3, Julian year: where the table has no `ref_epoch`."""
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "ra": ("ra",),
    "dec": ("dec",),
    "pmra": ("pmra",),
    "pmdec": ("pmdec",),
    "parallax": ("parallax",),
    "g": ("phot_g_mean_mag", "g"),
    "bp_rp": ("bp_rp",),
}
"""Each column that a table must have, and its names: Gaia's first."""
OPTIONAL: Final = {"pmra_error": 0.0, "pmdec_error": 0.0, "ref_epoch": EPOCH}
"""Columns that a table may have, and what counts without them."""
JUDGED: Final[Mapping[str, tuple[float, float]]] = {
    "pmra": (-2000.0, 2000.0),
    "pmdec": (-2000.0, 2000.0),
    "parallax": (-100.0, 1.0),
    "g": (0.0, 20.2),
    "bp_rp": (-1.0, 6.0),
    "pmra_error": (0.0, 0.75),
    "pmdec_error": (0.0, 0.75),
    "ref_epoch": (1900.0, 2100.0),
}
"""Between which values a star is compared with its neighbours; what is missing is outside."""


class BadTableError(ValueError):
    """The file is no table of stars that can be used; the text says why."""


@dataclass(frozen=True, eq=False)
class Stars:
    """n stars, each an array of shape (n,).

    `ra`, `dec` in ICRS degrees at `epoch` (Julian years); `pmra` (with cos dec), `pmdec` in mas/yr;
    `g`, `bp_rp` in mag. `is_judged`: all its values are in `JUDGED`; else they may be NaN.
    """

    ra: FloatArray
    dec: FloatArray
    pmra: FloatArray
    pmdec: FloatArray
    g: FloatArray
    bp_rp: FloatArray
    epoch: FloatArray
    is_judged: BoolArray

    def __len__(self) -> int:
        """Return the number of stars."""
        return len(self.ra)


def read_stars(path: Path) -> Stars:
    """Read the stars of a file in parquet, CSV or FITS; rows without a place are left out.

    Raises
    ------
    BadTableError
        If it is too large, of another form, lacks a column, or has no star that can be compared.
    OSError
        If it cannot be opened.
    """
    frame = _read_frame(path)
    values = {name: _numbers(frame, _find(frame, names)) for name, names in COLUMNS.items()}
    for name, without in OPTIONAL.items():
        column = _named(frame, name)
        values[name] = np.full(len(frame), without) if column is None else _numbers(frame, column)
    with np.errstate(invalid="ignore"):
        placed = (np.abs(values["dec"]) <= 90) & (values["ra"] >= 0) & (values["ra"] <= 360)
        judged = placed.copy()
        for name, (least, most) in JUDGED.items():
            judged &= (values[name] >= least) & (values[name] <= most)
    if not judged.any():
        message = f"none of its {len(frame)} rows is a star that can be compared"
        raise BadTableError(message)
    kept = {name: values[name][placed] for name in ("ra", "dec", "pmra", "pmdec", "g", "bp_rp")}
    return Stars(**kept, epoch=values["ref_epoch"][placed], is_judged=judged[placed])


def _read_frame(path: Path) -> pl.DataFrame:
    if path.stat().st_size > MOST_BYTES:
        message = f"it has more than {MOST_BYTES:,} bytes"
        raise BadTableError(message)
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".parquet": pl.read_parquet,
        ".csv": _read_csv,
        ".fits": _read_fits,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        message = f"its name must end in {', '.join(readers)}"
        raise BadTableError(message)
    try:
        frame = reader(path)
    except BadTableError:
        raise
    # What a damaged file raises depends on where it is damaged.
    except (pl.exceptions.PolarsError, ValueError, TypeError, KeyError, IndexError) as error:
        message = f"it cannot be read as {path.suffix}: {error}"[:300]
        raise BadTableError(message) from error
    if len(frame) > MOST_STARS:
        message = f"it has {len(frame):,} rows, and at most {MOST_STARS:,} are read"
        raise BadTableError(message)
    return frame


def _read_csv(path: Path) -> pl.DataFrame:
    """Read the columns that are needed; a value that is no number is missing."""
    head = pl.read_csv(path, n_rows=0)
    known = {*OPTIONAL, *(name for names in COLUMNS.values() for name in names)}
    columns = [name for name in head.columns if name.lower() in known]
    return pl.read_csv(
        path,
        columns=columns,
        schema_overrides=dict.fromkeys(columns, pl.Float64),
        ignore_errors=True,
        n_rows=MOST_STARS + 1,
    )


def _read_fits(path: Path) -> pl.DataFrame:
    """Read the first table of a FITS file: its columns of one number a row."""
    try:
        with fits.open(path) as opened:
            tables = [hdu for hdu in opened if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
            if not tables:
                message = "it has no table"
                raise BadTableError(message)
            columns = {name: np.asarray(tables[0].data[name]) for name in tables[0].columns.names}
    except OSError as error:  # of astropy, where it is no FITS file
        message = f"it cannot be read as .fits: {error}"[:300]
        raise BadTableError(message) from error
    plain = {
        name: column.astype(float)
        for name, column in columns.items()
        if column.ndim == 1 and column.dtype.kind in "fiu"
    }
    return pl.DataFrame(plain)


def _named(frame: pl.DataFrame, name: str) -> str | None:
    return next((column for column in frame.columns if column.lower() == name), None)


def _find(frame: pl.DataFrame, names: tuple[str, ...]) -> str:
    for name in names:
        column = _named(frame, name)
        if column is not None:
            return column
    there = ", ".join(frame.columns[:20])
    message = f"it has no column {' or '.join(names)}, only {there or 'none'}"
    raise BadTableError(message)


def _numbers(frame: pl.DataFrame, column: str) -> FloatArray:
    try:
        numbers = frame[column].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    except pl.exceptions.PolarsError as error:
        message = f"its column {column} has no numbers"
        raise BadTableError(message) from error
    return np.array(numbers, float)
