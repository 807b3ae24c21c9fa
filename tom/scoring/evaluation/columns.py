"""Read the two files of an evaluation: light curves and labels, in parquet.

Columns are found by their names, as they are in use: see `NAMES`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tom.records.redshift import Redshift, RedshiftSource
from tom.scoring.inputs import Listed

NAMES: Final = {
    "name": ("oid", "object_id", "obj_id", "name", "NAME"),
    "label": ("cls", "spec_broad", "SpecType", "label", "LABEL", "type", "spec_class"),
    "alias": ("IAUID", "iau_name", "alias"),
    "ra": ("ra", "RA"),
    "dec": ("dec", "Dec", "DEC"),
    "ebv": ("ebv", "EBV", "mwebv"),
    "a_v": ("A_V",),
    "fold": ("fold",),
    "redshift": ("redshift", "z", "Z"),
    "share": ("galaxy_share",),
    "catalogues": ("galaxy_catalogues",),
}
"""What a column holds, and the names that it may have; the first one that is there counts."""

NOTHING: Final = frozenset({"", "-", "NA", "N/A", "None", "NULL", "NaN", "nan"})
"""What tables write where they know nothing."""
UNLABELLED: Final = NOTHING | {"unknown", "Unknown"}


class WrongFileError(ValueError):
    """A file cannot be evaluated on; the text says what to change in it."""


@dataclass(frozen=True)
class Labelled:
    """One labelled object. `ra`, `dec` are ICRS degrees, `ebv` mag; NaN: not known.

    `redshift` is None unless it is declared what the file's redshifts were measured on, and
    `galaxies` unless the file tells what was found and the catalogues' names, between commas.
    """

    name: str
    label: str
    alias: str = ""
    ra: float = float("nan")
    dec: float = float("nan")
    ebv: float = float("nan")
    fold: str = ""
    redshift: Redshift | None = None
    galaxies: Listed | None = None


def scan(path: Path) -> pl.LazyFrame:
    """Open a parquet file without reading its rows; raise WrongFileError if it is none."""
    if not path.is_file():
        message = f"there is no file {path}"
        raise WrongFileError(message)
    try:
        frame = pl.scan_parquet(path, glob=False)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        message = f"{path} is no parquet file: {str(error)[:200]}"
        raise WrongFileError(message) from error
    return frame


def collect(frame: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """Read the rows of an open file; raise WrongFileError if it is damaged."""
    try:
        return frame.collect(engine="streaming")
    # What a damaged file raises depends on where it is damaged.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        message = f"{path} cannot be read, it may be damaged: {str(error)[:200]}"
        raise WrongFileError(message) from error


def find(columns: Iterable[str], what: str, path: Path) -> str:
    """Return the column that holds something; raise WrongFileError if there is none."""
    found = find_any(columns, what)
    if found is None:
        message = f"{path} has no column of {what}: name it {' or '.join(NAMES[what])}"
        raise WrongFileError(message)
    return found


def find_any(columns: Iterable[str], what: str) -> str | None:
    """Return the column that holds something; None: there is none."""
    there = set(columns)
    return next((name for name in NAMES[what] if name in there), None)


def read_labels(
    path: Path, *, column: str | None = None, source: RedshiftSource = RedshiftSource.UNKNOWN
) -> list[Labelled]:
    """Read the labelled objects, in order of name; objects without a label are left out.

    `source` declares what the file's redshifts were measured on; else none is read.

    Raises
    ------
    WrongFileError
        If a column is missing, or an object has two rows with different labels or folds.
    """
    rows = _rows(path, column)
    objects = [_labelled(row, source) for row in rows if _text(row["label"]) not in UNLABELLED]
    return _each_once(objects, path)


def count_unlabelled(path: Path, *, column: str | None = None) -> int:
    """Return how many objects have no label; raise WrongFileError as `read_labels` does."""
    rows = _rows(path, column)
    return len({_text(row["name"]) for row in rows if _text(row["label"]) in UNLABELLED})


def _rows(path: Path, column: str | None) -> list[dict[str, object]]:
    frame = scan(path)
    columns = frame.collect_schema().names()
    if column is not None and column not in columns:
        message = f"{path} has no column {column!r}; it has {', '.join(columns)}"
        raise WrongFileError(message)
    label = column or find(columns, "label", path)
    found = {what: find_any(columns, what) for what in NAMES} | {"label": label}
    found["name"] = find(columns, "name", path)
    wanted = [pl.col(name).alias(what) for what, name in found.items() if name is not None]
    return collect(frame.select(wanted), path).to_dicts()


def _labelled(row: dict[str, object], source: RedshiftSource) -> Labelled:
    ebv, alias = _number(row.get("ebv")), _text(row.get("alias"))
    ra, dec = _place(row)
    return Labelled(
        name=_text(row["name"]),
        label=_text(row["label"]),
        alias="" if alias in NOTHING else bare_name(alias),
        ra=ra,
        dec=dec,
        ebv=_number(row.get("a_v")) / 3.1 if ebv != ebv else ebv,  # R_V of the Milky Way
        fold=_text(row.get("fold")),
        redshift=_redshift(row, source),
        galaxies=_galaxies(row),
    )


def _place(row: dict[str, object]) -> tuple[float, float]:
    """Return right ascension and declination; NaN where tables write that they do not know it."""
    ra, dec = _degrees(row.get("ra"), hours=True), _degrees(row.get("dec"), hours=False)
    is_one = 0 <= ra <= 360 and abs(dec) <= 90 and (ra, dec) != (0, 0)
    return (ra, dec) if is_one else (float("nan"), float("nan"))


def _redshift(row: dict[str, object], source: RedshiftSource) -> Redshift | None:
    value = _number(row.get("redshift"))
    return Redshift(value, source) if source and value > 0 else None


def _galaxies(row: dict[str, object]) -> Listed | None:
    share, catalogues = _number(row.get("share")), _text(row.get("catalogues"))
    return Listed(share, tuple(catalogues.split(","))) if 0 <= share <= 1 and catalogues else None


def bare_name(name: str) -> str:
    """Return a name of the Transient Name Server without its prefix: `2020buc` of `SN2020buc`."""
    text = name.replace(" ", "")
    return text[2:] if text[:2] in {"SN", "AT"} and text[2:6].isdigit() else text


def _text(value: object) -> str:
    """Return a value as text; a whole number as `light` writes it, in whatever type it came."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _number(value: object) -> float:
    try:
        return float(_text(value))
    except ValueError:
        return float("nan")


def _degrees(value: object, *, hours: bool) -> float:
    """Read degrees, or sexagesimal hours (right ascension) or degrees."""
    parts = _text(value).split(":")
    if len(parts) != 3:
        return _number(value)
    first, minutes, seconds = map(_number, parts)
    sign = -1.0 if parts[0].startswith("-") else 1.0
    return sign * (abs(first) + minutes / 60 + seconds / 3600) * (15.0 if hours else 1.0)


def _each_once(objects: Sequence[Labelled], path: Path) -> list[Labelled]:
    known: dict[str, Labelled] = {}
    for each in objects:
        other = known.setdefault(each.name, each)
        if (other.label, other.fold) != (each.label, each.fold):
            what = "folds" if other.label == each.label else "labels"
            message = (
                f"{path}: {each.name} has rows in two {what}: give each object one row, so that a"
                " split is one of objects and not of rows"
            )
            raise WrongFileError(message)
    if not known:
        message = f"{path} has no labelled object"
        raise WrongFileError(message)
    return [known[name] for name in sorted(known)]
