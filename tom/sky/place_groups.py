"""Find out which numbers of a position belong to which of its coordinates."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Final

from tom.sky.place_angles import (
    NOT_UNDERSTOOD,
    Angle,
    UnreadablePlaceError,
    declination,
    right_ascension,
)
from tom.sky.place_tokens import Number, Token

NOT_THE_SAME: Final = "it has two positions that are not the same"
SAME_DEG: Final = 0.01
_AMBIGUOUS: Final = (
    "these numbers can be read in two ways; write units or colons, as in 13:09:48 -23:22"
)


def split_coordinates(tokens: Sequence[Token]) -> tuple[Angle, Angle, list[Angle]]:
    """Split the tokens into the two coordinates and the rest, which may be a radius."""
    parts = _by_label(tokens)
    radius = parts.pop("radius", [])
    for names in (("ra", "dec"), ("l", "b"), ("elon", "elat")):
        if all(parts.get(name) for name in names):
            first, second, rest = _labelled(parts[names[0]], parts[names[1]], radius)
            return first, second, rest + radius
    groups = [group for part in parts.values() for group in part]
    first, second, rest = _unlabelled(groups)
    if list(parts)[-2:] in (["dec", "ra"], ["b", "l"]):
        first, second = second, first
    return first, second, rest + radius


def _by_label(tokens: Sequence[Token]) -> dict[str, list[Angle]]:
    """Gather the angles after each label; angles before the first label have the label ""."""
    parts: dict[str, list[Angle]] = {"": []}
    groups = parts[""]
    for token in tokens:
        if isinstance(token, Number):
            if groups and _continues(groups, token):
                groups[-1].append(token)
            else:
                groups.append([token])
        elif token.name in {"ra", "dec", "l", "b", "elon", "elat", "radius"}:
            if parts.get(token.name):
                raise UnreadablePlaceError(NOT_UNDERSTOOD)
            groups = parts.setdefault(token.name, [])
    return parts


def _continues(groups: Sequence[Angle], token: Number) -> bool:
    """Whether a number is the minutes or seconds of the angle before it."""
    group = groups[-1]
    last = group[-1]
    if token.sign or token.is_apart or len(group) == 3:
        return False
    if token.after_colon:
        return True
    if last.has_point:
        return False
    if group[0].unit not in {"h", "d"} or last.unit not in {"h", "d", "m"}:
        return False
    expected = "m" if last.unit in {"h", "d"} else "s"
    if token.unit:
        return token.unit == expected
    return token.is_joined or (expected == "s" and (len(groups) == 1 or len(groups[0]) == 3))


def _labelled(
    first: list[Angle], second: list[Angle], radius: list[Angle]
) -> tuple[Angle, Angle, list[Angle]]:
    first, second = _once(first, right_ascension), _once(second, declination)
    if radius:
        return _join(first), _join(second), []
    size = _second_size(0 if _is_whole(first[0]) else len(first), second)
    return _join(first), _join(second[:size]), second[size:]


def _once(groups: list[Angle], read: Callable[[Angle], float]) -> list[Angle]:
    """Leave out an angle that is written a second time: "197.45d {+13h 09m 48s}"."""
    if len(groups) == 2 and _is_whole(groups[0]) and len(groups[1]) == 1:
        again = groups[1][0]
        is_same = again.is_apart and abs(abs(again.value) - abs(read(groups[0]))) <= SAME_DEG
        return groups[:1] if is_same else groups
    if len(groups) < 2 or len(groups[1]) < 2 or (not groups[1][0].unit and len(groups[0]) > 1):
        return groups
    if abs(read(groups[0]) - read(groups[1])) > SAME_DEG:
        raise UnreadablePlaceError(NOT_THE_SAME)
    return [groups[0], *groups[2:]]


def _join(groups: list[Angle]) -> Angle:
    """Take one angle: a group with units, or up to three plain numbers."""
    if len(groups) == 1:
        return groups[0]
    if not 0 < len(groups) < 4 or any(len(group) > 1 or group[0].unit for group in groups):
        raise UnreadablePlaceError(NOT_UNDERSTOOD)
    return [group[0] for group in groups]


def _unlabelled(groups: list[Angle]) -> tuple[Angle, Angle, list[Angle]]:
    """Split angles in a row into the first coordinate, the second, and the rest."""
    if not groups:
        raise UnreadablePlaceError(NOT_UNDERSTOOD)
    if _is_whole(groups[0]):
        size = _second_size(0, groups[1:])
        return groups[0], _join(groups[1 : 1 + size]), groups[1 + size :]
    plain = len(list(takewhile(lambda group: not _is_whole(group), groups)))
    signed = next((at for at in range(1, len(groups)) if groups[at][0].sign), None)
    if signed is None and plain == len(groups):
        signed = _first_size(groups)
    at = plain if signed is None else min(signed, plain)
    if at == 2 and _is_whole(groups[2]):
        if len(groups) > 3 or len(groups[2]) > 1:
            raise UnreadablePlaceError(_AMBIGUOUS)
        return groups[0], groups[1], groups[2:]  # two numbers, and a radius in degrees
    size = _second_size(at, groups[at:])
    return _join(groups[:at]), _join(groups[at : at + size]), groups[at + size :]


def _is_whole(group: Angle) -> bool:
    return len(group) > 1 or group[0].unit in {"h", "d"}


def _first_size(groups: list[Angle]) -> int:
    """Return how many unsigned plain numbers belong to the first coordinate."""
    count = len(groups) - (groups[-1][0].unit in {"m", "s"})
    if count in {2, 3}:
        return 1
    if count in {6, 7}:
        return 3
    if count == 4 and groups[1][0].has_point and groups[3][0].has_point:
        return 2
    raise UnreadablePlaceError(_AMBIGUOUS)


def _second_size(first: int, groups: list[Angle]) -> int:
    """Return how many of these belong to the second coordinate; the first had `first` numbers.

    A first coordinate that is a group with units counts as 0 numbers.
    """
    if groups and _is_whole(groups[0]):
        return 1
    plain = [group[0] for group in groups]
    if plain and plain[-1].unit in {"m", "s"}:
        return len(plain) - 1
    match len(plain):
        case 1 if first != 2:
            return 1
        case 4:
            return 3
        case 3 if plain[1].has_point or first != 2:
            return 2 if plain[1].has_point else 3
        case 2 if first or plain[0].has_point:
            return 1 if first == 1 or plain[0].has_point else 2
    raise UnreadablePlaceError(_AMBIGUOUS if plain else NOT_UNDERSTOOD)
