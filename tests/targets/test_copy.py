"""Rows go by COPY into the database, and are read back as they were."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tom.targets.copy import Table, array_of, copy_lines, copy_rows, line_of

pytestmark = pytest.mark.django_db
quick = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])

KINDS = Table(
    "kinds",
    {
        "number": "bigint",
        "value": "float8",
        "flag": "bool",
        "time": "timestamptz",
        "keys": "bigint[]",
        "text": "text",
    },
)
# PostgreSQL keeps no NUL.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ODD_TEXTS = st.sampled_from(["", "NULL", r"\N", r"\.", "a,b", '"', "'", "a\nb", "\r\n", "\t", "{}"])


def read_back(table: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
        return cursor.fetchall()


@quick
@given(st.lists(st.tuples(st.integers(0, 9), TEXTS | ODD_TEXTS), max_size=8))
def test_each_text_is_kept_as_it_is(rows) -> None:
    with connection.cursor() as cursor:
        copy_rows(cursor, Table("texts", {"number": "bigint", "text": "text"}), rows)

    assert read_back("texts") == rows


def test_none_is_null_but_in_a_text_where_it_is_empty() -> None:
    with connection.cursor() as cursor:
        copy_rows(cursor, KINDS, [[None] * 6, [1, math.inf, True, None, "{}", "x"]])

    assert read_back("kinds") == [
        (None, None, None, None, None, ""),
        (1, math.inf, True, None, [], "x"),
    ]


def test_numbers_keep_each_bit_and_times_their_moment_in_any_zone() -> None:
    moment = datetime(2026, 11, 1, 0, 30, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    rows = [
        [2**62 + 1, 0.1 + 0.2, False, moment, array_of([3, 1, 2**40]), ""],
        [-1, 5e-324, True, moment, array_of([]), ""],
    ]
    with connection.cursor() as cursor:
        copy_rows(cursor, KINDS, rows)

    first, second = read_back("kinds")
    assert first[:3] == (2**62 + 1, 0.30000000000000004, False)
    assert first[3] == datetime(2026, 10, 31, 15, 30, 0, 123456, tzinfo=UTC)
    assert first[4] == [3, 1, 2**40]
    assert (second[0], second[1], second[4]) == (-1, 5e-324, [])


def test_a_table_is_made_anew_for_each_batch() -> None:
    table = Table("numbers", {"number": "bigint"})
    with connection.cursor() as cursor:
        for number in (1, 2):
            copy_rows(cursor, table, [[number]])

    assert read_back("numbers") == [(2,)]


# What ends a line is not told apart, nor what ends a cell.
CELLS = st.text(
    st.characters(exclude_characters="\0\t\n\r", exclude_categories=["Cs"]), max_size=12
) | st.sampled_from(["\\", "\\N", "\\t", "\\\\", "a\\", "\\.", "{1,2}"])


@quick
@given(st.lists(st.tuples(CELLS, CELLS), max_size=8))
def test_each_line_is_kept_as_it_is(rows) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE lines (a text, b text, c text) ON COMMIT DROP")
        copy_lines(cursor, "lines", ["b", "c"], [line_of(*row) for row in rows])

    assert read_back("lines") == [(None, *row) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE lines")
