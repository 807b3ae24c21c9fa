"""What is wrong with a message, in words a person can read; what can be spared is left out."""

from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tom.formats.errors import MalformedAlertError
from tom.formats.values import clean

_MOST: Final = 5
# A value is taken out in each round; so many rounds no honest message needs.
_ROUNDS: Final = 20
_MOST_LEFT_OUT: Final = 20

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


def summarize(error: ValidationError) -> str:
    """Name the faults without repeating the message, which may hold megabytes."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(_sentence(fault) for fault in faults[:_MOST])


def _sentence(fault: ErrorDetails) -> str:
    """What is wrong, with its place; of the message as a whole a rule needs none."""
    place = ".".join(str(part) for part in fault["loc"])[:80]
    if fault["type"] == "missing":
        return f"it has no {place}"
    return f"{place}: {_plain(fault)}" if place else _plain(fault)


def _plain(fault: ErrorDetails) -> str:
    """A rule of ours as it is written; one of pydantic's without how it speaks of an input."""
    said = fault["msg"].removeprefix("Value error, ")[:120]
    return f"it {said.removeprefix('Input ')}" if said.startswith("Input should ") else said


def read_sparing(
    model: type[Model], content: Any, *, needed: Collection[str]
) -> tuple[Model, tuple[str, ...]]:
    """Read a message without those of its values that break the form.

    Parameters
    ----------
    model
        The message's form.
    content
        The message as it was decoded; it is not changed.
    needed
        The names at its top without which it is none.

    Returns
    -------
    (model, tuple of str)
        The message, and each value that was left out with its reason: "far -3 (negative)".

    Raises
    ------
    MalformedAlertError
        If what is needed breaks the form.
    """
    left_out: dict[str, None] = {}
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(content), tuple(left_out)[:_MOST_LEFT_OUT]
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False)
            places = [_place(content, fault["loc"]) for fault in faults]
            if any(not place or (len(place) == 1 and place[0] in needed) for place in places):
                raise MalformedAlertError(summarize(error)) from error
            left_out |= dict.fromkeys(map(_name, faults, places))
            for place in sorted(set(places), key=_order, reverse=True):
                content = _without(content, place)
    reason = f"too many values break its form: {'; '.join(tuple(left_out)[:_MOST])}"
    raise MalformedAlertError(reason)


def _place(content: Any, where: Sequence[str | int]) -> Place:
    """The part of a fault's place that is in the message; the rest names a branch of its form."""
    place: list[str | int] = []
    for part in where:
        in_list = isinstance(content, list) and isinstance(part, int) and part < len(content)
        if not in_list and not (isinstance(content, dict) and part in content):
            break
        content = content[part]
        place.append(part)
    return tuple(place)


def _order(place: Place) -> list[str]:
    return [f"{part:09d}" if isinstance(part, int) else part for part in place]


def _without(content: Any, place: Place) -> Any:
    """Copy a message as far as it changes; a sibling's index holds, for later ones go first."""
    first, rest = place[0], place[1:]
    if isinstance(content, dict):
        kept = {name: value for name, value in content.items() if rest or name != first}
        return kept | {first: _without(content[first], rest)} if rest and first in kept else kept
    if isinstance(content, list) and isinstance(first, int) and first < len(content):
        middle = [_without(content[first], rest)] if rest else []
        return [*content[:first], *middle, *content[first + 1 :]]
    return content


def _name(fault: ErrorDetails, place: Place) -> str:
    name = ".".join(str(part) for part in place)
    return clean(f"{name}{_shown(fault['input'])} ({_reason(fault)})")


def _shown(value: Any) -> str:
    """A short value as it came; of what is long or has parts, the reason says enough."""
    text = str(value) if isinstance(value, str | int | float) else ""
    return f" {text}" if 0 < len(text) <= 40 else ""


def _reason(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")[:120].lower()
