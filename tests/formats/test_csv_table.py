"""Tables as CSV, row by row."""

import json

import pytest

from tom.formats.csv_table import rows_as_json
from tom.formats.errors import MalformedAlertError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_may_begin_with_the_mark_that_spreadsheets_write(encoding) -> None:
    rows = rows_as_json("id,ra\r\n7,12.5\r\n".encode(encoding))

    assert [json.loads(row) for row in rows] == [{"id": "7", "ra": "12.5"}]


def test_what_is_no_text_is_no_table() -> None:
    with pytest.raises(MalformedAlertError, match="no CSV"):
        list(rows_as_json(b"id,ra\n1,\xff\xfe\n"))
