"""What people type into the search box: a name, or a position with a radius."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.sky.place_angles import UnreadablePlaceError
from tom.sky.place_text import read_place
from tom.sky.place_tokens import LONGEST, NotAPlaceError
from tom.targets.search import LARGEST_RADIUS_ARCSEC, find_by_name, find_exactly, find_in_cone
from tom.targets.tns import bare_name, tns_spellings

DEFAULT_RADIUS_ARCSEC = 10.0


@dataclass(frozen=True)
class Cone:
    """A place on the sky: ICRS degrees, and a radius."""

    ra: float
    dec: float
    radius_arcsec: float


@dataclass(frozen=True)
class Sought:
    """What a text means: a cone, else a name; `why_not` where it was meant as a position."""

    name: str
    cone: Cone | None = None
    why_not: str = ""


def read_search(text: str) -> Sought:
    """Read what a person typed or pasted."""
    name = text.replace("\0", "").strip()
    if len(name) > LONGEST:
        return Sought(name[:LONGEST], why_not=f"It is longer than {LONGEST} characters.")
    try:
        return Sought(name, cone=read_cone(name))
    except NotAPlaceError:
        return Sought(name)
    except UnreadablePlaceError as error:
        return Sought(name, why_not=f"No position: {error}.")


def read_cone(text: str) -> Cone:
    """Read a position with the radius after it; without one it is `DEFAULT_RADIUS_ARCSEC`.

    Raises
    ------
    NotAPlaceError
        If the text is not a position.
    UnreadablePlaceError
        If it is meant as one and cannot be one, or its radius is out of range.
    """
    place = read_place(text)
    radius = DEFAULT_RADIUS_ARCSEC if place.radius_arcsec is None else place.radius_arcsec
    if not 0 < radius <= LARGEST_RADIUS_ARCSEC:
        message = f"the radius is above 0 and at most {LARGEST_RADIUS_ARCSEC:.0f} arcsec"
        raise UnreadablePlaceError(message)
    return Cone(place.ra, place.dec, radius)


def find_targets(
    targets: QuerySet[BaseTarget], sought: Sought, programs: Collection[int]
) -> QuerySet[BaseTarget]:
    """Keep the targets that a text means to a reader; a target's name counts before a place."""
    if not sought.name:
        return targets
    cone = sought.cone
    if cone is not None and not find_exactly(targets, [sought.name], programs).exists():
        radius = cone.radius_arcsec
        return find_in_cone(targets, programs, ra=cone.ra, dec=cone.dec, radius_arcsec=radius)
    return find_by_name(targets, bare_name(sought.name), programs)


def spellings(name: str) -> list[str]:
    """Return the ways in which a whole name may be stored."""
    return tns_spellings(name) or list(dict.fromkeys([name, "".join(name.split())]))


def any_of(column: str, values: list[str]) -> Q:
    """Ask for a column that is one of these, whatever the case."""
    wanted = Q(pk__in=[])
    for value in values:
        wanted |= Q(**{f"{column}__iexact": value})
    return wanted
