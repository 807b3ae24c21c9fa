"""Chances in texts: none is rounded to a certainty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.formats.chances import write_chance, write_percent


@pytest.mark.parametrize(
    ("chance", "digits", "said"),
    [
        (0.931, 2, "0.93"),
        (0.994, 2, "0.99"),
        (0.996, 2, "> 0.99"),
        (1.0, 2, "> 0.99"),
        (0.996, 3, "0.996"),
        (0.9996, 3, "> 0.999"),
        (0.012, 2, "0.012"),
        (0.0099, 2, "< 0.01"),
        (0.0004, 3, "< 0.001"),
        (0.0, 2, "0"),
    ],
)
def test_a_chance_is_told_with_its_digits_and_never_as_certain(
    chance: float, digits: int, said: str
) -> None:
    assert write_chance(chance, digits=digits) == said


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (0.149, "15%"),
        (0.9949, "99%"),
        (0.995, "> 99%"),
        (1.0, "100%"),
        (0.0049, "< 1%"),
        (0.0, "0%"),
    ],
)
def test_a_percentage_is_whole_and_certain_alone_where_it_was_told_so(
    chance: float, said: str
) -> None:
    assert write_percent(chance) == said


@given(st.floats(0, 1), st.integers(1, 6))
def test_no_chance_reads_as_one(chance: float, digits: int) -> None:
    said = write_chance(chance, digits=digits)

    assert said.startswith("> ") or float(said.removeprefix("< ")) < 1
