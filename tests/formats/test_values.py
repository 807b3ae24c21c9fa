import math

import pytest

from tom.formats.times import middle_of_exposure
from tom.formats.values import (
    finite,
    magnitude,
    natural,
    separation,
    text,
    whole_id,
)


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
    ("value", "number"),
    [
        *((0, 0), (2**31 - 1, 2**31 - 1), (2**31, None), (-1, None)),
        *((1.0, 1), (1.5, None), (2.0**31, None), (math.nan, None), (math.inf, None), ("1", None)),
    ],
)
def test_a_count_is_one_that_a_column_holds(value, number):
    assert natural(value) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((2**62 + 1, 2**62 + 1), (str(2**62 + 1), 2**62 + 1), ("-7", -7), ("0", 0)),
        *((2.0**62, None), (str(2**63), None), ("9" * 5000, None), (" 7", None), ("\u0667", None)),
        *((True, None), (None, None), ("", None)),
    ],
)
def test_an_id_keeps_its_figures_as_a_number_and_as_text(value, number):
    assert whole_id(value) == number


def test_a_text_is_cleaned_and_cut():
    assert text(" \x00a\ud800bcd ", most=3) == "a?b"
    assert text(7) is None


@pytest.mark.parametrize("value", [0, 0.0, -2.5, -999.0, -1006.94, 40.0, 99.0, math.nan, "19"])
def test_what_is_no_magnitude_is_none(value):
    assert magnitude(value) is None


@pytest.mark.parametrize("jd", [0, -1, 61_041.75, 2_400_000.5, 2_451_544.4, 2_488_071.0, math.nan])
def test_what_is_no_julian_date_of_a_survey_is_none(jd):
    assert middle_of_exposure(jd, 30) is None


@pytest.mark.parametrize(
    ("value", "arcsec"), [(0, 0.0), (29.5, 29.5), (-999.0, None), (999.0, None), (1e30, None)]
)
def test_a_separation_that_no_survey_looks_for_is_none(value, arcsec):
    assert separation(value) == arcsec
