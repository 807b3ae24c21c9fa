"""COPY rows into a table, and numbers out of one."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

LINES_AT_ONCE = 200
# What COPY writes in binary form before the rows, and after them.
_HEAD_BYTES: Final = 19
_TAIL_BYTES: Final = 2


@dataclass(frozen=True)
class Table:
    """A temporary table: its name, and its columns with their SQL types."""

    name: str
    columns: Mapping[str, str]


def copy_rows(cursor: Any, table: Table, rows: Iterable[Sequence[object]]) -> None:
    """Make `table` for this transaction and fill it. None is NULL; times must be aware."""
    make_table(cursor, table)
    texts = ", ".join(f'"{name}"' for name, kind in table.columns.items() if kind == "text")
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    text.seek(0)
    # An empty field is NULL, but an empty text where the column is one.
    options = f"FORMAT csv, FORCE_NOT_NULL ({texts})" if texts else "FORMAT csv"
    with cursor.db.wrap_database_errors:
        cursor.copy_expert(f"COPY {table.name} FROM STDIN WITH ({options})", text)


def make_table(cursor: Any, table: Table) -> None:
    """Make `table` for this transaction, empty."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
    cursor.execute(f"DROP TABLE IF EXISTS {table.name}")
    cursor.execute(f"CREATE TEMPORARY TABLE {table.name} ({columns}) ON COMMIT DROP")


def copy_lines(cursor: Any, table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    """COPY rows into an existing table, each a line of `line_of`: three times as fast.

    The database stores the first lines while the next are made: `lines` must not query it.
    """
    with cursor.db.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", _Stream(lines))


def read_numbers(
    cursor: Any, query: str, parameters: Mapping[str, Any], columns: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Return these columns of a query as numbers, shape (rows, columns); NULL is NaN.

    No row becomes an object of Python: several times as fast as fetching very many. A key up to
    2^53 stays what it is. The form is that of
    https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4.
    """
    asked = ", ".join(f"coalesce({name}::float8, 'NaN')" for name in columns)
    copied = f"COPY (SELECT {asked} FROM ({query}) q) TO STDOUT BINARY"  # noqa: S608  of our own text
    written = cursor.mogrify(copied, parameters)
    answer = io.BytesIO()
    with cursor.db.wrap_database_errors:
        cursor.copy_expert(written.decode(), answer)
    field = np.dtype([("size", ">i4"), ("value", ">f8")])
    row = np.dtype([("fields", ">i2"), ("field", field, (len(columns),))])
    rows = np.frombuffer(answer.getbuffer()[_HEAD_BYTES:-_TAIL_BYTES], row)
    return np.asarray(rows["field"]["value"], dtype=np.float64)


class _Stream:
    """A file of lines that are made as they are read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)

    def read(self, _size: int) -> str:
        """Return the next lines; empty after the last one."""
        return "".join(islice(self._lines, LINES_AT_ONCE))


def line_of(*values: str) -> str:
    """One row in PostgreSQL's own text format, of values without a tab or a line's end."""
    return "\t".join(values).replace("\\", "\\\\") + "\n"


def array_of(keys: Iterable[int]) -> str:
    """Return an array of numbers, an audience say, in PostgreSQL's own writing."""
    return "{" + ",".join(map(str, keys)) + "}"
