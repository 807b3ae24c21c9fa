"""Read a position as astronomers write it or paste it.

Decimal degrees, hours or degrees with minutes and seconds in every usual notation, names that hold
their coordinates (J130948.08-232253.3), Galactic coordinates, B1950; with a radius after it or not.
The text is split here, and each angle is checked; astropy computes the angles and the frames.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from tom.sky.place_angles import (
    NOT_UNDERSTOOD,
    Angle,
    UnreadablePlaceError,
    declination,
    galactic_longitude,
    radius_of,
    right_ascension,
)
from tom.sky.place_tokens import Label, NotAPlaceError, Number, Token, clean, split_tokens

_AMBIGUOUS: Final = (
    "these numbers can be read in two ways; write units or colons, as in 13:09:48 -23:22"
)
_NOT_THE_SAME: Final = "it has two positions that are not the same"
_SHORT_NAME_ARCSEC: Final = 900.0
"""A name of hours and minutes alone (J1309-2322) cuts the rest off: one minute of time."""
_TENTHS_ARCSEC: Final = 90.0
_SAME_DEG: Final = 0.01
_NAME: Final = re.compile(
    r"(?:[a-z0-9]{1,12}[\s-]){0,3}(?P<j>[a-z]{0,8}j)?\s?(?P<ra>[0-9]{3,9}(?:\.[0-9]{1,9})?)"
    r"\s?(?P<sign>[+-])(?P<dec>[0-9]{2,9}(?:\.[0-9]{1,9})?)[a-z]?"
)
# The name of a transient, such as AT2017gfo or GRB 170817A, that stands before its position.
_OBJECT: Final = re.compile(r"^[a-z]{1,8}[\s-]?[0-9]{2,6}[a-z]{1,8}[0-9]{0,4}[:,;|]?\s+")
_COMMA: Final = re.compile(r"(?<=[0-9]),(?=[0-9])")
_GALACTIC_NAME: Final = re.compile(r"g([0-9]{1,3}\.[0-9]+)([+-][0-9]{1,2}\.[0-9]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A position, ICRS degrees (0 <= ra < 360), and the radius that stood with it, arcsec."""

    ra: float
    dec: float
    radius_arcsec: float | None = None


def read_place(text: str) -> Place:
    """Read a position, with a radius after it where there is one (arcsec where it has no unit).

    Two plain numbers are degrees. A colon makes hours of the right ascension and degrees of the
    declination, as do three numbers apart. Where a text has two meanings it is refused.

    Raises
    ------
    NotAPlaceError
        If the text is no position: it may be a name.
    UnreadablePlaceError
        If it is meant as one, and is out of range, ambiguous or incomplete.
    """
    plain = clean(text)
    named = _read_name(plain)
    if named is not None:
        return named
    if found := _GALACTIC_NAME.fullmatch(plain):
        plain = f"gal {found[1]} {found[2]}"
    try:
        return _with_commas(plain)
    except NotAPlaceError:
        rest = _OBJECT.sub("", plain, count=1)
        if rest == plain:
            raise
    return _with_commas(rest)


def _with_commas(plain: str) -> Place:
    """Read a text whose commas may be decimal marks: they are where nothing else makes sense."""
    as_points = _COMMA.sub(".", plain)
    if as_points == plain or "." in plain:
        return _read(plain)
    halves = re.split(r"\s+|;", re.sub(r"[,;]\s", " ", plain).strip())
    if len(halves) == 2 and all(len(_COMMA.findall(half)) == 1 for half in halves):
        return _read(as_points)
    try:
        return _read(plain)
    except UnreadablePlaceError:
        try:
            return _read(as_points)
        except UnreadablePlaceError:
            pass
        raise


def _read(plain: str) -> Place:
    tokens = split_tokens(plain)
    labels = {token.name for token in tokens if isinstance(token, Label)}
    numbers = [token for token in tokens if isinstance(token, Number)]
    if len(numbers) < 2:
        message = "a position has two coordinates"
        raise (UnreadablePlaceError if {"ra", "dec"} <= labels else NotAPlaceError)(message)
    first, second, rest = _coordinates(tokens)
    place = _place(first, second, labels)
    if len(rest) == 2:  # the same place, written a second time
        again = _place(rest[0], rest[1], labels)
        if max(abs(again.ra - place.ra), abs(again.dec - place.dec)) > _SAME_DEG:
            raise UnreadablePlaceError(_NOT_THE_SAME)
        return place
    if len(rest) > 2:
        raise UnreadablePlaceError(NOT_UNDERSTOOD)
    return replace(place, radius_arcsec=radius_of(rest[0])) if rest else place


def _place(first: Angle, second: Angle, labels: Collection[str]) -> Place:
    if {"galactic", "l", "b"} & set(labels):
        return _in_icrs(galactic_longitude(first), declination(second, name="b"), "galactic")
    ra, dec = right_ascension(first), declination(second)
    return _in_icrs(ra, dec, "fk4") if "fk4" in labels else Place(ra % 360, dec)


def _in_icrs(first: float, second: float, frame: str) -> Place:
    from astropy.coordinates import SkyCoord  # slow to import

    equinox = {"equinox": "B1950"} if frame == "fk4" else {}
    icrs = SkyCoord(first, second, unit="deg", frame=frame, **equinox).icrs
    return Place(float(icrs.ra.deg) % 360, float(icrs.dec.deg))


# --- Which numbers belong together --------------------------------------------------------------
def _coordinates(tokens: Sequence[Token]) -> tuple[Angle, Angle, list[Angle]]:
    """Split the tokens into the two coordinates and what follows them: a radius."""
    parts = _by_label(tokens)
    radius = parts.pop("radius", [])
    for names in (("ra", "dec"), ("l", "b")):
        if all(parts.get(name) for name in names):
            first, second, rest = _labelled(parts[names[0]], parts[names[1]], radius)
            return first, second, rest + radius
    groups = [group for part in parts.values() for group in part]
    first, second, rest = _unlabelled(groups)
    if list(parts)[-2:] in (["dec", "ra"], ["b", "l"]):
        first, second = second, first
    return first, second, rest + radius


def _by_label(tokens: Sequence[Token]) -> dict[str, list[Angle]]:
    """Gather the angles that follow each label; those before any stand under no name."""
    parts: dict[str, list[Angle]] = {"": []}
    groups = parts[""]
    for token in tokens:
        if isinstance(token, Number):
            if groups and _continues(groups, token):
                groups[-1].append(token)
            else:
                groups.append([token])
        elif token.name in {"ra", "dec", "l", "b", "radius"}:
            if parts.get(token.name):
                raise UnreadablePlaceError(NOT_UNDERSTOOD)
            groups = parts.setdefault(token.name, [])
    return parts


def _continues(groups: Sequence[Angle], token: Number) -> bool:
    """Say whether a number is the minutes or seconds of the angle before it."""
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
    """Leave the second writing of the same angle out: "197.45d {+13h 09m 48s}"."""
    if len(groups) < 2 or len(groups[1]) < 2 or (not groups[1][0].unit and len(groups[0]) > 1):
        return groups
    if abs(read(groups[0]) - read(groups[1])) > _SAME_DEG:
        raise UnreadablePlaceError(_NOT_THE_SAME)
    return [groups[0], *groups[2:]]


def _join(groups: list[Angle]) -> Angle:
    """Take one angle: a group of its own, or up to three plain numbers."""
    if len(groups) == 1:
        return groups[0]
    if not 0 < len(groups) < 4 or any(len(group) > 1 or group[0].unit for group in groups):
        raise UnreadablePlaceError(NOT_UNDERSTOOD)
    return [group[0] for group in groups]


def _unlabelled(groups: list[Angle]) -> tuple[Angle, Angle, list[Angle]]:
    """Split angles in a row into the first coordinate, the second, and what is left."""
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
    """Say how many unsigned plain numbers are the first coordinate's."""
    count = len(groups) - (groups[-1][0].unit in {"m", "s"})
    if count in {2, 3}:
        return 1
    if count in {6, 7}:
        return 3
    if count == 4 and groups[1][0].has_point and groups[3][0].has_point:
        return 2
    raise UnreadablePlaceError(_AMBIGUOUS)


def _second_size(first: int, groups: list[Angle]) -> int:
    """Say how many of these are the second coordinate's, where the first had so many numbers.

    A first coordinate that is a group of its own counts as 0.
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


# --- Names that hold a position -----------------------------------------------------------------
def _read_name(plain: str) -> Place | None:
    """Read J130948.08-232253.3 and its kin, digits without a J only where there are 6 and 6."""
    found = _NAME.fullmatch(plain.strip("()[]<>,;. "))
    if found is None:
        return None
    ra, dec = found["ra"], found["dec"]
    sizes = len(ra.partition(".")[0]), len(dec.partition(".")[0])
    if found["j"] is None:
        if sizes != (6, 6) or not plain.startswith(ra):
            return None
    elif sizes == (3, 2) and "." in ra:  # degrees, as Pan-STARRS names are
        return _read(f"{ra} {found['sign']}{dec}")
    if not set(sizes) <= {4, 6, 7, 8, 9}:
        return None
    first, second = _packed(ra), _packed(dec)
    place = _read(f"{first} {found['sign']}{second}")
    if sizes[0] >= 6:
        return place
    return Place(place.ra, place.dec, _TENTHS_ARCSEC if "." in ra else _SHORT_NAME_ARCSEC)


def _packed(digits: str) -> str:
    """Write hhmmss.ss with colons; more than six digits in a row have their point after six."""
    whole, _, fraction = digits.partition(".")
    whole, fraction = whole[:6], whole[6:] + fraction
    pairs = ":".join(whole[at : at + 2] for at in range(0, len(whole), 2))
    return f"{pairs}.{fraction}" if fraction else pairs
