"""Tables as CSV, each row as a JSON object."""

import csv
import io
import json
from collections.abc import Collection, Iterator
from typing import Final

from tom.formats.errors import MalformedAlertError

_MOST_ROWS: Final = 500_000


def rows_as_json(payload: bytes, columns: Collection[str] = ()) -> Iterator[bytes]:
    """Yield each row with the names of its columns; a first line of one value is no header.

    Parameters
    ----------
    payload
        The table.
    columns
        What it must have.

    Raises
    ------
    MalformedAlertError
        If it is no text, lacks a column, a row is longer than a field may be, or there are too
        many.
    """
    try:
        table = csv.reader(io.StringIO(payload.decode("utf-8-sig")))
        header = next((row for row in table if len(row) > 1), [])
        if missing := [name for name in columns if name not in header]:
            reason = f"it has no column {', '.join(missing)}"
            raise MalformedAlertError(reason)
        for number, row in enumerate(table):
            if number >= _MOST_ROWS:
                reason = f"more than {_MOST_ROWS} rows"
                raise MalformedAlertError(reason)
            if row:
                yield json.dumps(dict(zip(header, row, strict=False))).encode()
    except (UnicodeDecodeError, csv.Error) as error:
        reason = f"no CSV: {type(error).__name__}"
        raise MalformedAlertError(reason) from error
