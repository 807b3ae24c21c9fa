"""Read a catalogue's CSV by its mapping: galaxies with our units, and why rows were refused."""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tom.galaxies.distances import fill_distances
from tom.galaxies.mapping import CatalogueMapping, within
from tom.sky import healpix29
from tom.sky.arrays import BoolArray, FloatArray, IntArray

AT_ONCE = 20_000
MISSING = {"", "nan", "null", "none", "-", "--", "n/a"}
MOST_ROWS = 100_000_000
LONGEST_LINE = 1_000_000
LEFT_OUT = "left out by the mapping"


class BadCatalogueError(ValueError):
    """A file is not the catalogue that its mapping declares; the text says why."""


@dataclass
class Galaxies:
    """Some galaxies: their ids, names and kinds, and each number as an array of shape `(n,)`.

    The units are ours (`QUANTITIES`); NaN: the catalogue does not say.
    """

    ids: list[str]
    names: list[str]
    kinds: list[str]
    numbers: dict[str, FloatArray]
    healpix29: IntArray


@dataclass
class Refused:
    """How many rows were refused for each reason, and the first row of each."""

    counts: Counter[str] = field(default_factory=Counter)
    firsts: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, line: int) -> None:
        """Count a row, by its line."""
        self.counts[reason] += 1
        self.firsts.setdefault(reason, line)

    def wrong(self) -> int:
        """Return how many rows were refused although the mapping did not leave them out."""
        return self.counts.total() - self.counts[LEFT_OUT]

    def told(self) -> list[str]:
        """Return a line for each reason, the most frequent first."""
        return [
            f"{count} rows: {reason} (first in row {self.firsts[reason]})"
            for reason, count in self.counts.most_common()
        ]


def read_galaxies(path: Path, mapping: CatalogueMapping, refused: Refused) -> Iterator[Galaxies]:
    """Yield the galaxies of a CSV, plain or gzipped, some thousands at a time.

    Rows that are wrong are counted in `refused` and not yielded.

    Raises
    ------
    BadCatalogueError
        If the file cannot be read, is too long, or lacks a column of the mapping.
    """
    seen: set[str] = set()
    try:
        with _opened(path) as text:
            table = csv.reader(_lines(text))
            header = [name.strip() for name in next(table, [])]
            _check_columns(header, mapping, path)
            line = 2
            while rows := list(islice(table, AT_ONCE)):
                if line > MOST_ROWS:
                    message = f"{path.name} has more than {MOST_ROWS} rows"
                    raise BadCatalogueError(message)
                yield _Block(header, rows, line, mapping).read(seen, refused)
                line += len(rows)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path.name} is no CSV that can be read: {error}"
        raise BadCatalogueError(message) from error


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOWrapper]:
    raw = path.open("rb")
    is_gzip = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    binary: Any = gzip.GzipFile(fileobj=raw) if is_gzip else raw
    with raw, binary, io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
        yield text


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Go through the lines; a gzip may unpack to one line of gigabytes."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            message = f"a line has {LONGEST_LINE} letters or more"
            raise csv.Error(message)
        yield line


def _check_columns(header: Sequence[str], mapping: CatalogueMapping, path: Path) -> None:
    lacking = sorted(mapping.needed - set(header))
    if lacking:
        message = f"{path.name} lacks the columns {', '.join(lacking)}"
        raise BadCatalogueError(message)


class _Block:
    """Some rows of the file, column by column."""

    def __init__(
        self,
        header: Sequence[str],
        rows: list[list[str]],
        first_line: int,
        mapping: CatalogueMapping,
    ) -> None:
        self.mapping = mapping
        self.n = len(rows)
        self.first_line = first_line
        self.reasons: list[str] = [
            "" if len(row) == len(header) else "another number of fields than the header"
            for row in rows
        ]
        whole = [row if len(row) == len(header) else [""] * len(header) for row in rows]
        self.texts = {
            name: [text.strip() for text in column]
            for name, column in zip(header, zip(*whole, strict=True), strict=True)
            if name in mapping.needed
        }

    def read(self, seen: set[str], refused: Refused) -> Galaxies:
        """Return the rows that are right; count the others."""
        self._leave_out()
        numbers = {
            name: self._numbers(name, column)
            for name, column in self.mapping.columns.quantities().items()
        }
        for name in ("ra", "dec"):
            self._refuse(np.isnan(numbers[name]), f"no {name}")
        ids = [_without_fraction(text) for text in self.texts[self.mapping.columns.id]]
        self._refuse_ids(ids, seen)
        kinds = self._kinds()
        good = [row for row, reason in enumerate(self.reasons) if not reason]
        for row, reason in enumerate(self.reasons):
            if reason:
                refused.add(reason, self.first_line + row)
        kept = {name: values[good] for name, values in numbers.items()}
        chosen = [kinds[row] for row in good]
        fill_distances(kept, chosen, self.mapping.errors)
        names = self._names()
        return Galaxies(
            ids=[ids[row] for row in good],
            names=[names[row] for row in good],
            kinds=chosen,
            numbers=kept,
            healpix29=healpix29(kept["ra"], kept["dec"]),
        )

    def _leave_out(self) -> None:
        for column, allowed in self.mapping.only.items():
            odd = np.array([text not in allowed for text in self.texts[column]])
            self._refuse(odd, LEFT_OUT)

    def _numbers(self, name: str, column: str) -> FloatArray:
        read = np.array([_number(text) for text in self.texts[column]])
        self._refuse(np.isinf(read), f"{name} is no number")
        with np.errstate(all="ignore"):
            values = self.mapping.convert(name)(read)
        self._refuse(np.isfinite(read) & ~within(name, values), f"{name} out of range")
        return values

    def _refuse(self, where: BoolArray, reason: str) -> None:
        for row in np.flatnonzero(where).tolist():
            self.reasons[row] = self.reasons[row] or reason

    def _refuse_ids(self, ids: Sequence[str], seen: set[str]) -> None:
        for row, text in enumerate(ids):
            if self.reasons[row]:
                continue
            if not text or len(text) > 40:
                self.reasons[row] = "no id, or one of more than 40 characters"
            elif text in seen:
                self.reasons[row] = "an id that an earlier row has"
            seen.add(text)

    def _kinds(self) -> list[str]:
        kinds = self.mapping.kinds
        if kinds is None:
            return [""] * self.n
        if not kinds.column:
            return [str(next(iter(kinds.values.values())))] * self.n
        values = {text: str(kind) for text, kind in kinds.values.items()}
        return [values.get(text, "") for text in self.texts[kinds.column]]

    def _names(self) -> list[str]:
        columns = [self.texts[name] for name in self.mapping.columns.name]
        if not columns:
            return [""] * self.n
        return [next(filter(None, row), "")[:60] for row in zip(*columns, strict=True)]


def _number(text: str) -> float:
    """Read a number; NaN: none is told; infinite: the text is no number."""
    if text.lower() in MISSING:
        return np.nan
    try:
        return float(text)
    except ValueError:
        return np.inf


def _without_fraction(text: str) -> str:
    """Return an id without the ".0" that a table of floats adds."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text
