"""Template spectra: a person's folder, and the one file into which they are packed for the scorer.

A folder has `templates.csv` with the columns `file`, `type` and, if known, `name`, `age` (days
since maximum light) and `redshift` of the wavelengths, and the files that it names.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ml_plugins.spectrum.grid import Flat, N, TooShortError, flatten
from tom.formats.spectrum import LARGEST_BYTES, UnreadableSpectrumError, read_spectrum
from tom.taxonomy import find_class, lineage

CLASSES: Final = (
    *("supernova Ia", "supernova Ib/c", "supernova II", "supernova IIn"),
    *("superluminous supernova", "tde", "nova", "cataclysmic variable", "stellar flare"),
    *("agn", "galaxy"),
)
"""The types that a template may be of; a narrower one counts to its own among these."""
LIST: Final = "templates.csv"
PACKED: Final = "templates.parquet"
MOST: Final = 5_000


class BadTemplatesError(ValueError):
    """The templates cannot be used; the text says why, and which one."""


@dataclass(frozen=True, eq=False)
class Template:
    """One template: its name, its type as its owner wrote it, the class of `CLASSES`, its lines."""

    name: str
    kind: str
    label: str
    flat: Flat


def class_of(kind: str) -> str | None:
    """Return the class of `CLASSES` that a type as people write it is of; None: of none."""
    if kind.strip().lower() in {"galaxy", "gal", "host"}:
        return "galaxy"
    before = kind.partition("-")[0].strip()
    spelt = (kind, f"SN {kind}", before, f"SN {before}")  # such as Ib-norm, IIb
    found = next((label for label in map(find_class, spelt) if label), None)
    wider = lineage(found) if found else ()
    return next((label for label in wider if label in CLASSES), None)


def read_folder(folder: Path) -> list[Template]:
    """Read a person's templates.

    Raises
    ------
    BadTemplatesError
        If the list or a file that it names cannot be used.
    """
    try:
        with (folder / LIST).open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{folder / LIST} cannot be read: {error}"
        raise BadTemplatesError(message) from error
    if not rows or len(rows) > MOST:
        message = f"{LIST} has {len(rows)} rows; 1 to {MOST} are read"
        raise BadTemplatesError(message)
    return [_template(folder, row, number) for number, row in enumerate(rows, start=2)]


def _template(folder: Path, row: Mapping[str, str | None], number: int) -> Template:
    file, kind = (row.get("file") or "").strip(), (row.get("type") or "").strip()
    label = class_of(kind)
    if label is None:
        message = f"line {number} of {LIST}: {kind!r} is none of {', '.join(CLASSES)}"
        raise BadTemplatesError(message)
    if not file or Path(file).is_absolute() or ".." in Path(file).parts:
        message = f"line {number} of {LIST}: {file!r} is no file of the folder"
        raise BadTemplatesError(message)
    try:
        redshift = float(row.get("redshift") or 0)
        with (folder / file).open("rb") as opened:
            spectrum = read_spectrum(opened.read(LARGEST_BYTES + 1))
        flat = flatten(spectrum.wavelength / (1 + redshift), spectrum.flux)
    except (OSError, UnreadableSpectrumError, TooShortError, ValueError) as error:
        message = f"{file} cannot be used: {error}"
        raise BadTemplatesError(message) from error
    name = (row.get("name") or "").strip() or Path(file).stem
    age = (row.get("age") or "").strip()
    return Template(f"{name}, {age} d" if age else name, kind, label, flat)


def pack(templates: Sequence[Template], out: Path) -> None:
    """Write templates to one file, which `unpack` reads."""
    out.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(
        {
            "name": [each.name for each in templates],
            "kind": [each.kind for each in templates],
            "label": [each.label for each in templates],
            "first": [each.flat.first for each in templates],
            "last": [each.flat.last for each in templates],
            "values": [each.flat.values.astype(np.float32).tolist() for each in templates],
        }
    ).write_parquet(out)


def unpack(path: Path) -> list[Template]:
    """Read what `pack` wrote.

    Raises
    ------
    BadTemplatesError
        If it is something else.
    """
    try:
        rows = pl.read_parquet(path).to_dicts()
        return [_unpacked(row) for row in rows]
    except (OSError, pl.exceptions.PolarsError, KeyError, TypeError, ValueError) as error:
        message = f"{path.name} is no file of templates: make it again ({error})"[:300]
        raise BadTemplatesError(message) from error


def _unpacked(row: Mapping[str, object]) -> Template:
    values = np.asarray(row["values"], float)
    first, last = int(str(row["first"])), int(str(row["last"]))
    label = str(row["label"])
    if values.shape != (N,) or not 0 <= first < last <= N or label not in CLASSES:
        message = f"the template {str(row['name'])[:40]!r} is damaged"
        raise ValueError(message)
    return Template(str(row["name"]), str(row["kind"]), label, Flat(values, first, last))
