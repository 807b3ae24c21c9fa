"""A watch list as people type or paste it: a place a line, with a name and a radius."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from tom_targets.base_models import BaseTarget

from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import Place, read_place
from tom.sky.place_tokens import NotAPlaceError
from tom.strategies.watching import MOST_PLACES, Watched, wrong_place
from tom.targets.search import find_exactly
from tom.targets.visible import visible_targets

USUAL_RADIUS_ARCSEC: Final = 3.0
COLUMNS: Final = ("name", "ra_deg", "dec_deg", "radius_arcsec")
MOST_TOLD: Final = 10
LONGEST_LINE: Final = 400
SAME_DEG: Final = 1e-6
TWO_WAYS: Final = "it can be read in two ways: write name, RA Dec in one column, radius"
NO_PLACE: Final = "write name, place, radius in arcsec"
_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?", re.ASCII | re.I
)
_RADIUS: Final = re.compile(rf"({_NUMBER.pattern})\s*(?:arcsec|as|\"|″)?", re.ASCII | re.I)


class _WrongLineError(Exception):
    """A line that cannot be read; the text says why."""


@dataclass(frozen=True)
class _Named:
    """A line that is the name of a target, perhaps with a radius; `why` it is no position."""

    name: str
    radius_arcsec: float
    why: str


def write_places(places: Iterable[Watched]) -> str:
    """Write places as `read_places` reads them: each has exactly the same figures again."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerows((name, *map(_figure, figures)) for name, *figures in places)
    return lines.getvalue()


def _figure(value: float) -> str:
    return repr(value).removesuffix(".0")


def read_places(text: str, user: User) -> list[Watched]:
    """Read a place a line; empty lines and those that begin with # say nothing.

    A line is a name, a place in any notation that the site reads, and a radius in arcsec. Name and
    radius may be left out. Or it is the name of a public target that the user may see.

    Raises
    ------
    ValidationError
        With a text for each of the first lines that cannot be read.
    """
    lines = dict(_lines(text))
    if len(lines) > MOST_PLACES:
        message = f"A watch list has at most {MOST_PLACES:,} places, not {len(lines):,}."
        raise ValidationError(message)
    read: dict[int, Watched | _Named | str] = {at: _read(line) for at, line in lines.items()}
    asked = [found.name for found in read.values() if isinstance(found, _Named)]
    targets = _targets(asked, user) if asked else {}
    placed = {
        at: _at_target(found, targets) if isinstance(found, _Named) else found
        for at, found in read.items()
    }
    _refuse({at: _fault(found) for at, found in placed.items()}, lines)
    return [found for found in placed.values() if isinstance(found, Watched)]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line that says something, from 1."""
    is_first = True
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if not (is_first and _is_heading(stripped)):
            yield number, stripped
        is_first = False


def _is_heading(line: str) -> bool:
    """Whether a line names columns: the right ascension, and the declination after it."""
    names = [part.lower() for part in _parts(line)]
    pairs = pairwise(names)
    return any(one.startswith("ra") and two.startswith("de") for one, two in pairs) and not any(
        _NUMBER.fullmatch(name) for name in names
    )


def _parts(line: str) -> list[str]:
    row = next(csv.reader([line], delimiter="\t" if "\t" in line else ","), [])
    parts = [part.strip() for part in row]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _fault(found: Watched | str) -> str:
    return found if isinstance(found, str) else wrong_place(*found)


def _refuse(faults: Mapping[int, str], lines: Mapping[int, str]) -> None:
    wrong = [(at, fault) for at, fault in faults.items() if fault]
    told = [f"Line {at}, “{lines[at][:60]}”: {fault}." for at, fault in wrong[:MOST_TOLD]]
    if len(wrong) > MOST_TOLD:
        told.append(f"And {len(wrong) - MOST_TOLD:,} more lines.")
    if told:
        raise ValidationError(told)


# --- One line -----------------------------------------------------------------------------------
def _read(line: str) -> Watched | _Named | str:
    """Read a line: a place, the name of a target, or what is wrong with it."""
    if len(line) > LONGEST_LINE:
        return f"a line has at most {LONGEST_LINE} characters"
    parts = _parts(line)
    if not 1 <= len(parts) <= 4:
        return NO_PLACE
    try:
        return _of_numbers(parts) or _of_notation(parts, line)
    except _WrongLineError as error:
        return str(error)


def _of_numbers(parts: list[str]) -> Watched | None:
    """Read a name, RA and Dec in degrees, and perhaps a radius; None: it is written otherwise.

    Three numbers after a text that is no number: most tables are so, and are read at once.
    """
    name, *figures = parts
    is_name = len(figures) == 3 or (len(figures) == 2 and name[:1].isalpha())
    if not (is_name and all(map(_NUMBER.fullmatch, figures))):
        return None
    ra, dec, radius = [*map(float, figures), USUAL_RADIUS_ARCSEC][:3]
    return _watched(name, Place(ra + 0.0, dec), radius)


def _of_notation(parts: list[str], line: str) -> Watched | _Named:
    """Read a place in any notation. Where a line begins with a number, it has one meaning alone."""
    ways, why = [], ""
    for name, middle, radius in _ways(parts, line):
        try:
            place = read_place(middle)
        except UnreadablePlaceError as error:
            why = str(error)
        except NotAPlaceError:
            continue
        else:
            ways.append(_watched(name, place, radius))
            if name[:1].isalpha():
                break
    if ways:
        return _only(ways)
    has_radius = len(parts) == 2 and _RADIUS.fullmatch(parts[1])
    if len(parts) == 1 or has_radius:
        return _Named(parts[0], _radius(parts[1]) if has_radius else USUAL_RADIUS_ARCSEC, why)
    raise _WrongLineError(why or NO_PLACE)


def _ways(parts: list[str], line: str) -> Iterator[tuple[str, str, float | None]]:
    """Yield each way in which a line may be meant: its name, the text of its place, its radius."""
    ends: list[tuple[int, float | None]] = [(len(parts), None)]
    if _RADIUS.fullmatch(parts[-1]):
        ends.insert(0, (len(parts) - 1, _radius(parts[-1])))
    for start in (1, 0):
        for end, radius in ends:
            if 1 <= end - start <= 2 and (parts[0] or start):
                yield "" if start == 0 else parts[0], " ".join(parts[start:end]), radius
    if len(parts) > 1 and not parts[0][:1].isalpha():
        yield "", line, None  # then a comma may be a decimal mark


def _radius(text: str) -> float:
    found = _RADIUS.fullmatch(text)
    return float(found[1]) if found else USUAL_RADIUS_ARCSEC


def _watched(name: str, place: Place, radius: float | None) -> Watched:
    known = radius if radius is not None else place.radius_arcsec
    radius = USUAL_RADIUS_ARCSEC if known is None else known
    return Watched(name or _name_of(place), place.ra, place.dec + 0.0, radius)


def _name_of(place: Place) -> str:
    """A place in degrees, as the name of one without a name."""
    return f"{place.ra:.5f} {place.dec:+.5f}"


def _only(ways: list[Watched]) -> Watched:
    first, *others = ways
    for other in others:
        if abs(first.ra - other.ra) > SAME_DEG or abs(first.dec - other.dec) > SAME_DEG:
            raise _WrongLineError(TWO_WAYS)
    return first


# --- Targets ------------------------------------------------------------------------------------
def _targets(names: list[str], user: User) -> dict[str, list[BaseTarget]]:
    """The public targets that the user may see with one of these names, by each name they have."""
    open_to_all = visible_targets(user).filter(permissions=BaseTarget.Permissions.PUBLIC)
    found: dict[str, list[BaseTarget]] = {}
    for target in find_exactly(open_to_all, names).prefetch_related("aliases"):
        for name in {target.name.lower(), *(alias.name.lower() for alias in target.aliases.all())}:
            found.setdefault(name, []).append(target)
    return found


def _at_target(named: _Named, targets: Mapping[str, list[BaseTarget]]) -> Watched | str:
    found = targets.get(named.name.lower(), [])
    if len(found) > 1:
        return "more than one target has this name: write its position"
    if not found or found[0].ra is None or found[0].dec is None:
        return named.why or "it is no position, and no public target has this name"
    return Watched(named.name, found[0].ra, found[0].dec + 0.0, named.radius_arcsec)
