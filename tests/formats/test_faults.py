"""A message is read without the values that break its form, and says which were left out."""

from contextlib import suppress
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tom.formats.errors import MalformedAlertError
from tom.formats.faults import read_sparing, summarize

Positive = Annotated[float, Field(gt=0)]


class Inner(BaseModel):
    """A part of a message."""

    far: Positive | None = None
    area: Positive | None = None


class Message(BaseModel):
    """A message of some form."""

    name: Annotated[str, Field(min_length=1, max_length=20)]
    inner: Inner | None = None
    levels: list[Positive] = []
    values: dict[str, Positive] = {}
    note: Annotated[str, Field(max_length=50)] = ""


def read(content: Any) -> tuple[Message, tuple[str, ...]]:
    return read_sparing(Message, content, needed={"name"})


numbers = st.sampled_from([1.0, 2.5, -1.0, 0.0, "x", None])


def is_good(number: Any) -> bool:
    return isinstance(number, float) and number > 0


@given(st.lists(numbers, max_size=8), st.dictionaries(st.text("abc", max_size=3), numbers))
def test_exactly_what_breaks_the_form_is_left_out(levels: list[Any], values: dict[str, Any]):
    content = {"name": "m", "levels": levels, "values": values}

    message, left_out = read(content)

    assert message.levels == [each for each in levels if is_good(each)]
    assert message.values == {name: each for name, each in values.items() if is_good(each)}
    bad = [each for each in (*levels, *values.values()) if not is_good(each)]
    assert len(left_out) <= len(bad)
    assert bool(left_out) == bool(bad)
    assert content == {"name": "m", "levels": levels, "values": values}


@given(numbers, numbers)
def test_a_part_keeps_what_is_good_of_it(far: Any, area: Any) -> None:
    message, _ = read({"name": "m", "inner": {"far": far, "area": area}})

    assert message.inner is not None
    assert message.inner.far == (far if is_good(far) else None)
    assert message.inner.area == (area if is_good(area) else None)


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        ({"name": "m"}, []),
        ({"name": "m", "inner": {"far": -3}}, ["inner.far -3 (input should be greater than 0)"]),
        ({"name": "m", "levels": [1.0, -2.0]}, ["levels.1 -2.0 (input should be greater than 0)"]),
        ({"name": "m", "note": "x" * 60}, ["note (string should have at most 50 characters)"]),
        ({"name": "m", "inner": 7}, ["inner 7 (input should be a valid dictionary or inst"]),
    ],
)
def test_what_was_left_out_is_named_with_its_value_and_the_reason(
    content: Any, left_out: list[str]
) -> None:
    _, told = read(content)

    assert len(told) == len(left_out)
    assert all(found.startswith(start[:60]) for found, start in zip(told, left_out, strict=True))


@pytest.mark.parametrize(
    "content", [{}, {"name": ""}, {"name": "x" * 21}, {"name": 3}, [], 7, None]
)
def test_a_message_without_what_it_needs_is_refused(content: Any) -> None:
    with pytest.raises(MalformedAlertError) as error:
        read(content)

    assert str(error.value)


def test_a_message_of_faults_without_end_is_refused_and_its_reason_is_short() -> None:
    class Chain(BaseModel):
        """Each round shows one more fault."""

        name: str
        values: dict[str, Positive] = {}

    content = {"name": "m", "values": {f"v{at}": "x" * 10_000 for at in range(1000)}}

    message, left_out = read_sparing(Chain, content, needed={"name"})

    assert message.values == {}
    assert len(left_out) <= 20
    assert all(len(each) < 300 for each in left_out)


@given(st.recursive(numbers, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_a_message_holds_it_is_read_or_refused(content: Any) -> None:
    for message in (content, {"name": "m", "inner": content}, {"name": "m", "values": content}):
        with suppress(MalformedAlertError):
            found, left_out = read(message)
            assert found.name
            assert all(left_out)


def test_a_summary_names_at_most_five_faults_and_repeats_no_message() -> None:
    with pytest.raises(Exception) as error:  # noqa: PT011  pydantic's own
        Message.model_validate({"name": 1, "levels": ["y" * 100_000] * 50})

    text = summarize(error.value)

    assert text.count(";") == 4
    assert "yyy" not in text
    assert len(text) < 1100
