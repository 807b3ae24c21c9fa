import math

import pytest

from tom.streams.parsers.values import finite, natural, text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (-1e149, -1e149),
        (1e-310, 0.0),  # products of such would vanish
        (1e200, None),
        (-math.inf, None),
        (math.nan, None),
        (True, None),
        ("1", None),
    ],
)
def test_a_number_is_read_so_that_products_stay_finite(value, number):
    assert finite(value) == number


@pytest.mark.parametrize(
    ("value", "number"), [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, None), (-1, None), (1.0, None)]
)
def test_a_count_is_one_that_a_column_holds(value, number):
    assert natural(value) == number


def test_a_text_is_cleaned_and_cut():
    assert text(" \x00a\ud800bcd ", most=3) == "a?b"
    assert text(7) is None
