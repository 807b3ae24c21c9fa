"""Read a position as astronomers write it or paste it.

Read are: decimal degrees; hours or degrees with minutes and seconds in every usual notation; names
with coordinates (J130948.08-232253.3); Galactic coordinates; B1950. A radius may follow. This code
splits the text and checks each angle. astropy computes the angles and the frames.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tom.sky.place_angles import (
    NOT_UNDERSTOOD,
    Angle,
    UnreadablePlaceError,
    declination,
    longitude,
    radius_of,
    right_ascension,
)
from tom.sky.place_groups import NOT_THE_SAME, SAME_DEG, split_coordinates
from tom.sky.place_sentences import find_places
from tom.sky.place_tokens import Label, NotAPlaceError, Number, Token, clean, split_tokens

_SHORT_NAME_ARCSEC: Final = 900.0
"""A name of hours and minutes alone (J1309-2322) cuts the rest off: one minute of time."""
_TENTHS_ARCSEC: Final = 90.0
_NAME: Final = re.compile(
    r"(?:[a-z0-9]{1,12}[\s-]){0,3}(?P<j>[a-z]{0,8}j)?\s?(?P<ra>[0-9]{3,9}(?:\.[0-9]{1,9})?)"
    r"\s?(?P<sign>[+-])(?P<dec>[0-9]{2,9}(?:\.[0-9]{1,9})?)[a-z]?"
)
# The name of a transient before its position, such as AT2017gfo or GRB 170817A.
_OBJECT: Final = re.compile(r"^[a-z]{1,8}[\s-]?[0-9]{2,6}[a-z]{1,8}[0-9]{0,4}[:,;|]?\s+")
_COMMA: Final = re.compile(r"(?<=[0-9]),(?=[0-9])")
_GALACTIC_NAME: Final = re.compile(r"g([0-9]{1,3}\.[0-9]+)([+-][0-9]{1,2}\.[0-9]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A position in ICRS degrees (0 <= ra < 360), and the radius given with it, in arcsec."""

    ra: float
    dec: float
    radius_arcsec: float | None = None


def read_place(text: str) -> Place:
    """Read a position, and a radius after it if there is one (arcsec if it has no unit).

    Two plain numbers are degrees. With colons, or with three numbers for each coordinate, the right
    ascension is in hours and the declination in degrees. A text with two meanings is refused.

    Raises
    ------
    NotAPlaceError
        If the text is no position: it may be a name.
    UnreadablePlaceError
        If it is meant as a position, but is out of range, ambiguous or incomplete.
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
        place = _read_after_name(plain) or _read_sentence(plain)
        if place is None:
            raise
    return place


def _read_after_name(plain: str) -> Place | None:
    rest = _OBJECT.sub("", plain, count=1)
    try:
        return _with_commas(rest) if rest != plain else None
    except NotAPlaceError:
        return None


def _read_sentence(plain: str) -> Place | None:
    """Read the position in a sentence; None if there is none."""
    places = [_read_name(text) or _read(text) for text in find_places(plain)]
    if any(_are_apart(places[0], other) for other in places[1:]):
        raise UnreadablePlaceError(NOT_THE_SAME)
    return places[0] if places else None


def _are_apart(one: Place, other: Place) -> bool:
    return max(abs(one.ra - other.ra), abs(one.dec - other.dec)) > SAME_DEG


def _with_commas(plain: str) -> Place:
    """Read a text in which commas may be decimal marks: only if no other reading is possible."""
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
    if {"ra", "dec", "l", "b"} <= labels:  # the same place in two frames
        return _read_twice(tokens, labels)
    first, second, rest = split_coordinates(tokens)
    if len(rest) == 1 and len(first) == 3 and _is_equinox(rest[0]):
        labels, rest = labels | ({"fk4"} if rest[0][0].value == 1950 else set()), []
    place = _place(first, second, labels)
    if len(rest) == 2:  # the same place, written a second time
        if _are_apart(_place(rest[0], rest[1], labels), place):
            raise UnreadablePlaceError(NOT_THE_SAME)
        return place
    if len(rest) > 2:
        raise UnreadablePlaceError(NOT_UNDERSTOOD)
    return replace(place, radius_arcsec=radius_of(rest[0])) if rest else place


def _is_equinox(group: Angle) -> bool:
    """Whether a last number is the equinox, not a radius: 2000 or 1950, after hours and degrees."""
    return len(group) == 1 and not group[0].unit and group[0].value in {2000, 1950}


def _read_twice(tokens: Sequence[Token], labels: Collection[str]) -> Place:
    """Read RA and Dec if Galactic l and b are next to them and give the same place."""
    galactic = {"l", "b", "galactic"}
    starts = [at for at, token in enumerate(tokens) if isinstance(token, Label)]
    pieces = [tokens[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)]
    sides: tuple[list[Token], list[Token]] = ([], [])
    for piece in pieces:
        sides[piece[0].name in galactic].extend(piece)  # type: ignore[union-attr]  # a label
    places = []
    for side, names in zip(sides, (set(labels) - galactic, galactic), strict=True):
        first, second, _ = split_coordinates(side)
        places.append(_place(first, second, names))
    if _are_far_apart(*places):
        raise UnreadablePlaceError(NOT_THE_SAME)
    return places[0]


def _are_far_apart(one: Place, other: Place) -> bool:
    """Whether two places differ by more than a rounding to a tenth of a degree."""
    away = abs(one.ra - other.ra) % 360 * math.cos(math.radians(one.dec))
    return min(away, abs(360 - away)) > 10 * SAME_DEG or abs(one.dec - other.dec) > 10 * SAME_DEG


def _place(first: Angle, second: Angle, labels: Collection[str]) -> Place:
    if {"galactic", "l", "b"} & set(labels):
        return _in_icrs(longitude(first, "Galactic l"), declination(second, name="b"), "galactic")
    if {"ecliptic", "elon", "elat"} & set(labels):
        first_deg, second_deg = longitude(first, "the ecliptic longitude"), declination(second)
        return _in_icrs(first_deg, second_deg, "barycentricmeanecliptic")
    ra, dec = right_ascension(first), declination(second)
    return _in_icrs(ra, dec, "fk4") if "fk4" in labels else Place(ra % 360, dec)


def _in_icrs(first: float, second: float, frame: str) -> Place:
    from astropy.coordinates import SkyCoord  # slow to import

    equinox = {"equinox": "B1950"} if frame == "fk4" else {}
    icrs = SkyCoord(first, second, unit="deg", frame=frame, **equinox).icrs
    return Place(float(icrs.ra.deg) % 360, float(icrs.dec.deg))


# --- Names that hold a position -----------------------------------------------------------------
def _read_name(plain: str) -> Place | None:
    """Read a name such as J130948.08-232253.3; without a J, only with 6 and 6 digits."""
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
